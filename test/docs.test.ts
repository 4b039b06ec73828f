// Documents that can be checked against the program are checked here.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { currentPart, DOCUMENT, generatedPart } from '../scripts/compatibility.ts';

const ROOT = join(import.meta.dirname, '..');

test('docs/compatibility.md lists every az command as it is declared (scripts/node scripts/compatibility.ts --write)', async () => {
  assert.equal(currentPart(readFileSync(DOCUMENT, 'utf8')), await generatedPart());
});

test('files named in documents are there', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`),
  ];
  const missing = documents
    .filter(name => name.endsWith('.md'))
    .flatMap(document => {
      const text = readFileSync(join(ROOT, document), 'utf8');
      const named = text.matchAll(/`((?:bin|data|docs|examples|packaging|scripts|src|test)\/[\w./-]+)`/g);
      return [...named].map(([, path = '']) => path).filter(path => !existsSync(join(ROOT, path)));
    });
  assert.deepEqual(missing, []);
});
