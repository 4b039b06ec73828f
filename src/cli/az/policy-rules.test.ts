// Collections of a rule collection group and their rules: what the commands send, print and refuse.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, lastWrite, ok, SUBSCRIPTION, words } from './testing.ts';

const NETWORK = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network`;
const GROUP = 'network firewall policy rule-collection-group';
const COLLECTION = `${GROUP} collection`;
const IN_GROUP = '-g rg --policy-name p --rcg-name g';
const IN_COLLECTION = `${IN_GROUP} --collection-name`;

type Json = Record<string, unknown>;

const writtenProperties = (harness: AzHarness): Json =>
  (lastWrite(harness).body as { properties: Json }).properties;

async function withGroup(): Promise<AzHarness> {
  const harness = await AzHarness.create();
  await ok(harness, `network firewall policy create -g rg -n p -l eastus`);
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
