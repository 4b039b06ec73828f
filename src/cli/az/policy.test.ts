// Firewall policies, rule collection groups, collections and rules: what the commands send and print.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, lastWrite, ok, SUBSCRIPTION, words } from './testing.ts';

const NETWORK = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network`;
const POLICIES = `${NETWORK}/firewallPolicies`;
const POLICY = 'network firewall policy';
const GROUP = `${POLICY} rule-collection-group`;
const COLLECTION = `${GROUP} collection`;
const IN_GROUP = '-g rg --policy-name p --rcg-name g';
const IN_COLLECTION = `${IN_GROUP} --collection-name`;

type Json = Record<string, unknown>;

const writtenProperties = (harness: AzHarness): Json =>
  (lastWrite(harness).body as { properties: Json }).properties;

async function withGroup(): Promise<AzHarness> {
  const harness = await AzHarness.create();
  await ok(harness, `${POLICY} create -g rg -n p -l eastus`);
  await ok(harness, `${GROUP} create -g rg --policy-name p -n g --priority 200`);
  return harness;
}

async function withCollections(): Promise<AzHarness> {
  const harness = await withGroup();
  await ok(harness, `${COLLECTION} add-filter-collection ${IN_GROUP} -n net ${NETWORK_FLAGS}`);
  await ok(harness, `${COLLECTION} add-filter-collection ${IN_GROUP} -n app ${APPLICATION_FLAGS}`);
  await ok(harness, `${COLLECTION} add-nat-collection ${IN_GROUP} -n nat ${NAT_FLAGS}`);
  return harness;
}

const NETWORK_FLAGS =
  "--action Allow --collection-priority 300 --rule-name api --rule-type NetworkRule --ip-protocols udp --source-addresses '*' --dest-addr AzureCloud.eastus --destination-ports 1194";
const APPLICATION_FLAGS =
  '--action Deny --collection-priority 400 --rule-name web --source-ip-groups ig --protocols http=80 HTTPS=443 mssql=1433 --target-fqdns example.org *.example.org';
const NAT_FLAGS =
  "--action DNAT --collection-priority 100 --rule-name in --ip-protocols TCP --source-addresses '*' --destination-addresses 20.51.99.7 --destination-ports 80 --translated-address 10.42.1.50 --translated-port 8080";

const NETWORK_COLLECTION = {
  name: 'net',
  priority: 300,
  ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
  action: { type: 'Allow' },
  rules: [
    {
      name: 'api',
      ruleType: 'NetworkRule',
      ipProtocols: ['UDP'],
      sourceAddresses: ['*'],
      destinationAddresses: ['AzureCloud.eastus'],
      destinationPorts: ['1194'],
    },
  ],
};
const APPLICATION_COLLECTION = {
  name: 'app',
  priority: 400,
  ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
  action: { type: 'Deny' },
  rules: [
    {
      name: 'web',
      ruleType: 'ApplicationRule',
      sourceIpGroups: [`${NETWORK}/ipGroups/ig`],
      protocols: [
        { protocolType: 'Http', port: 80 },
        { protocolType: 'Https', port: 443 },
        { protocolType: 'Mssql', port: 1433 },
      ],
      targetFqdns: ['example.org', '*.example.org'],
      terminateTLS: false,
    },
  ],
};
const NAT_COLLECTION = {
  name: 'nat',
  priority: 100,
  ruleCollectionType: 'FirewallPolicyNatRuleCollection',
  action: { type: 'DNAT' },
  rules: [
    {
      name: 'in',
      ruleType: 'NatRule',
      ipProtocols: ['TCP'],
      sourceAddresses: ['*'],
      destinationAddresses: ['20.51.99.7'],
      destinationPorts: ['80'],
      translatedAddress: '10.42.1.50',
      translatedPort: '8080',
    },
  ],
};

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

describe('collections', () => {
  test('of all three kinds are added to the group, and printed as ruleCollections', async () => {
    await using harness = await withCollections();
    const all = [NETWORK_COLLECTION, APPLICATION_COLLECTION, NAT_COLLECTION];
    assert.deepEqual(writtenProperties(harness), { priority: 200, ruleCollections: all });
    assert.deepEqual(await ok(harness, `${COLLECTION} list ${IN_GROUP}`), all);
    assert.deepEqual(await ok(harness, `${COLLECTION} remove ${IN_GROUP} -n NET`), {
      ruleCollections: [APPLICATION_COLLECTION, NAT_COLLECTION],
    });
    const again = await harness.az(words(`${COLLECTION} remove ${IN_GROUP} -n net`));
    assert.match(again.stderr, /^WARNING: There is no rule collection 'net'; nothing was removed\./);
    assert.equal(JSON.parse(again.stdout).ruleCollections.length, 2);
  });

  test('a table shows a row for each', async () => {
    await using harness = await withCollections();
    const { stdout } = await harness.az(words(`${COLLECTION} list ${IN_GROUP} -o table`));
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .filter(line => !line.startsWith('-'))
        .map(line => line.split(/ +/).slice(0, 2)),
      [
        ['Name', 'Priority'],
        ['net', '300'],
        ['app', '400'],
        ['nat', '100'],
      ],
    );
  });

  test('generic updates come after the change of the command', async () => {
    await using harness = await withCollections();
    await ok(
      harness,
      `${COLLECTION} remove ${IN_GROUP} -n app --set priority=300 ruleCollections[name=net].priority=350`,
    );
    assert.deepEqual(writtenProperties(harness), {
      priority: 300,
      ruleCollections: [{ ...NETWORK_COLLECTION, priority: 350 }, NAT_COLLECTION],
    });
    await ok(harness, `${COLLECTION} rule update ${IN_COLLECTION} net -n api --remove ruleCollections 1`);
    assert.deepEqual(writtenProperties(harness).ruleCollections, [{ ...NETWORK_COLLECTION, priority: 350 }]);
  });

  test('nobody waits with --no-wait, and nothing is printed', async () => {
    await using harness = await withGroup();
    const line = `${COLLECTION} add-filter-collection ${IN_GROUP} -n net ${NETWORK_FLAGS} --no-wait`;
    assert.equal(await ok(harness, line), undefined);
    assert.deepEqual(writtenProperties(harness).ruleCollections, [NETWORK_COLLECTION]);
  });

  test('an edit sends the etag it read, and starts again where somebody else wrote', async () => {
    await using harness = await withGroup();
    const names = Array.from({ length: 6 }, (_, index) => `c${index}`);
    await Promise.all(
      names.map(name =>
        ok(harness, `${COLLECTION} add-filter-collection ${IN_GROUP} -n ${name} ${NETWORK_FLAGS}`),
      ),
    );
    const found = (await ok(harness, `${COLLECTION} list ${IN_GROUP} --query [].name`)) as string[];
    assert.deepEqual(found.toSorted(), names);
    const writes = harness.api.seen.filter(({ method, path }) => method === 'PUT' && path.endsWith('/g'));
    assert.ok(writes.slice(1).every(({ headers }) => typeof headers['if-match'] === 'string'));
  });
});

describe('rules', () => {
  test('are added with the fields of their type', async () => {
    await using harness = await withCollections();
    const group = (await ok(
      harness,
      `${COLLECTION} rule add ${IN_COLLECTION} net -n second --rule-type networkrule --description why --ip-protocols TCP Any --source-ip-groups ig --dest-ipg other --destination-fqdns example.org --destination-ports 443 8000-8080`,
    )) as { ruleCollections: { rules: Json[] }[] };
    assert.deepEqual(group.ruleCollections[0]?.rules[1], {
      name: 'second',
      ruleType: 'NetworkRule',
      description: 'why',
      ipProtocols: ['TCP', 'Any'],
      sourceIpGroups: [`${NETWORK}/ipGroups/ig`],
      destinationIpGroups: [`${NETWORK}/ipGroups/other`],
      destinationFqdns: ['example.org'],
      destinationPorts: ['443', '8000-8080'],
    });
    await ok(
      harness,
      `${COLLECTION} rule add ${IN_COLLECTION} app -n tags --rule-type ApplicationRule --source-addresses 10.42.0.0/16 --destination-addresses 192.0.2.1 --fqdn-tags AzureKubernetesService`,
    );
    await ok(
      harness,
      `${COLLECTION} rule add ${IN_COLLECTION} nat -n name --rule-type NatRule --ip-protocols UDP --source-addresses 192.0.2.1 --destination-addresses 20.51.99.7 --destination-ports 53 --translated-fqdn dns.example.org --translated-port 53`,
    );
    const collections = writtenProperties(harness).ruleCollections as { rules: Json[] }[];
    assert.deepEqual(collections[1]?.rules[1], {
      name: 'tags',
      ruleType: 'ApplicationRule',
      sourceAddresses: ['10.42.0.0/16'],
      destinationAddresses: ['192.0.2.1'],
      protocols: [],
      fqdnTags: ['AzureKubernetesService'],
      terminateTLS: false,
    });
    assert.deepEqual(collections[2]?.rules[1], {
      name: 'name',
      ruleType: 'NatRule',
      ipProtocols: ['UDP'],
      sourceAddresses: ['192.0.2.1'],
      destinationAddresses: ['20.51.99.7'],
      destinationPorts: ['53'],
      translatedFqdn: 'dns.example.org',
      translatedPort: '53',
    });
  });

  test('an update replaces what it names and keeps the rest; the others and their order stay', async () => {
    await using harness = await withCollections();
    await ok(
      harness,
      `${COLLECTION} rule update ${IN_COLLECTION} app -n WEB --protocols https=8443 --target-fqdns example.org`,
    );
    const [rule] = APPLICATION_COLLECTION.rules;
    assert.deepEqual(writtenProperties(harness).ruleCollections, [
      NETWORK_COLLECTION,
      {
        ...APPLICATION_COLLECTION,
        rules: [
          { ...rule, protocols: [{ protocolType: 'Https', port: 8443 }], targetFqdns: ['example.org'] },
        ],
      },
      NAT_COLLECTION,
    ]);
  });

  test('are removed; one that is not there is told', async () => {
    await using harness = await withCollections();
    await ok(harness, `${COLLECTION} rule remove ${IN_COLLECTION} nat -n in`);
    const collections = writtenProperties(harness).ruleCollections as { rules: Json[] }[];
    assert.deepEqual(collections[2], { ...NAT_COLLECTION, rules: [] });
    const again = await harness.az(words(`${COLLECTION} rule remove ${IN_COLLECTION} nat -n in`));
    assert.equal(again.status, 0);
    assert.match(again.stderr, /^WARNING: There is no rule 'in' in that collection; nothing was removed\./);
  });

  for (const [line, status, message] of [
    [
      'add --collection-name none -n r --rule-type NetworkRule',
      1,
      "The rule collection group 'g' has no rule collection 'none'.\n",
    ],
    [
      'add --collection-name net -n r --rule-type NatRule',
      1,
      'A rule collection of type FirewallPolicyFilterRuleCollection has no rules of type NatRule.\n',
    ],
    [
      'add --collection-name nat -n r --rule-type NetworkRule',
      1,
      'A rule collection of type FirewallPolicyNatRuleCollection has no rules of type NetworkRule.\n',
    ],
    [
      'add --collection-name net -n r --rule-type NetworkRule --target-fqdns example.org',
      2,
      '--target-fqdns: not part of a rule of type NetworkRule\n',
    ],
    [
      'add --collection-name app -n r --rule-type ApplicationRule --ip-protocols TCP --translated-port 1',
      2,
      '--ip-protocols, --translated-port: not part of a rule of type ApplicationRule\n',
    ],
    [
      'add --collection-name app -n r --rule-type ApplicationRule --target-fqdns a.example.org --fqdn-tags WindowsUpdate',
      2,
      'usage error: --target-fqdns | --fqdn-tags\n',
    ],
    [
      'add --collection-name app -n r --rule-type ApplicationRule --protocols 443',
      2,
      "argument --protocols: '443' is not PROTOCOL=PORT\nWrite --protocols http=80 https=443 mssql=1433\n",
    ],
    [
      'add --collection-name app -n r --rule-type ApplicationRule --web-categories Hacking',
      2,
      '--web-categories is not supported by Postern: there is no list of web categories.\n',
    ],
    ['add --collection-name app -n r', 2, 'the following arguments are required: --rule-type\n'],
    [
      'update --collection-name net -n none --destination-ports 1',
      1,
      "The rule collection 'net' has no rule 'none'.\n",
    ],
    [
      'update --collection-name net -n api --fqdn-tags WindowsUpdate',
      2,
      '--fqdn-tags: not part of a rule of type NetworkRule\n',
    ],
    [
      'update --collection-name net -n api',
      2,
      'nothing to update: give one of the flags of the rule, such as --source-addresses, --set, --add, --remove\n',
    ],
  ] as const)
    test(`refused: ${line}`, async () => {
      await using harness = await withCollections();
      const writes = harness.api.seen.length;
      const run = await harness.az(words(`${COLLECTION} rule ${line} ${IN_GROUP}`));
      assert.deepEqual([run.status, run.stderr], [status, message]);
      assert.ok(harness.api.seen.slice(writes).every(({ method }) => method === 'GET'));
    });

  test('a filter collection takes no NAT rule', async () => {
    await using harness = await withGroup();
    const line = `${COLLECTION} add-filter-collection ${IN_GROUP} -n x --collection-priority 100 --rule-type NatRule`;
    const { status, stderr } = await harness.az(words(line));
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^A rule collection of type FirewallPolicyFilterRuleCollection has no rules of type NatRule\./,
    );
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
