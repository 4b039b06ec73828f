// The package as its users get it: packed, installed into an empty project without the optional packages, and imported by
// Node 20, by Node 24 and by Chromium, and seen by the type checker. The sample in README.md is compiled and run as it stands there.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { arch, homedir, tmpdir } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
/** With all that it brings, but for optional packages. */
const MOST_BYTES = 15_000_000;
const [, PROGRAM = ''] = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? [];
const EXPECTED = {
  answers: [
    ['Allow', 'mcr', 'RuleMatched'],
    ['Deny', null, 'DefaultAction'],
    ['Allow', 'apiudp', 'RuleMatched'],
  ],
  withoutTags: 2,
};
const RUN = `
  import { check } from './consumer.mjs';
  import { loadTags } from 'postern/tags';
  console.log(JSON.stringify({ node: process.versions.node, ...check(loadTags()) }));
`;
const PAGE = `<!doctype html><title>waiting</title>
<script type="importmap">{"imports":{"postern":"/node_modules/postern/dist/index.js"}}</script>
<script type="module">
  import { readTags } from 'postern';
  import { check } from './consumer.mjs';
  const bytes = async name => new Uint8Array(await (await fetch('/node_modules/postern/data/' + name)).arrayBuffer());
  try {
    const tags = await readTags(await bytes('service-tags.tsv.gz'), await bytes('fqdn-tags.tsv.gz'));
    document.title = JSON.stringify(check(tags));
  } catch (error) {
    document.title = String(error?.stack ?? error);
  }
</script>`;

/** npm keeps what it fetched in the home folder; a user without one gets a cache in the project. */
function cacheFor(project: string): NodeJS.ProcessEnv {
  try {
    accessSync(homedir(), constants.W_OK);
    return {};
  } catch {
    return { HOME: project, npm_config_cache: join(project, 'cache') };
  }
}

