// Firewall policies and rule collection groups, firewalls that follow a policy, and IP groups: what the commands send and
// print.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, lastWrite, ok, SUBSCRIPTION, words } from './testing.ts';

const NETWORK = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network`;
const POLICIES = `${NETWORK}/firewallPolicies`;
const POLICY = 'network firewall policy';
const GROUP = `${POLICY} rule-collection-group`;

type Json = Record<string, unknown>;

const writtenProperties = (harness: AzHarness): Json =>
  (lastWrite(harness).body as { properties: Json }).properties;

async function withGroup(): Promise<AzHarness> {
  const harness = await AzHarness.create();
  await ok(harness, `${POLICY} create -g rg -n p -l eastus`);
  await ok(harness, `${GROUP} create -g rg --policy-name p -n g --priority 200`);
  return harness;
}

describe('policies', () => {
  for (const [flags, body] of [
    ['', { properties: {} }],
    ['--base-policy parent', { properties: { basePolicy: { id: `${POLICIES}/parent` } } }],
    ['--base-policy /subscriptions/s/x', { properties: { basePolicy: { id: '/subscriptions/s/x' } } }],
    [
      '--sku premium --sql --tags a=1',
      { tags: { a: '1' }, properties: { sku: { tier: 'Premium' }, sql: { allowSqlRedirect: true } } },
    ],
    [
      '--dns-servers 10.0.0.4',
      { properties: { dnsSettings: { enableProxy: false, servers: ['10.0.0.4'] } } },
    ],
    ['--enable-dns-proxy', { properties: { dnsSettings: { enableProxy: true } } }],
    [
      '--private-ranges IANAPrivateRanges 192.0.2.0/24 --auto-learn-private-ranges disabled',
      {
        properties: {
          snat: { autoLearnPrivateRanges: 'Disabled', privateRanges: ['IANAPrivateRanges', '192.0.2.0/24'] },
        },
      },
    ],
    [
      '--threat-intel-mode deny --ip-addresses 192.0.2.1 --fqdns *.example.org',
      {
        properties: {
          threatIntelMode: 'Deny',
          threatIntelWhitelist: { fqdns: ['*.example.org'], ipAddresses: ['192.0.2.1'] },
        },
      },
    ],
  ] as const)
    test(`create ${flags}`, async () => {
      await using harness = await AzHarness.create();
      await ok(harness, `${POLICY} create -g rg -n p -l eastus ${flags}`.trim());
      assert.deepEqual(lastWrite(harness), {
        method: 'PUT',
        path: `${POLICIES}/p`,
        body: { location: 'eastus', ...body },
      });
      assert.match(harness.api.seen[0]?.query ?? '', /^api-version=2024-05-01$/);
    });

  test('update keeps what it does not name, inside a part too', async () => {
    await using harness = await AzHarness.create();
    await ok(
      harness,
      `${POLICY} create -g rg -n p -l eastus --base-policy parent --dns-servers 10.0.0.4 --fqdns a.example.org`,
    );
    await ok(harness, `${POLICY} update -g rg -n p --enable-dns-proxy --ip-addresses 192.0.2.1`);
    assert.deepEqual(writtenProperties(harness), {
      basePolicy: { id: `${POLICIES}/parent` },
      dnsSettings: { enableProxy: true, servers: ['10.0.0.4'] },
      threatIntelWhitelist: { fqdns: ['a.example.org'], ipAddresses: ['192.0.2.1'] },
    });
    await ok(
      harness,
      `${POLICY} update -g rg -n p --dns-servers '' --set threatIntelMode=Off --remove basePolicy`,
    );
    assert.deepEqual(writtenProperties(harness), {
      dnsSettings: { enableProxy: true, servers: [] },
      threatIntelWhitelist: { fqdns: ['a.example.org'], ipAddresses: ['192.0.2.1'] },
      threatIntelMode: 'Off',
    });
    await ok(harness, `${POLICY} update -g rg -n p --dns-servers null --fqdns null`);
    const { dnsSettings, threatIntelWhitelist } = writtenProperties(harness);
    assert.deepEqual(
      [dnsSettings, threatIntelWhitelist],
      [{ enableProxy: true }, { ipAddresses: ['192.0.2.1'] }],
    );
    assert.equal((await harness.az(words(`${POLICY} update -g rg -n p`))).status, 2);
  });

  test('show and list print the properties beside the name', async () => {
    await using harness = await withGroup();
    const shown = (await ok(harness, `${POLICY} show -g rg -n p`)) as Json;
    const { id, name, location, resourceGroup, provisioningState } = shown;
    assert.deepEqual(
      { id, name, location, resourceGroup, provisioningState },
      {
        id: `${POLICIES}/p`,
        name: 'p',
        location: 'eastus',
        resourceGroup: 'rg',
        provisioningState: 'Succeeded',
      },
    );
    assert.deepEqual(await ok(harness, `${POLICY} list -g rg`), [shown]);
    assert.deepEqual(await ok(harness, `${POLICY} list --query [].name`), ['p']);
    assert.equal((await harness.az(words(`${POLICY} show -g rg -n none`))).status, 3);
  });

  test('what Postern does not do is refused by name, before anything is sent', async () => {
    await using harness = await AzHarness.create();
    for (const flag of [
      '--idps-mode',
      '--idps-profile',
      '--cert-name',
      '--key-vault-secret-id',
      '--identity',
      '--explicit-proxy',
    ]) {
      const { status, stderr } = await harness.az(words(`${POLICY} create -g rg -n p -l eastus ${flag} x`));
      assert.deepEqual([status, stderr.startsWith(`${flag} is not supported by Postern: `)], [2, true], flag);
    }
    const draft = await harness.az(words(`${POLICY} draft create -g rg`));
    assert.match(
      draft.stderr,
      /^'az network firewall policy draft' is not supported by Postern: there are no drafts/,
    );
    assert.deepEqual(harness.api.seen, []);
  });
});

describe('rule collection groups', () => {
  test('create, update, list, show and delete', async () => {
    await using harness = await withGroup();
    const path = `${POLICIES}/p/ruleCollectionGroups/g`;
    assert.deepEqual(lastWrite(harness), {
      method: 'PUT',
      path,
      body: { name: 'g', properties: { priority: 200 } },
    });
    const updated = (await ok(harness, `${GROUP} update -g rg --policy-name p -n g --priority 250`)) as Json;
    assert.equal(updated.priority, 250);
    assert.deepEqual(await ok(harness, `${GROUP} list -g rg --policy-name p`), [updated]);
    assert.deepEqual(await ok(harness, `${GROUP} show -g rg --policy-name p -n g`), updated);

    const remove = words(`${GROUP} delete -g rg --policy-name p -n g`);
    assert.equal((await harness.az(remove, { input: 'n\n' })).status, 1);
    assert.equal(lastWrite(harness).method, 'PUT');
    await ok(harness, `${GROUP} delete -g rg --policy-name p -n g --yes`);
    assert.deepEqual(lastWrite(harness), { method: 'DELETE', path, body: undefined });
  });

  test('a group needs a priority', async () => {
    await using harness = await AzHarness.create();
    const { status, stderr } = await harness.az(words(`${GROUP} create -g rg --policy-name p -n g`));
    assert.deepEqual([status, stderr], [2, 'the following arguments are required: --priority\n']);
  });
});

describe('a firewall and its policy', () => {
  test('is created with one, by name or id, changes it and lets it go', async () => {
    await using harness = await AzHarness.create();
    await ok(
      harness,
      'network firewall create -g rg -n fw -l eastus --firewall-policy p --private-ranges 192.0.2.0/24',
    );
    const before = writtenProperties(harness);
    assert.deepEqual(before.firewallPolicy, { id: `${POLICIES}/p` });
    assert.deepEqual(before.additionalProperties, { 'Network.SNAT.PrivateRanges': '192.0.2.0/24' });
    await ok(harness, 'network firewall update -g rg -n fw --policy /subscriptions/s/other');
    assert.deepEqual(writtenProperties(harness).firewallPolicy, { id: '/subscriptions/s/other' });
    await ok(harness, "network firewall update -g rg -n fw --firewall-policy ''");
    assert.equal('firewallPolicy' in writtenProperties(harness), false);
  });

  test('has no DNS settings beside the policy', async () => {
    await using harness = await AzHarness.create();
    for (const line of ['create -l eastus', 'update']) {
      const { status, stderr } = await harness.az(
        words(`network firewall ${line} -g rg -n fw --policy p --enable-dns-proxy`),
      );
      assert.equal(status, 1);
      assert.match(stderr, /^usage error: firewall policy and dns settings cannot co-exist\./);
    }
    assert.equal(
      harness.api.seen.some(({ method }) => method === 'PUT'),
      false,
    );
  });
});

test('an IP group grows and shrinks by --add and --remove', async () => {
  await using harness = await AzHarness.create();
  await ok(harness, 'network ip-group create -g rg -n ig -l eastus --ip-addresses 10.0.0.1');
  await ok(
    harness,
    'network ip-group update -g rg -n ig --add ipAddresses 10.0.0.2 10.0.0.3 --remove ipAddresses 0',
  );
  assert.deepEqual(writtenProperties(harness).ipAddresses, ['10.0.0.2', '10.0.0.3']);
  await ok(harness, 'network ip-group update -g rg -n ig --ip-addresses null');
  assert.deepEqual(writtenProperties(harness).ipAddresses, []);
  const { stderr } = await harness.az(words('network ip-group update -g rg -n ig'));
  assert.equal(stderr, 'nothing to update: give one of --ip-addresses, --tags, --set, --add, --remove\n');
});

test('an IP group is deleted once that is confirmed', async () => {
  await using harness = await AzHarness.create();
  const line = 'network ip-group delete -g rg -n ig';
  assert.equal((await harness.az(words(line), { input: 'n\n' })).status, 1);
  assert.deepEqual(harness.api.seen, []);
  await ok(harness, `${line} --yes`);
  assert.equal(lastWrite(harness).method, 'DELETE');
});
