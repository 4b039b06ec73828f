// Habits of Azure's CLI that are easily lost, each seen with the real one: what deletion forgives, how tags are
// updated, and the tables that are not the plain ones.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, ok, words } from './testing.ts';

describe('deleting', () => {
  const missing = () => ({
    status: 404,
    body: { error: { code: 'ResourceGroupNotFound', message: 'Resource group none could not be found.' } },
  });

  for (const line of [
    'network vnet delete -g none -n v',
    'network vnet subnet delete -g none --vnet-name v -n s',
    'network route-table route delete -g none --route-table-name t -n r',
    'network firewall delete -g none -n f',
  ])
    test(`forgives a missing parent, unless nobody waits: ${line}`, async () => {
      await using harness = await AzHarness.create();
      harness.api.hook = missing;
      assert.deepEqual((await harness.az(words(line))).status, 0);
      assert.deepEqual((await harness.az(words(`${line} --no-wait`))).status, 3);
    });

  test('does not forgive a missing group', async () => {
    await using harness = await AzHarness.create();
    harness.api.hook = missing;
    assert.equal((await harness.az(words('group delete -n none --yes'))).status, 3);
  });
});

test('tags of a network resource are added to, of a group replaced', async () => {
  await using harness = await AzHarness.create();
  await ok(harness, 'network route-table create -g rg -n t -l eastus --tags a=1 b=2');
  const update = async (tags: string) =>
    await ok(harness, `network route-table update -g rg -n t ${tags} --query tags`);
  assert.deepEqual(await update('--tags c=3'), { a: '1', b: '2', c: '3' });
  assert.deepEqual(await update('--tags a=null b=4'), { b: '4', c: '3' });
  assert.deepEqual(await update("--tags ''"), {});
  await ok(harness, 'group create -n rg -l eastus --tags a=1');
  assert.deepEqual(await ok(harness, 'group update -n rg --tags b=2 --query tags'), { b: '2' });
});

describe('tables', () => {
  for (const [line, headers] of [
    ['group show -n rg', 'Location Name'],
    ['group list', 'Name Location Status'],
    ['network vnet list', 'Name ResourceGroup Location NumSubnets Prefixes DnsServers'],
    ['network public-ip list', 'Name ResourceGroup Location Zones Address'],
    ['account list', 'Name CloudName SubscriptionId TenantId State IsDefault'],
  ] as const)
    test(line, async () => {
      await using harness = await AzHarness.create();
      await ok(harness, 'group create -n rg -l eastus');
      await ok(harness, 'network vnet create -g rg -n v -l eastus --subnet-name s');
      await ok(harness, 'network public-ip create -g rg -n p -l eastus');
      const { stdout } = await harness.az(words(`${line} -o table`));
      const found = stdout.split('\n')[0]?.split(/ +/).join(' ') ?? '';
      assert.ok(found.startsWith(headers), found);
    });
});
