// The library as its users get it: packed, installed into an empty project, and imported by Node 20, by Node 24 and by
// Chromium, and seen by the type checker.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { arch, homedir, tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
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

describe('the packed library', () => {
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
    npm(['install', '--prefer-offline', `./${tarball}`, `node20@npm:node-linux-${arch()}@20`]);
    for (const name of ['consumer.mjs', 'consumer.ts'])
      cpSync(join(import.meta.dirname, name), join(project, name));
    writeFileSync(join(project, 'run.mjs'), RUN);
    writeFileSync(join(project, 'index.html'), PAGE);
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  it('is plain JavaScript for Node 20', () => {
    const said = execFileSync(join(project, 'node_modules/node20/bin/node'), ['run.mjs'], { cwd: project });
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

  it('has types, which hold', () => {
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', types: [] },
        files: ['consumer.ts'],
      }),
    );
    try {
      execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project], { encoding: 'utf8' });
    } catch (error) {
      assert.fail((error as { stdout: string }).stdout);
    }
  });

  it('brings the command', () => {
    const help = execFileSync(join(project, 'node_modules/.bin/postern'), ['--help'], { encoding: 'utf8' });
    assert.match(help, /^Usage: postern COMMAND/);
  });
});