describe('the package', () => {
  const project = mkdtempSync(join(tmpdir(), 'postern-package-'));
  const npm = (args: string[], cwd = project) =>
    execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, ...cacheFor(project) },
    });

  before(() => {
    execFileSync(process.execPath, [join(ROOT, 'scripts/build-package.ts'), join(project, 'build')], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const tarball = npm(['pack', join(project, 'build'), '--pack-destination', project])
      .trim()
      .split('\n')
      .at(-1);
    writeFileSync(join(project, 'package.json'), '{"name":"empty","private":true,"type":"module"}\n');
    npm([
      ...['install', '--prefer-offline', '--omit=optional'],
      ...[`./${tarball}`, `node20@npm:node-linux-${arch()}@20`],
    ]);
    for (const name of ['consumer.mjs', 'consumer.ts'])
      cpSync(join(import.meta.dirname, name), join(project, name));
    cpSync(join(ROOT, 'examples/policy-repository'), project, { recursive: true });
    writeFileSync(join(project, 'program.ts'), PROGRAM);
    writeFileSync(join(project, 'program.mjs'), PROGRAM);
    writeFileSync(join(project, 'run.mjs'), RUN);
    writeFileSync(join(project, 'index.html'), PAGE);
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  const node20 = join(project, 'node_modules/node20/bin');
  /** As on a machine whose Node is 20. */
  const postern = (...args: string[]) =>
    spawnSync(join(project, 'node_modules/.bin/postern'), args, {
      cwd: project,
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: [node20, process.env.PATH].join(delimiter),
        POSTERN_STATE: join(project, 'state'),
      },
    });

  it('is small without its optional packages', () => {
    const files = globSync('node_modules/**', { cwd: project, exclude: name => name === 'node20' });
    const entries = files.map(name => statSync(join(project, name))).filter(file => file.isFile());
    const sum = entries.reduce((total, { size }) => total + size, 0);
    assert.ok(files.includes('node_modules/postern/dist/index.js'));
    assert.ok(sum < MOST_BYTES, `${sum} bytes`);
  });

  it('is plain JavaScript for Node 20', () => {
    const said = execFileSync(join(node20, 'node'), ['run.mjs'], { cwd: project });
    const { node, ...answer } = JSON.parse(said.toString());
    assert.match(node, /^20\./);
    assert.deepEqual(answer, EXPECTED);
  });

  it('and for Node 24', () => {
    const said = execFileSync(process.execPath, ['run.mjs'], { cwd: project });
    const { node, ...answer } = JSON.parse(said.toString());
    assert.match(node, /^24\./);
    assert.deepEqual(answer, EXPECTED);
  });

  it('runs in Chromium, without a bundler', async () => {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname;
      const file = join(project, path === '/' ? 'index.html' : path);
      const type = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' }[
        extname(file)
      ];
      try {
        response.setHeader('content-type', type ?? 'application/octet-stream').end(readFileSync(file));
      } catch {
        response.writeHead(404).end();
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const profile = join(project, 'chromium');
      mkdirSync(profile);
      const { stdout } = await promisify(execFile)(
        'chromium',
        [
          ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
          ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
          ...[`--user-data-dir=${profile}`, '--virtual-time-budget=20000', '--dump-dom'],
          `http://127.0.0.1:${port}/`,
        ],
        { timeout: 60_000, env: { ...process.env, HOME: profile } },
      );
      const title = /<title>(.*?)<\/title>/s.exec(stdout)?.[1] ?? stdout;
      assert.deepEqual(JSON.parse(title.replaceAll('&quot;', '"')), EXPECTED, title);
    } finally {
      server.close();
    }
  });

  it('does and prints what the sample in README.md says', () => {
    const [, expected] = /console\.log\(.*\/\/ (.*)$/m.exec(PROGRAM) ?? [];
    assert.ok(expected);
    for (const node of [join(node20, 'node'), process.execPath]) {
      const { stdout, stderr } = spawnSync(node, ['program.mjs'], { cwd: project, encoding: 'utf8' });
      assert.deepEqual([stdout.trim(), stderr], [expected, '']);
    }
  });

  it('has types, which hold', () => {
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...{ strict: true, noEmit: true, module: 'nodenext', target: 'es2022' },
          // The sample reads a file.
          ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
        },
        files: ['consumer.ts', 'program.ts'],
      }),
    );
    try {
      execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project], { encoding: 'utf8' });
    } catch (error) {
      assert.fail((error as { stdout: string }).stdout);
    }
  });

  it('brings the offline commands, which need neither Node 24 nor an optional package', () => {
    const flow = ['--from', '10.42.8.1', '--to', 'github.com:443'];
    const { stdout, stderr } = postern('decide', '--policy', 'policies', ...flow, '-o', 'json');
    assert.equal(stderr, '');
    assert.equal(JSON.parse(stdout).rule.name, 'source-code');
    for (const [args, status, said] of [
      [['lint', '--policy', 'policies'], 0, /0 errors, 0 warnings/],
      [['test', 'tests'], 0, /17 passed/],
      [['diff', 'policies', 'policies'], 0, /^No difference/],
      [['tags', 'show', 'AzureCloud.eastus'], 0, /^AzureCloud\.eastus, service tag/],
      [['explain', '--help'], 0, /^Usage: /],
    ] as const) {
      const result = postern(...args);
      assert.deepEqual([result.status, result.stderr], [status, ''], args.join(' '));
      assert.match(result.stdout, said);
    }
  });

  it('says that rules out of a database need Node 24', () => {
    const lab = join(project, 'state/labs/one');
    mkdirSync(lab, { recursive: true });
    writeFileSync(join(lab, 'store.db'), '');
    const { status, stderr } = postern('lint', '--policy', 'store', '--name', 'one');
    assert.equal(status, 1);
    assert.match(stderr, /: it needs Node 24, .* and this is Node 20\..* npm install --include=optional/);
  });

  it('says which package a command misses, and what brings it', () => {
    for (const command of [
      ['lab', 'up'],
      ['up', '--config', 'policies', '--inside', 'lo'],
      ['gateway', '--help'],
    ]) {
      const { status, stdout, stderr } = postern(...command);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(
        stderr,
        /^postern \w+: the package '[\w-]+' is not installed\. .* npm install --include=optional brings them, on Linux\.\n$/,
      );
    }
  });

  it('runs the other commands, with Node 24, where the optional packages are', () => {
    const names = globSync(['*', '@*/*'], { cwd: join(ROOT, 'node_modules') });
    for (const name of names.filter(found => !found.startsWith('.'))) {
      const link = join(project, 'node_modules', name);
      if (!existsSync(link)) symlinkSync(join(ROOT, 'node_modules', name), link);
    }
    for (const command of [
      ['gateway', '--help'],
      ['lab', 'up', '--help'],
      ['up', '--help'],
    ]) {
      const { status, stdout, stderr } = postern(...command);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^Usage: /);
    }
    assert.match(postern('doctor').stdout, /^ok +Node +24\./m);
  });
});
