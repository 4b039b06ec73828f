// Which commands a plan becomes, and what happens when one fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeCommandRunner } from './commands.ts';
import { hub } from './fixture.ts';
import { KernelFabric } from './kernel-fabric.ts';
import { planFabric } from './plan.ts';

test('an applied plan is not applied again', async () => {
  const runner = new FakeCommandRunner();
  const fabric = new KernelFabric(runner);
  assert.deepEqual(await fabric.apply(planFabric(hub())), []);
  assert.ok(runner.calls.length > 0);
  runner.calls.length = 0;
  assert.deepEqual(await fabric.apply(planFabric(hub())), []);
  assert.deepEqual(runner.calls, []);
});

test('a namespace in which a line fails is named with the line, given up, and made anew', async () => {
  const runner = new FakeCommandRunner();
  const fabric = new KernelFabric(runner);
  runner.failWhen = command =>
    command.includes('-n') && command.includes('app')
      ? 'RTNETLINK answers: File exists\nCommand failed -:2'
      : undefined;
  assert.deepEqual(await fabric.apply(planFabric(hub())), [
    'app: ip link set dev eth0 up: RTNETLINK answers: File exists',
  ]);
  assert.deepEqual(runner.calls.at(-1)?.command, ['ip', 'netns', 'del', 'app']);
  runner.failWhen = () => undefined;
  runner.calls.length = 0;
  assert.deepEqual(await fabric.apply(planFabric(hub())), []);
  assert.ok(runner.calls.some(({ input }) => input === 'netns add app\n'));
  assert.ok(runner.calls.some(({ input }) => input.includes('link add name eth0 netns app ')));
});

test('the Internet is never given up', async () => {
  const runner = new FakeCommandRunner();
  runner.failWhen = command => (command.includes('internet') && command.includes('-n') ? 'no' : undefined);
  const faults = await new KernelFabric(runner).apply(planFabric(hub()));
  assert.equal(faults.length, 1);
  assert.ok(!runner.calls.some(({ command }) => command.includes('del')));
});
