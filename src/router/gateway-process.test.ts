// A gateway that dies is started again, and what it said is passed on and kept.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from './gateway-process.ts';

function start(t: TestContext, script: string) {
  const exits: [string, string | undefined][] = [];
  let passed = '';
  const gateway = new GatewayProcess({
    command: ['sh', '-c', script],
    onExit: (status, words) => void exits.push([status, words]),
    complain: text => {
      passed += text;
    },
  });
  t.after(() => gateway.stop());
  return { gateway, exits, passed: () => passed };
}

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < 5000 && !holds(); waited += 10) await sleep(10);
  assert.ok(holds());
}

test('it is started again, and each end is told with its last words', async t => {
  const { exits, passed } = start(t, 'echo trying >&2; echo "no tproxy" >&2; exit 3');
  await until(() => exits.length > 1);
  assert.deepEqual(exits.slice(0, 2), [
    ['status 3', 'no tproxy'],
    ['status 3', 'no tproxy'],
  ]);
  assert.match(passed(), /^trying\nno tproxy\ntrying\nno tproxy\n/);
});

test('a program that is not there is told and tried again', async t => {
  const exits: string[] = [];
  const gateway = new GatewayProcess({
    command: ['/nowhere/postern'],
    onExit: status => void exits.push(status),
    complain: () => {},
  });
  t.after(() => gateway.stop());
  await until(() => exits.length > 1);
  assert.match(exits[1] ?? '', /ENOENT/);
});

test('stop ends it, and nothing is told or started', async t => {
  const { gateway, exits, passed } = start(t, 'echo up >&2; exec sleep 60');
  await until(() => passed() === 'up\n');
  await gateway.stop();
  await sleep(300);
  assert.deepEqual(exits, []);
});
