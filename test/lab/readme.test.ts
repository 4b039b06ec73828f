// The commands of README.md's section on labs, and every script in examples/, typed as they stand there.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab, ROOT, run } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

describe('README.md, a lab of your own', { skip: noNamespaces() }, () => {
  const state = mkdtempSync(join(tmpdir(), 'postern-readme-'));
  const env: Record<string, string> = { POSTERN_STATE: state };
  const bash = (line: string, input = '') => run(['bash', '-c', `cd '${ROOT}' && ${line}`], { env, input });
  let follower: ChildProcess | undefined;

  after(async () => {
    follower?.kill();
    await bash('bin/postern lab down');
    rmSync(state, { recursive: true, force: true });
  });

  const commands = commandsUnder('## A lab of your own');
  test('has the commands that this test knows how to check', () => {
    assert.deepEqual(
      commands.map(line => line.split(' ').slice(1, 3).join(' ')),
      [
        'lab up',
        'lab shell',
        'lab shell',
        'az network',
        'lab add-host',
        'lab exec',
        'logs --follow',
        'lab down',
      ],
    );
  });

  for (const line of commands) {
    test(line, async () => {
      if (line.includes('--follow')) {
        follower = spawn('bash', ['-c', `cd '${ROOT}' && exec ${line}`], {
          env: { ...process.env, ...env },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const denied = await bash('bin/postern lab exec node-1 -- curl -sS --max-time 5 https://github.com/');
        assert.notEqual(denied.status, 0);
        const first = await Promise.race([
          once(follower.stdout ?? assert.fail(), 'data'),
          sleep(8000, ['nothing']),
        ]);
        assert.match(String(first[0]), /Deny .*github\.com:443/);
        follower.kill();
        return;
      }
      // Each command has a bash of its own here, so a variable that a line sets goes into the environment of the next.
      const [, variable] = /^([A-Z]+)=/.exec(line) ?? [];
      const typed = variable === undefined ? line : `${line} && printf %s "$${variable}"`;
      const { status, stdout, stderr } = await bash(typed, 'echo "$PS1"; exit\n');
      assert.equal(status, 0, stderr);
      if (line.includes('examples/')) assert.equal(stderr, '');
      if (variable !== undefined) env[variable] = stdout;
    });
  }
});

describe('examples', { skip: noNamespaces() }, () => {
  // What README.md types is run above.
  const scripts = readdirSync(join(ROOT, 'examples')).filter(
    name => name.endsWith('.sh') && !README.includes(`bash examples/${name}`),
  );
  for (const name of scripts) {
    test(`examples/${name} ends with status 0 and says nothing on standard error`, async () => {
      const lab = await Lab.up({ name: `example-${process.pid}` });
      try {
        const script = `cd '${ROOT}' && . examples/${name}`;
        const first = await lab.shell(script);
        assert.equal(first.status, 0, first.stderr);
        assert.equal(first.stderr, '');
      } finally {
        await lab.down();
      }
    });
  }
});

/** The commands of the first code block under a heading, without what is said about them. */
function commandsUnder(heading: string): string[] {
  const section = README.slice(README.indexOf(`\n${heading}\n`));
  const [, block = ''] = /```\n(.*?)```/s.exec(section) ?? [];
  return block
    .split('\n')
    .map(line => line.replace(/ {2,}#.*$/, '').trim())
    .filter(line => line !== '');
}
