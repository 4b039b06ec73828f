// Checks what can be checked without running the product: who imports whom, heads of files, links in documents,
// leftovers. The import table is read from docs/architecture.md, so the document cannot go stale.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const sources = globSync('src/**/*.ts', { cwd: root }).sort();

interface Row {
  readonly imports: ReadonlySet<string>;
  readonly typesOnly: ReadonlySet<string>;
  readonly all: boolean;
}

function importTable(): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of read('docs/architecture.md').split('\n')) {
    const match = /^\| `([a-z.]+)`\s*\| [^|]+ \| ([^|]+) \|$/.exec(line);
    if (!match) continue;
    const [, folder = '', cell = ''] = match;
    const words =
      cell
        .split(';')[0]
        ?.split(',')
        .map(word => word.trim()) ?? [];
    rows.set(folder, {
      imports: new Set(words.filter(word => /^[a-z]+$/.test(word))),
      typesOnly: new Set(
        words.filter(word => word.startsWith('types of ')).map(word => word.slice('types of '.length)),
      ),
      all: words.includes('all'),
    });
  }
  return rows;
}

const folderOf = (file: string) => file.split('/')[1] ?? '';

test('every folder of src has its row in the import table, and every row its folder', () => {
  const rows = importTable();
  const folders = new Set(
    sources
      .filter(file => !/^src\/[^/]+\.test\.ts$/.test(file))
      .map(file => folderOf(file))
      .map(name => (name === 'main.ts' ? 'main.ts' : name)),
  );
  for (const folder of folders)
    assert.ok(rows.has(folder), `docs/architecture.md has no row for src/${folder}`);
  for (const folder of rows.keys())
    assert.ok(folders.has(folder), `docs/architecture.md has a row for src/${folder}, which is not there`);
});

test('imports keep to the table', () => {
  const rows = importTable();
  assert.ok(rows.size > 10, 'the import table was not found in docs/architecture.md');
  const faults: string[] = [];
  for (const file of sources) {
    const own = folderOf(file);
    const row = rows.get(own);
    if (!row || row.all || file.endsWith('.test.ts')) continue;
    for (const match of read(file).matchAll(
      /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|import\('([^']+)'\)/g,
    )) {
      const target = match[2] ?? match[3] ?? '';
      if (target.startsWith('.') && !join(dirname(file), target).startsWith(`src/${own}/`)) {
        faults.push(`${file}: '${target}' leaves its folder; write '#folder/file.ts'`);
      }
      if (!target.startsWith('#')) continue;
      const folder = target.slice(1).split('/')[0] ?? '';
      if (folder === own || row.imports.has(folder)) continue;
      if (match[1] && row.typesOnly.has(folder)) continue;
      faults.push(`${file}: may not import ${target}`);
    }
  }
  assert.deepEqual(faults, []);
});

test('every source file opens with a comment that says what it is for', () => {
  const bare = sources.filter(
    file => !file.endsWith('.test.ts') && !/^(#![^\n]*\n)?(\/\/|\/\*)/.test(read(file)),
  );
  assert.deepEqual(bare, []);
});

test('links in documents lead to files that exist', () => {
  const faults: string[] = [];
  for (const document of globSync(['*.md', 'docs/**/*.md', 'bench/**/*.md', 'packaging/**/*.md'], {
    cwd: root,
  })) {
    for (const [, target = ''] of read(document).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const path = join(root, dirname(document), target);
      if (!existsSync(path)) faults.push(`${document}: ${relative(root, path)} is missing`);
    }
  }
  assert.deepEqual(faults, []);
});

test('no leftovers: no focused tests, no suppressed checks, no unfinished marks', () => {
  const marks = new RegExp(
    [
      'TO' + 'DO',
      'FIX' + 'ME',
      'X' + 'XX',
      '@ts-' + 'ignore',
      '@ts-no' + 'check',
      'biome-' + 'ignore',
      '\\.on' + 'ly\\(',
    ].join('|'),
  );
  const files = [...sources, ...globSync(['test/**/*.ts', 'scripts/*.ts'], { cwd: root })];
  const faults = files.flatMap(file =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (marks.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(faults, []);
});

test('every package has its reason in docs/dependencies.md', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>;
  const text = read('docs/dependencies.md');
  const names = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap(key =>
    Object.keys(manifest[key] ?? {}),
  );
  const missing = names.filter(
    name => !text.includes(`\`${name}\``) && !(name.startsWith('@types/') && text.includes('`@types/*`')),
  );
  assert.deepEqual(missing, []);
});
