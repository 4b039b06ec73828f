// Commands as a user types them, against a control plane in memory: requests, results, errors, questions, help.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, failure, runWith, SUBSCRIPTION } from './testing.ts';

const words = (line: string): string[] => line.split(' ').map(word => word.replace(/^'(.*)'$/, '$1'));
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg`;
const NETWORK = `${GROUP}/providers/Microsoft.Network`;

async function ok(harness: AzHarness, line: string): Promise<unknown> {
  const { status, stdout, stderr } = await harness.az(words(line));
  assert.deepEqual({ line, status, stderr }, { line, status: 0, stderr: '' });
  return stdout === '' ? undefined : JSON.parse(stdout);
}

/** The last request that wrote. */
function lastWrite(harness: AzHarness) {
  const write = harness.api.seen.findLast(({ method }) => method !== 'GET' && method !== 'HEAD');
  return { method: write?.method, path: write?.path, body: write?.body };
}

async function withFirewall(): Promise<AzHarness> {
  const harness = await AzHarness.create();
  await ok(harness, 'group create -n rg -l eastus');
  await ok(harness, 'network firewall create -g rg -n fw -l eastus --enable-dns-proxy true');
  return harness;
}

const NETWORK_RULE =
  "network firewall network-rule create -g rg -f fw -c nr -n apiudp --protocols UDP --source-addresses '*' --destination-addresses AzureCloud.eastus --destination-ports 1194";

describe('requests of the commands', () => {
  const cases: readonly (readonly [string, string, string, unknown])[] = [
    ['group create -n rg -l "East US"'.replace('"East US"', 'EastUS'), 'PUT', GROUP, { location: 'eastus' }],
    [
      'network vnet create -g rg -n v -l eastus --subnet-name a --subnet-prefix 10.0.1.0/24',
      'PUT',
      `${NETWORK}/virtualNetworks/v`,
      {
        location: 'eastus',
        properties: {
          addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
          enableDdosProtection: false,
          subnets: [{ name: 'a', properties: { addressPrefix: '10.0.1.0/24' } }],
        },
      },
    ],
    [
      'network vnet subnet create -g rg --vnet-name v -n s --address-prefix 10.0.2.0/24 --route-table rt',
      'PUT',
      `${NETWORK}/virtualNetworks/v/subnets/s`,
      {
        name: 's',
        properties: { addressPrefix: '10.0.2.0/24', routeTable: { id: `${NETWORK}/routeTables/rt` } },
      },
    ],
    [
      'network public-ip create -g rg -n p -l eastus --sku standard',
      'PUT',
      `${NETWORK}/publicIPAddresses/p`,
      {
        location: 'eastus',
        sku: { name: 'Standard' },
        properties: {
          idleTimeoutInMinutes: 4,
          publicIPAddressVersion: 'IPv4',
          publicIPAllocationMethod: 'Static',
        },
      },
    ],
    [
      'network firewall create -g rg -n fw -l eastus --enable-dns-proxy --dns-servers 10.0.0.4 10.0.0.5 --private-ranges IANAPrivateRanges 198.18.0.0/15 --threat-intel-mode deny',
      'PUT',
      `${NETWORK}/azureFirewalls/fw`,
      {
        location: 'eastus',
        properties: {
          additionalProperties: {
            'Network.DNS.EnableProxy': 'true',
            'Network.DNS.Servers': '10.0.0.4,10.0.0.5',
            'Network.SNAT.PrivateRanges': 'IANAPrivateRanges, 198.18.0.0/15',
          },
          sku: { tier: 'Standard' },
          threatIntelMode: 'Deny',
        },
      },
    ],
    [
      'network route-table create -g rg -n rt -l eastus',
      'PUT',
      `${NETWORK}/routeTables/rt`,
      { location: 'eastus' },
    ],
    [
      'network route-table route create -g rg --route-table-name rt -n r --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.4',
      'PUT',
      `${NETWORK}/routeTables/rt/routes/r`,
      {
        name: 'r',
        properties: {
          addressPrefix: '0.0.0.0/0',
          nextHopType: 'VirtualAppliance',
          nextHopIpAddress: '10.42.2.4',
        },
      },
    ],
    [
      'network ip-group create -g rg -n ig -l eastus --ip-addresses 10.0.0.1 10.0.0.0/24',
      'PUT',
      `${NETWORK}/ipGroups/ig`,
      { location: 'eastus', properties: { ipAddresses: ['10.0.0.1', '10.0.0.0/24'] } },
    ],
    ['network vnet delete -g rg -n v', 'DELETE', `${NETWORK}/virtualNetworks/v`, undefined],
    [
      'network vnet subnet delete -g rg --vnet-name v -n s',
      'DELETE',
      `${NETWORK}/virtualNetworks/v/subnets/s`,
      undefined,
    ],
    [
      'network route-table route delete -g rg --route-table-name t -n r',
      'DELETE',
      `${NETWORK}/routeTables/t/routes/r`,
      undefined,
    ],
    ['group delete -n rg --yes', 'DELETE', GROUP, undefined],
  ];
  for (const [line, method, path, body] of cases) {
    test(`az ${line}`, async () => {
      await using harness = await AzHarness.create();
      await ok(harness, line);
      assert.deepEqual(lastWrite(harness), { method, path, body });
      assert.equal(harness.api.seen[0]?.headers.authorization, 'Bearer the-token');
    });
  }

  test('the location is the resource group’s where none is given', async () => {
    await using harness = await AzHarness.create();
    await ok(harness, 'group create -n rg -l westus');
    await ok(harness, 'network public-ip create -g rg -n p');
    assert.equal((lastWrite(harness).body as { location: string }).location, 'westus');
  });

  test('vnet update and subnet update keep what they do not name', async () => {
    await using harness = await AzHarness.create();
    await ok(
      harness,
      'network vnet create -g rg -n v -l eastus --subnet-name a --subnet-prefixes 10.0.1.0/24',
    );
    await ok(harness, 'network vnet update -g rg -n v --dns-servers 10.0.2.4');
    const vnet = lastWrite(harness).body as { properties: Record<string, unknown> };
    assert.deepEqual(vnet.properties.dhcpOptions, { dnsServers: ['10.0.2.4'] });
    assert.deepEqual(vnet.properties.addressSpace, { addressPrefixes: ['10.0.0.0/16'] });

    await ok(harness, 'network vnet subnet update -g rg --vnet-name v -n a --route-table rt');
    const subnet = lastWrite(harness).body as { properties: Record<string, unknown> };
    assert.deepEqual(subnet.properties, {
      addressPrefix: '10.0.1.0/24',
      routeTable: { id: `${NETWORK}/routeTables/rt` },
    });
    const { status } = await harness.az([
      ...words('network vnet subnet update -g rg --vnet-name v -n a --route-table'),
      '',
    ]);
    assert.equal(status, 0);
    assert.deepEqual((lastWrite(harness).body as { properties: unknown }).properties, {
      addressPrefix: '10.0.1.0/24',
    });
  });

  test('an update of nothing is refused', async () => {
    await using harness = await AzHarness.create();
    const { status, stderr } = await harness.az(words('network firewall update -g rg -n fw'));
    assert.equal(status, 2);
    assert.match(stderr, /^nothing to update: give one of --dns-servers/);
  });
});

describe('rules', () => {
  test('a rule in a new collection, then one in the existing collection', async () => {
    await using harness = await withFirewall();
    const rule = await ok(harness, `${NETWORK_RULE} --action allow --priority 100`);
    assert.deepEqual(rule, {
      name: 'apiudp',
      protocols: ['UDP'],
      sourceAddresses: ['*'],
      destinationAddresses: ['AzureCloud.eastus'],
      destinationPorts: ['1194'],
    });
    await ok(harness, NETWORK_RULE.replace('apiudp', 'second'));
    const { properties } = lastWrite(harness).body as { properties: Record<string, unknown[]> };
    const [collection] = properties.networkRuleCollections as {
      name: string;
      properties: Record<string, unknown>;
    }[];
    assert.equal(collection?.name, 'nr');
    assert.equal(collection.properties.priority, 100);
    assert.deepEqual(collection.properties.action, { type: 'Allow' });
    assert.deepEqual(
      (collection.properties.rules as { name: string }[]).map(({ name }) => name),
      ['apiudp', 'second'],
    );
  });

  test('an application rule and a NAT rule have their own shapes', async () => {
    await using harness = await withFirewall();
    const application = await ok(
      harness,
      "network firewall application-rule create -g rg -f fw -c ar -n fqdn --source-addresses '*' --protocols http=80 HTTPS=443 --fqdn-tags AzureKubernetesService --action allow --priority 100",
    );
    assert.deepEqual(application, {
      name: 'fqdn',
      sourceAddresses: ['*'],
      protocols: [
        { protocolType: 'Http', port: 80 },
        { protocolType: 'Https', port: 443 },
      ],
      fqdnTags: ['AzureKubernetesService'],
    });
    const nat = await ok(
      harness,
      "network firewall nat-rule create --collection-name n --destination-addresses 20.51.99.7 --destination-ports 80 --firewall-name fw --name in --protocols Any -g rg --source-addresses '*' --source-ip-groups ig --translated-port 80 --action Dnat --priority 100 --translated-address 10.42.1.50",
    );
    assert.deepEqual(nat, {
      name: 'in',
      sourceAddresses: ['*'],
      sourceIpGroups: [`${NETWORK}/ipGroups/ig`],
      destinationAddresses: ['20.51.99.7'],
      destinationPorts: ['80'],
      protocols: ['Any'],
      translatedAddress: '10.42.1.50',
      translatedPort: '80',
    });
  });

  test('priority and action: both for a new collection, neither for an existing one; nothing is written', async () => {
    await using harness = await withFirewall();
    for (const flags of ['', ' --priority 100', ' --action Allow']) {
      const { status, stderr } = await harness.az(words(`${NETWORK_RULE}${flags}`));
      assert.equal(status, 2);
      assert.match(stderr, /does not exist yet: --priority and --action are needed/);
    }
    await ok(harness, `${NETWORK_RULE} --priority 100 --action Allow`);
    const writes = harness.api.seen.length;
    const again = await harness.az(words(`${NETWORK_RULE} --priority 100 --action Allow`));
    assert.equal(again.status, 2);
    assert.match(again.stderr, /exists already: leave --priority and --action out/);
    assert.ok(harness.api.seen.slice(writes).every(({ method }) => method === 'GET'));
  });

  test('ten rules created at once all arrive', async () => {
    await using harness = await withFirewall();
    await ok(harness, `${NETWORK_RULE} --priority 100 --action Allow`);
    const names = Array.from({ length: 10 }, (_, index) => `rule${index}`);
    await Promise.all(names.map(name => ok(harness, NETWORK_RULE.replace('apiudp', name))));
    const found = (await ok(
      harness,
      'network firewall network-rule list -g rg -f fw -c nr --query rules[].name',
    )) as string[];
    assert.deepEqual(found.toSorted(), ['apiudp', ...names].toSorted());
  });

  test('show, list and delete of rules and collections', async () => {
    await using harness = await withFirewall();
    await ok(harness, `${NETWORK_RULE} --priority 100 --action Allow`);
    await ok(harness, NETWORK_RULE.replace('apiudp', 'two'));
    const at = '-g rg -f fw -c nr';
    const shown = (await ok(harness, `network firewall network-rule show ${at} -n TWO`)) as { name: string };
    assert.equal(shown.name, 'two');
    await ok(harness, `network firewall network-rule delete ${at} -n two`);
    const missing = await harness.az(words(`network firewall network-rule show ${at} -n two`));
    assert.equal(missing.status, 3);
    assert.match(
      missing.stderr,
      /^\(ResourceNotFound\) The network rule collection 'nr' has no rule 'two'\./,
    );

    const absent = await harness.az(words(`network firewall network-rule delete ${at} -n two`));
    assert.deepEqual([absent.status, absent.stdout], [0, '']);
    assert.match(absent.stderr, /^WARNING: There is no network rule 'two'/);

    const table = await harness.az(
      words('network firewall network-rule collection list -g rg -f fw -o table'),
    );
    assert.equal(
      table.stdout,
      'Name    Priority    Action    Rules\n------  ----------  --------  -------\nnr      100         Allow     1\n',
    );
    await ok(harness, 'network firewall network-rule collection delete -g rg -f fw -c nr');
    assert.deepEqual(await ok(harness, 'network firewall network-rule collection list -g rg -f fw'), []);
  });

  test('IP configurations: the first names the network, later ones need not', async () => {
    await using harness = await withFirewall();
    const create = 'network firewall ip-config create -g rg -f fw';
    const early = await harness.az(words(`${create} -n one --public-ip-address p`));
    assert.deepEqual(
      [early.status, early.stderr],
      [2, 'the first IP configuration of a firewall needs --vnet-name\n'],
    );
    const first = (await ok(harness, `${create} -n one --public-ip-address p --vnet-name v`)) as Record<
      string,
      unknown
    >;
    assert.equal(first.privateIPAddress, '10.42.2.4');
    assert.deepEqual(first.subnet, {
      id: `${NETWORK}/virtualNetworks/v/subnets/AzureFirewallSubnet`,
      resourceGroup: 'rg',
    });
    await ok(harness, `${create} -n two --public-ip-address p2`);
    const query = 'ipConfigurations[0].privateIpAddress -o tsv';
    assert.equal(
      (await harness.az(words(`network firewall show -g rg -n fw --query ${query}`))).stdout,
      '10.42.2.4\n',
    );
    await ok(harness, 'network firewall ip-config delete -g rg -f fw -n two');
    assert.deepEqual(await ok(harness, 'network firewall ip-config list -g rg -f fw --query [].name'), [
      'one',
    ]);
  });

  test('the allow list of threat intelligence', async () => {
    await using harness = await withFirewall();
    const group = 'network firewall threat-intel-allowlist';
    await ok(harness, `${group} create -g rg -n fw --fqdns a.example.org b.example.org`);
    assert.deepEqual(await ok(harness, `${group} show -g rg -n fw`), {
      'ThreatIntel.Whitelist.FQDNs': 'a.example.org, b.example.org',
    });
    await ok(harness, `${group} delete -g rg -n fw`);
    assert.deepEqual(await ok(harness, `${group} show -g rg -n fw`), {});
    const firewall = (await ok(harness, 'network firewall show -g rg -n fw')) as Record<string, unknown>;
    assert.deepEqual(firewall.additionalProperties, { 'Network.DNS.EnableProxy': 'true' });
  });
});

describe('results', () => {
  test('vnet create and public-ip create print under a key of their own', async () => {
    await using harness = await AzHarness.create();
    const vnet = (await ok(harness, 'network vnet create -g rg -n v -l eastus')) as {
      newVNet: Record<string, unknown>;
    };
    assert.deepEqual(vnet.newVNet.addressSpace, { addressPrefixes: ['10.0.0.0/16'] });
    assert.equal(vnet.newVNet.resourceGroup, 'rg');
    const address = await ok(
      harness,
      'network public-ip create -g rg -n p -l eastus --query publicIp.ipAddress',
    );
    assert.equal(address, '20.51.99.7');
  });

  test('group exists prints true or false', async () => {
    await using harness = await AzHarness.create();
    assert.equal(await ok(harness, 'group exists -n rg'), false);
    await ok(harness, 'group create -n rg -l eastus');
    assert.equal(await ok(harness, 'group exists -n rg'), true);
  });

  test('group list as a table', async () => {
    await using harness = await AzHarness.create();
    await ok(harness, 'group create -n rg -l eastus');
    const { stdout } = await harness.az(words('group list -o table'));
    assert.equal(
      stdout,
      'Name    Location    Status\n------  ----------  ---------\nrg      eastus      Succeeded\n',
    );
  });

  test('lists of one group and of all groups', async () => {
    await using harness = await AzHarness.create();
    for (const group of ['a', 'b'])
      await ok(harness, `network route-table create -g ${group} -n t-${group} -l eastus`);
    assert.deepEqual(await ok(harness, 'network route-table list -g a --query [].name'), ['t-a']);
    assert.deepEqual(await ok(harness, 'network route-table list --query [].name'), ['t-a', 't-b']);
  });

  test('--no-wait prints nothing', async () => {
    await using harness = await AzHarness.create();
    assert.equal(await ok(harness, 'network vnet create -g rg -n v -l eastus --no-wait'), undefined);
  });

  test('commands that need no control plane run without one', async () => {
    for (const line of [
      'extension add --name azure-firewall',
      'version',
      '--version',
      'extension list -o table',
    ]) {
      const { status, stderr } = await runWith(words(line), { env: { POSTERN_STATE: '/nonexistent' } });
      assert.deepEqual({ line, status, stderr }, { line, status: 0, stderr: '' });
    }
    const other = await runWith(words('extension add -n aks-preview'));
    assert.equal(other.status, 1);
  });

  test('account show describes the subscription', async () => {
    await using harness = await AzHarness.create();
    assert.equal(await ok(harness, 'account show --query id'), SUBSCRIPTION);
    assert.equal(
      await ok(harness, `account show --query tenantId --subscription ${SUBSCRIPTION}`),
      'a-tenant',
    );
    assert.equal((await harness.az(words('account show --subscription other'))).status, 1);
  });

  test('rest sends what it is told', async () => {
    await using harness = await AzHarness.create();
    const uri = '/subscriptions/{subscriptionId}/resourcegroups/rg?api-version=2021-04-01';
    await harness.az(['rest', '-m', 'put', '-u', uri, '-b', '{"location":"eastus"}']);
    assert.deepEqual(lastWrite(harness).body, { location: 'eastus' });
    assert.equal((await harness.az(['rest', '-u', uri.replace('rg?', 'none?')])).status, 3);
  });
});

describe('errors', () => {
  test('an error of the server is (Code) Message with its lines and nothing else', async () => {
    await using harness = await AzHarness.create();
    harness.api.hook = () => failure(400, { code: 'InvalidResourceName', message: 'No such name.' });
    const { status, stdout, stderr } = await harness.az(words('group create -n rg -l eastus'));
    assert.deepEqual([status, stdout], [1, '']);
    assert.equal(
      stderr,
      '(InvalidResourceName) No such name.\nCode: InvalidResourceName\nMessage: No such name.\n',
    );
  });

  test('404 is status 3', async () => {
    await using harness = await AzHarness.create();
    const { status, stderr } = await harness.az(words('network vnet show -g rg -n none'));
    assert.equal(status, 3);
    assert.match(
      stderr,
      /^\(ResourceNotFound\) The resource 'none' was not found\.\nCode: ResourceNotFound\n/,
    );
  });

  const usage: readonly (readonly [string, RegExp])[] = [
    [
      'group create',
      /^the following arguments are required: --location\/-l, --name\/--resource-group\/-n\/-g\n/,
    ],
    [
      'network firewal list',
      /^'firewal' is misspelled or not recognized by the system\.\nDid you mean 'firewall'\?/,
    ],
    ['network firewall crate', /Did you mean 'create'\?/],
    ['aks create -n x', /^'az aks' is not supported by Postern: /],
    [
      'network firewall create -g rg -n fw --firewall-policy p',
      /^--firewall-policy is not supported by Postern: /,
    ],
    ['network vnet list --query [', /^argument --query: invalid jmespath_type value: '\['\n/],
    ['network vnet list -o xml', /'xml' is not a valid value for '--output'\./],
    ['--nonsense', /^unrecognized arguments: --nonsense\n/],
  ];
  for (const [line, message] of usage) {
    test(`usage: az ${line}`, async () => {
      const { status, stdout, stderr } = await runWith(words(line), {
        env: { POSTERN_STATE: '/nonexistent' },
      });
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }

  test('no control plane: where it was looked for and how to start one', async () => {
    const { status, stderr } = await runWith(words('group list'), { env: { POSTERN_STATE: '/nonexistent' } });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^No control plane found in \/nonexistent\/labs\/postern or \/nonexistent\/router\.\nStart one: postern lab up/,
    );
    const named = await runWith(words('group list'), { env: { POSTERN_API_JSON: '/nonexistent/api.json' } });
    assert.match(named.stderr, /^No control plane found: POSTERN_API_JSON names \/nonexistent\/api\.json/);
  });

  test('a control plane that is gone', async () => {
    const harness = await AzHarness.create();
    const { env } = harness;
    const keep = await harness.az(words('group list'));
    assert.equal(keep.status, 0);
    await harness[Symbol.asyncDispose]();
    const { status, stderr } = await runWith(words('group list'), { env });
    assert.equal(status, 1);
    assert.match(stderr, /No control plane found/);
  });
});

describe('questions', () => {
  const cases: readonly (readonly [string, string | undefined, number, boolean])[] = [
    ['y', 'y\n', 0, true],
    ['yes in capitals', 'YES\n', 0, true],
    ['yes after nonsense', 'what\nyes\n', 0, true],
    ['y without a line end', 'y', 0, true],
    ['n', 'n\n', 1, false],
    ['the end of input', undefined, 1, false],
  ];
  for (const [title, input, expected, deletes] of cases) {
    test(title, async () => {
      await using harness = await AzHarness.create();
      const { status, stderr } = await harness.az(
        words('group delete -n rg'),
        input === undefined ? {} : { input },
      );
      assert.equal(status, expected);
      assert.equal(harness.api.seen.length > 0, deletes);
      if (expected) assert.match(stderr, /^Operation cancelled/);
      if (input === undefined) assert.match(stderr, /--yes/);
    });
  }
});

describe('help', () => {
  test('every group and every command has help, and every command of a group is in it', async () => {
    const { groups } = await import('./commands/index.ts');
    const { commandsOf } = await import('./tree.ts');
    for (const { path } of [{ path: '' }, ...groups]) {
      const group = await runWith([...path.split(' ').filter(Boolean), '--help']);
      assert.equal(group.status, 0);
      for (const command of await commandsOf(path)) {
        assert.ok(group.stdout.includes(`    ${command.name} `), `${path} does not list ${command.name}`);
        const help = await runWith([...path.split(' ').filter(Boolean), command.name, '-h']);
        assert.equal(help.status, 0);
        assert.match(help.stdout, /^\nCommand\n {4}az /);
        for (const { flags } of command.arguments) assert.ok(help.stdout.includes(flags[0]));
        assert.equal(new Set(command.arguments.map(({ key }) => key)).size, command.arguments.length);
      }
    }
  });

  test('az alone lists the groups', async () => {
    const { status, stdout } = await runWith([]);
    assert.equal(status, 0);
    assert.match(stdout, /Subgroups:\n {4}account {3}: /);
  });
});
