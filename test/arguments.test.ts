// Every script behind `npm run` knows --help, and does nothing when it is asked for something that it does not know.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

function run(task: string, ...args: readonly string[]) {
  const command = task.endsWith('.ts') ? ['scripts/node', task] : ['sh', 'scripts/run.sh', task];
  const [program = '', ...rest] = [...command, ...args];
  return spawnSync(program, rest, { cwd: ROOT, encoding: 'utf8', timeout: 20_000 });
}

const HELPFUL: readonly string[] = [
  'demo',
  'test',
  'unit',
  'lab',
  'long',
  'mutate',
  'bench',
  'real-az',
  'scripts/build-package.ts',
  'scripts/build-facts.ts',
  'scripts/compatibility.ts',
];

for (const task of HELPFUL) {
  test(`${task} --help prints its usage and does nothing else`, () => {
    const { status, stdout, stderr } = run(task, '--help');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Usage: [^\n]+\n/);
  });
}

test('run.sh without a task that it knows lists its tasks', () => {
  for (const [word, status] of [
    ['--help', 0],
    ['nothing', 2],
  ] as const) {
    const result = run(word);
    assert.equal(result.status, status);
    assert.match(status === 0 ? result.stdout : result.stderr, /Usage: .*run\.sh .*\bmutate\b/);
  }
});

const REFUSED: readonly (readonly [task: string, args: readonly string[], message: RegExp])[] = [
  ['demo', ['--keepp'], /Unknown option '--keepp'/],
  ['demo', ['keep'], /argument 'keep'/],
  ['test', ['nosuch.test.ts'], /no file 'nosuch\.test\.ts'/],
  ['test', ['--quick'], /Unknown option '--quick'/],
  ['long', ['many'], /'many' is no number of decisions/],
  ['long', ['0'], /'0' is no number of decisions/],
  ['long', ['1000', 'x'], /'x' is no seed/],
  ['long', ['1000', '1', '2'], /argument '2'/],
  ['mutate', ['nosuchmutant'], /no area and no mutant has 'nosuchmutant' in it/],
  ['mutate', ['NAT', 'nosuchmutant'], /no area and no mutant has 'nosuchmutant' in it/],
  ['mutate', ['--lst'], /Unknown option '--lst'/],
  ['bench', ['nosuchrow'], /no row 'nosuchrow'/],
  ['bench', ['--quik'], /Unknown option '--quik'/],
  ['scripts/build-package.ts', ['--folder'], /Unknown option '--folder'/],
  ['scripts/compatibility.ts', ['--wirte'], /Unknown option '--wirte'/],
];

for (const [task, args, message] of REFUSED) {
  test(`${task} ${args.join(' ')} is refused with the usage`, () => {
    const { status, stdout, stderr } = run(task, ...args);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, message);
    assert.match(stderr, /^Usage: /m);
  });
}

test('mutate lists what it would plant, of the areas and names that are given', () => {
  const { status, stdout } = run('mutate', '--list', 'ip groups', 'nat');
  assert.equal(status, 0);
  assert.deepEqual(
    [
      ...new Set(
        stdout
          .trim()
          .split('\n')
          .map(line => line.split(':')[0]),
      ),
    ],
    ['IP groups', 'NAT'],
  );
});

test('a package is not built in a folder named like an option', () => {
  assert.equal(existsSync(join(ROOT, '--help')), false);
});
