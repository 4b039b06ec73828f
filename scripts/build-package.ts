// Builds the npm package in build/package, or in the folder named: the sources as plain JavaScript with types, for `postern` commands, and the
// library entry bundled into one file without imports, for Node 20 and later and for browsers.

import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { readArguments, refuse } from './read-arguments.ts';

const ROOT = join(import.meta.dirname, '..');
const USAGE = `Usage: npm run build:package [-- FOLDER]

Builds the npm package in build/package, or in the folder named, which is emptied first.
`;

const [folder = join(ROOT, 'build/package'), ...beyond] = readArguments(USAGE, {
  allowPositionals: true,
}).positionals;
if (beyond.length > 0) refuse(USAGE, `build:package: unexpected argument '${beyond[0]}'.`);
const PACKAGE = resolve(folder);

/** What only labs and gateways need. The library and offline commands do without: `npm install --omit=optional`. */
const OPTIONAL: readonly string[] = [
  '@hono/node-server',
  '@peculiar/x509',
  'dns-packet',
  'hono',
  'jose',
  'koffi',
  'reflect-metadata',
];

/** Quoted paths of our own modules end in `.ts`, which only Node 24 runs, and not in packages; emitted code has `.js` files. */
const OWN_MODULE = /(['"])([#\w./-]+)\.ts\1/g;

rmSync(PACKAGE, { recursive: true, force: true });
mkdirSync(PACKAGE, { recursive: true });

const sources = globSync(join(ROOT, 'src/**/*.ts')).filter(file => !/\.test\.ts$/.test(file));
await build({
  entryPoints: sources,
  outdir: join(PACKAGE, 'src'),
  outbase: join(ROOT, 'src'),
  format: 'esm',
  platform: 'node',
  target: 'node20',
});
const { status } = spawnSync(
  join(ROOT, 'node_modules/.bin/tsc'),
  ['-p', 'tsconfig.package.json', '--outDir', join(PACKAGE, 'src')],
  {
    cwd: ROOT,
    stdio: 'inherit',
  },
);
if (status !== 0) process.exit(1);
for (const file of globSync(join(PACKAGE, 'src/**/*.{js,d.ts}'))) {
  writeFileSync(file, readFileSync(file, 'utf8').replace(OWN_MODULE, '$1$2.js$1'));
}

await build({
  entryPoints: [join(ROOT, 'src/index.ts')],
  outfile: join(PACKAGE, 'dist/index.js'),
  bundle: true,
  format: 'esm',
  // Nothing of Node may be in it: an import of a Node module is an error here.
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2022',
  legalComments: 'inline',
  sourcemap: true,
});

for (const name of ['bin', 'data', 'docs', 'examples', 'packaging', 'README.md', 'CHANGELOG.md', 'LICENSE'])
  cpSync(join(ROOT, name), join(PACKAGE, name), { recursive: true });
cpSync(join(ROOT, 'src/lab/init.sh'), join(PACKAGE, 'src/lab/init.sh'));

interface Manifest {
  readonly [key: string]: unknown;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const {
  scripts: _scripts,
  devDependencies: _tools,
  dependencies,
  optionalDependencies,
  ...manifest
} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const isOptional = ([name]: readonly [string, string]) => OPTIONAL.includes(name);
const gone = OPTIONAL.find(name => dependencies[name] === undefined);
if (gone !== undefined) throw new Error(`package.json has no dependency '${gone}' that could be optional`);
writeFileSync(
  join(PACKAGE, 'package.json'),
  `${JSON.stringify(
    {
      ...manifest,
      dependencies: Object.fromEntries(Object.entries(dependencies).filter(entry => !isOptional(entry))),
      optionalDependencies: {
        ...Object.fromEntries(Object.entries(dependencies).filter(isOptional)),
        ...optionalDependencies,
      },
      imports: { '#*': './src/*' },
      exports: {
        '.': { types: './src/index.d.ts', default: './dist/index.js' },
        './tags': { types: './src/tags.d.ts', default: './src/tags.js' },
        './data/*': './data/*',
      },
      sideEffects: false,
    },
    null,
    2,
  )}\n`,
);
console.log(`The package is in ${PACKAGE}; npm pack ${PACKAGE} makes a file of it.`);
