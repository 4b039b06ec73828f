// Documents that can be checked against the program are checked here.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { AZURE_LIMITS } from '#model/limits.ts';
import { LIMIT_PROOFS } from '../scripts/compatibility/limits.ts';
import { REFUSALS } from '../scripts/compatibility/refused.ts';
import { FEATURES, generated, readDocuments } from '../scripts/compatibility.ts';
import { refusalOf } from './support/refusal.ts';
import { AFTER, BEFORE, OFFLINE, POLICY } from './support/showcase.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('generated tables are as they are made (scripts/node scripts/compatibility.ts --write)', async () => {
  const documents = readDocuments();
  assert.deepEqual(documents, await generated(documents));
});

describe('docs/compatibility.md', () => {
  it('names proofs that are there', () => {
    const proofs = [...Object.values(FEATURES).flat(), ...Object.values(LIMIT_PROOFS)].flatMap(row =>
      'feature' in row ? row.proofs.map(proof => ({ ...proof, of: row.feature })) : { ...row, of: row.title },
    );
    const missing = proofs.filter(
      ({ file, title }) => !existsSync(join(ROOT, file)) || !isIn(title, read(file)),
    );
    assert.deepEqual(missing, []);
    assert.ok(proofs.length > 150, `only ${proofs.length} proofs`);
  });

  it('has each feature once', () => {
    const names = Object.values(FEATURES)
      .flat()
      .map(({ feature }) => feature);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
  });

  it('has every limit, with its value and its source', () => {
    const lines = read('docs/compatibility.md').split('\n');
    for (const [name, limit] of Object.entries(AZURE_LIMITS)) {
      const line = lines.find(text => text.startsWith(`| ${limit.what} |`)) ?? assert.fail(name);
      const value = 'most' in limit ? limit.most.toLocaleString('en-US') : `${limit.first} to ${limit.last}`;
      assert.ok(line.includes(`| ${value} |`), line);
      assert.ok(line.includes('advised' in limit ? '| a warning |' : '| refused |'), line);
      for (const [link] of limit.source.matchAll(/https:\/\/[^\s;)]+[^\s;):]/g))
        assert.ok(line.includes(link), `${link} is not in ${line}`);
    }
  });
});

test('every property in the tables of refusals is refused, with its reason', () => {
  const wrong = REFUSALS.flatMap(refusal => {
    const message = refusalOf(refusal);
    const isSaid = message?.includes(refusal.reason) === true || !refusal.isReasonOfReader;
    return message !== undefined && isSaid ? [] : [{ ...refusal, message }];
  });
  assert.deepEqual(wrong, []);
});

test('every property that a reader refuses by name is in docs/compatibility.md', () => {
  const sources = globSync('src/{model,api}/*.ts', { cwd: ROOT }).filter(file => !file.endsWith('.test.ts'));
  const document = read('docs/compatibility.md');
  const named = sources.flatMap(file => {
    const text = read(file);
    const lists = [
      ...text.matchAll(/\.unsupported\(\[([^\]]*)\]/g),
      ...text.matchAll(/const UNSUPPORTED_\w+ = \[([^\]]*)\]/g),
    ].flatMap(([, list = '']) => [...list.matchAll(/'([^']+)'/g)].map(([, name = '']) => name));
    const tables = [...text.matchAll(/const UNSUPPORTED\w*: [^=]*= \{\n([\s\S]*?)\n\};/g)].flatMap(
      ([, table = '']) => [...table.matchAll(/^ {2}'?([\w.]+)'?:/gm)].map(([, name = '']) => name),
    );
    return [...lists, ...tables];
  });
  assert.ok(named.length > 40, `only ${named.length} were found`);
  const missing = named.filter(name => !new RegExp(`\`([\\w]+\\.)?${name}\``).test(document));
  assert.deepEqual(missing, []);
});

test('docs/lint.md has every code that postern lint --list prints', () => {
  const { stdout } = spawnSync(join(ROOT, 'bin/postern'), ['lint', '--list'], { encoding: 'utf8' });
  const codes = stdout
    .trim()
    .split('\n')
    .map(line => line.split(' ')[0] ?? '');
  assert.ok(codes.length > 20, stdout);
  const document = read('docs/lint.md');
  assert.deepEqual(
    codes.filter(code => !document.includes(`| \`${code}\` |`)),
    [],
  );
});

test('what README.md says about the demo is among what the demo shows', () => {
  const titles = [...BEFORE, ...AFTER, ...POLICY, ...OFFLINE].map(({ title }) => title);
  const shown = [...read('README.md').matchAll(/^ {4}ok {3}(.*?) {2,}/gm)].map(([, title = '']) => title);
  assert.ok(shown.length > 8, 'the sample of the demo is not in README.md');
  assert.deepEqual(
    shown.filter(title => !titles.includes(title)),
    [],
  );
});

test('files named in documents are there', () => {
  const missing = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'], { cwd: ROOT }).flatMap(
    document => {
      const named = read(document).matchAll(
        /`((?:bench|bin|data|docs|examples|packaging|scripts|src|test)\/[\w./-]+)`/g,
      );
      return [...named].map(([, path = '']) => path).filter(path => !existsSync(join(ROOT, path)));
    },
  );
  assert.deepEqual(missing, []);
});

/** A title begins a string: the name of a test, or of a case in a table of one. */
function isIn(title: string, text: string): boolean {
  return ["'", '"', '`'].some(quote => text.includes(quote + title.replaceAll(quote, `\\${quote}`)));
}
