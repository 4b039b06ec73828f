// What documents and examples tell people to type is typed, and what they say is printed is printed. The program in README.md
// is tried with the package (test/package).

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { blocksOf, difference, Workspace } from './support/transcripts.ts';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLE = join(ROOT, 'examples/policy-repository');

for (const document of [
  'README.md',
  'docs/rule-processing.md',
  'docs/lint.md',
  'examples/policy-repository/README.md',
]) {
  describe(`${document}, as it is typed`, () => {
    let workspace: Workspace;
    before(() => {
      workspace = new Workspace();
      workspace.bash('git init -q . && git add .');
    });
    after(() => workspace.close());

    const blocks = blocksOf(document);
    test('has transcripts', () => assert.ok(blocks.length > 0));
    for (const { line, typed } of blocks) {
      test(`line ${line}: ${typed[0]?.command}`, () => {
        const printed = workspace.type(typed.map(({ command }) => command));
        typed.forEach((expected, index) => {
          const wrong = difference(printed[index] ?? '', expected.printed);
          assert.equal(wrong, undefined, `$ ${expected.command}\n${wrong}`);
        });
      });
    }
    test('leaves nothing that git would ask about', () => {
      const { status, stdout, stderr } = workspace.bash('git ls-files --others --exclude-standard');
      assert.deepEqual([status, stdout, stderr], [0, '', '']);
    });
  });
}

describe('the workflow of examples/policy-repository', () => {
  const workflow = parse(readFileSync(join(EXAMPLE, '.github/workflows/policy.yml'), 'utf8')) as {
    jobs: { policy: { steps: { name?: string; run?: string }[] } };
  };
  const steps = workflow.jobs.policy.steps.filter(({ run = '' }) => /^\s*postern /m.test(run));
  let workspace: Workspace;
  let env: Record<string, string>;

  before(() => {
    workspace = new Workspace();
    env = { GITHUB_BASE_REF: 'main', GITHUB_STEP_SUMMARY: join(workspace.folder, 'summary.md') };
    const { status, stderr } = workspace.bash(`
      git init -q -b main . && git config user.name example && git config user.email example@example.org
      git add . && git commit -q -m 'the rules' && git update-ref refs/remotes/origin/main HEAD
      sed -i 's/"ghcr.io"/"ghcr.io", "quay.io"/' policies/egress.json`);
    assert.equal(status, 0, stderr);
  });
  after(() => workspace.close());

  test('has the steps that this test knows', () =>
    assert.deepEqual(
      steps.map(({ name }) => name),
      ['Tests', 'Lint', 'What changes'],
    ));

  for (const { name, run = '' } of steps) {
    test(`${name}: ends well`, () => {
      const { status, stdout, stderr } = workspace.bash(run, env);
      assert.equal(status, 0, `${stdout}${stderr}`);
    });
  }

  test('the summary tells what the change means', () => {
    const summary = readFileSync(join(workspace.folder, 'summary.md'), 'utf8');
    assert.match(summary, /Newly allowed: 1\n[\s\S]*quay\.io/);
  });

  test('rules that cannot be read fail the step', () => {
    const { run = '' } = steps.find(({ name }) => name === 'What changes') ?? {};
    writeFileSync(join(workspace.folder, 'policies/egress.json'), '{');
    assert.notEqual(workspace.bash(run, env).status, 0);
  });
});
