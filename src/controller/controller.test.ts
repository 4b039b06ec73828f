// The controller over a real store and the real control channel, with a gateway played by the client of that channel.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '#gateway/control-client.ts';
import type { Program } from '#ir/program.ts';
import { MemoryStore } from '#store/memory-store.ts';
import type { ArmDocument } from '#store/resource-store.ts';
import { Controller, type ControllerOptions } from './controller.ts';
import { SocketGatewayChannel } from './gateway-channel.ts';

const ID =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Network/azureFirewalls/fw';

function firewall(mode: string): ArmDocument {
  return {
    id: ID,
    name: 'fw',
    type: 'Microsoft.Network/azureFirewalls',
    properties: { threatIntelMode: mode, provisioningState: 'Updating' },
  };
}

/** A program whose revision is the threat-intelligence mode: enough to tell states apart. */
function compile(document: ArmDocument): Program | undefined {
  const mode = String(document.properties.threatIntelMode);
  if (mode === 'Broken') throw new Error('the tag Nowhere is not known');
  return mode === 'None' ? undefined : ({ revision: mode, applicationRules: [] as unknown } as Program);
}

async function setUp(t: TestContext, options: Partial<ControllerOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-controller-'));
  const path = join(folder, 'gateway.sock');
  const store = new MemoryStore();
  const channel = await SocketGatewayChannel.listen(path);
  const controller = new Controller({ store, channel, compile: document => compile(document), ...options });
  t.after(async () => {
    controller.close();
    await channel.close();
    rmSync(folder, { recursive: true });
  });
  const gateway = (apply: (program: Program) => Promise<void>, name = '') => {
    const client = new ControlClient({ path, firewall: name, apply });
    t.after(() => client.close());
    return client;
  };
  const stateOf = () => store.get(ID)?.document.properties.provisioningState;
  return { store, controller, gateway, stateOf };
}

test('a firewall settles when its gateway has applied the newest program', async t => {
  const { store, controller, gateway, stateOf } = await setUp(t);
  const applied: string[] = [];
  gateway(async program => void applied.push(program.revision));
  store.put(firewall('Alert'));
  assert.deepEqual(await controller.settle(ID, 2000), { state: 'Applied' });
  assert.equal(stateOf(), 'Succeeded');
  store.put(firewall('Deny'));
  assert.deepEqual(await controller.settle(ID, 2000), { state: 'Applied' });
  assert.deepEqual(applied, ['Alert', 'Deny']);
});

test('without a gateway it stays pending, and settles once one connects, whatever the case of its name', async t => {
  const { store, controller, gateway, stateOf } = await setUp(t);
  store.put(firewall('Alert'));
  assert.deepEqual(await controller.settle(ID, 20), { state: 'Pending' });
  assert.equal(stateOf(), 'Updating');
  gateway(async () => {}, 'FW');
  assert.deepEqual(await controller.settle(ID, 2000), { state: 'Applied' });
});

test('a gateway that never answers fails the firewall after a while, with its last words, and one that comes late mends it', async t => {
  const { store, controller, gateway, stateOf } = await setUp(t, {
    gatewayPatienceMs: 50,
    gatewayLastWords: () => 'the kernel has no tproxy',
  });
  store.put(firewall('Alert'));
  assert.deepEqual(await controller.settle(ID, 0), { state: 'Pending' });
  const failed = {
    state: 'Failed',
    message:
      'no gateway has answered for 0.05 s; the rules come into force as soon as one does. Its last words: the kernel has no tproxy',
  } as const;
  assert.deepEqual(await controller.settle(ID, 2000), failed);
  assert.equal(stateOf(), 'Failed');
  // Another try waits again, and a change of something else does not.
  store.put(firewall('Alert'));
  assert.deepEqual(await controller.settle(ID, 0), { state: 'Pending' });
  assert.deepEqual(await controller.settle(ID, 2000), failed);
  controller.refresh();
  assert.deepEqual(await controller.settle(ID, 0), failed);
  gateway(async () => {});
  for (let waited = 0; waited < 2000 && stateOf() !== 'Succeeded'; waited += 10) await sleep(10);
  assert.equal(stateOf(), 'Succeeded');
  assert.deepEqual(await controller.settle(ID, 0), { state: 'Applied' });
});

test('patience is for the gateway and not for one change: changes do not put it off, answers do', async t => {
  const { store, gateway, stateOf } = await setUp(t, { gatewayPatienceMs: 400 });
  const modes = ['Alert', 'Deny', 'Off'];
  const change = async (index: number) => {
    store.put(firewall(modes[index % 3] ?? ''));
    await sleep(60);
  };
  for (let index = 0; index < 9 && stateOf() !== 'Failed'; index += 1) await change(index);
  assert.equal(stateOf(), 'Failed');
  gateway(() => sleep(20));
  await sleep(100);
  for (let index = 0; index < 9; index += 1) {
    await change(index);
    assert.notEqual(stateOf(), 'Failed');
  }
});

test('what the gateway refuses is failed with its words, and the same content can be tried again', async t => {
  const { store, controller, gateway, stateOf } = await setUp(t);
  let refuse = true;
  gateway(async () => {
    if (refuse) throw new Error('the kernel has no tproxy');
  });
  store.put(firewall('Alert'));
  assert.deepEqual(await controller.settle(ID, 2000), {
    state: 'Failed',
    message: 'the kernel has no tproxy',
  });
  assert.equal(stateOf(), 'Failed');
  refuse = false;
  store.put(firewall('Alert'));
  assert.deepEqual(await controller.settle(ID, 2000), { state: 'Applied' });
});

test('a policy that cannot be compiled is failed and the gateway keeps the last program', async t => {
  const { store, controller, gateway, stateOf } = await setUp(t);
  const applied: string[] = [];
  gateway(async program => void applied.push(program.revision));
  store.put(firewall('Alert'));
  await controller.settle(ID, 2000);
  store.put(firewall('Broken'));
  assert.deepEqual(await controller.settle(ID, 2000), {
    state: 'Failed',
    message: 'the tag Nowhere is not known',
  });
  assert.equal(stateOf(), 'Failed');
  assert.deepEqual(applied, ['Alert']);
});

test('without IP configuration there is nothing to wait for, and a firewall that is gone has settled', async t => {
  const { store, controller } = await setUp(t);
  store.put(firewall('None'));
  assert.deepEqual(await controller.settle(ID, 20), { state: 'Applied' });
  store.delete(ID);
  assert.deepEqual(await controller.settle(ID, 20), { state: 'Applied' });
});

test('a gateway that comes back is told the program again', async t => {
  const { store, controller, gateway } = await setUp(t);
  store.put(firewall('Alert'));
  const first = gateway(async () => {});
  await controller.settle(ID, 2000);
  first.close();
  const told = new Promise<string>(resolve => gateway(async program => resolve(program.revision)));
  assert.equal(await told, 'Alert');
});
