// Rules, collections, IP configurations and the allow list: parts of the firewall's document.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, lastWrite, ok, SUBSCRIPTION, words } from './testing.ts';

const NETWORK = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network`;

async function withFirewall(): Promise<AzHarness> {
  const harness = await AzHarness.create();
  await ok(harness, 'group create -n rg -l eastus');
  await ok(harness, 'network firewall create -g rg -n fw -l eastus --enable-dns-proxy true');
  return harness;
}

const NETWORK_RULE =
  "network firewall network-rule create -g rg -f fw -c nr -n apiudp --protocols UDP --source-addresses '*' --destination-addresses AzureCloud.eastus --destination-ports 1194";

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
      "network firewall application-rule create -g rg -f fw -c ar -n fqdn --source-addresses '*' --protocols http=80 HTTPS=443 mssql=1433 --fqdn-tags AzureKubernetesService --action allow --priority 100",
    );
    assert.deepEqual(application, {
      name: 'fqdn',
      sourceAddresses: ['*'],
      protocols: [
        { protocolType: 'Http', port: 80 },
        { protocolType: 'Https', port: 443 },
        { protocolType: 'Mssql', port: 1433 },
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
