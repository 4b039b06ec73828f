// What a firewall document may hold and how each fault is reported: code, JSON path, and a message that names the rule,
// the field and the value.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIpv4, formatRange, parseIpv4 } from '#net/ipv4.ts';
import { type FirewallLookup, parseAzureFirewall } from './firewall.ts';

const SCOPE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
const PIP = `${SCOPE}/publicIPAddresses/pip`;
const GROUP = `${SCOPE}/ipGroups/office`;

const tags = ['AzureCloud', 'AzureCloud.eastus', 'Storage'];
const lookup: FirewallLookup = {
  serviceTagName: name => tags.find(tag => tag.toLowerCase() === name.toLowerCase()),
  fqdnTagName: name =>
    name.toLowerCase() === 'azurekubernetesservice' ? 'AzureKubernetesService' : undefined,
  hasIpGroup: id => id === GROUP,
  publicAddressOf: id => (id === PIP ? parseIpv4('20.1.1.1') : undefined),
};

type Json = Record<string, unknown>;
const networkRule = (rest: Json = {}): Json => ({
  name: 'r',
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['1.2.3.4'],
  destinationPorts: ['443'],
  ...rest,
});
const applicationRule = (rest: Json = {}): Json => ({
  name: 'r',
  sourceAddresses: ['*'],
  protocols: [{ protocolType: 'Https', port: 443 }],
  targetFqdns: ['example.org'],
  ...rest,
});
const natRule = (rest: Json = {}): Json => ({
  name: 'r',
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['20.1.1.1'],
  destinationPorts: ['80'],
  translatedAddress: '10.42.1.50',
  translatedPort: '80',
  ...rest,
});
const collection = (rules: Json[], rest: Json = {}, type = 'Allow'): Json => ({
  name: 'c',
  properties: { priority: 100, action: { type }, rules },
  ...rest,
});
const firewall = (properties: Json, rest: Json = {}): Json => ({
  name: 'fw',
  location: 'eastus',
  properties: {
    additionalProperties: { 'Network.DNS.EnableProxy': 'true' },
    ipConfigurations: [
      {
        name: 'config',
        properties: {
          subnet: { id: `${SCOPE}/virtualNetworks/v/subnets/AzureFirewallSubnet` },
          publicIPAddress: { id: PIP },
        },
      },
    ],
    ...properties,
  },
  ...rest,
});
const network = (rest: Json = {}) => firewall({ networkRuleCollections: [collection([networkRule(rest)])] });
const application = (rest: Json = {}) =>
  firewall({ applicationRuleCollections: [collection([applicationRule(rest)])] });
const nat = (rest: Json = {}) => firewall({ natRuleCollections: [collection([natRule(rest)], {}, 'Dnat')] });

const faultsOf = (document: unknown) => parseAzureFirewall(document, lookup).diagnostics ?? [];
const NETWORK_RULE = 'properties.networkRuleCollections[0].properties.rules[0]';
const APPLICATION_RULE = 'properties.applicationRuleCollections[0].properties.rules[0]';
const NAT_RULE = 'properties.natRuleCollections[0].properties.rules[0]';

function accepted(document: unknown) {
  const parsed = parseAzureFirewall(document, lookup);
  return parsed.firewall ?? assert.fail(JSON.stringify(parsed.diagnostics, null, 1));
}

describe('a firewall document', () => {
  it('becomes values, whatever the case of Azure words', () => {
    const parsed = accepted(
      firewall({
        sku: { name: 'azfw_vnet', tier: 'standard' },
        threatIntelMode: 'deny',
        networkRuleCollections: [
          collection([
            networkRule({
              protocols: ['udp', 'UDP'],
              sourceAddresses: ['10.42.1.4/24', '10.0.0.1-10.0.0.3'],
              sourceIpGroups: [GROUP],
              destinationAddresses: ['AZURECLOUD.EastUS', '*'],
              destinationFqdns: ['NTP.Ubuntu.com.'],
              destinationPorts: ['*', '8000-8100'],
            }),
          ]),
        ],
      }),
    );
    assert.equal(parsed.tier, 'Standard');
    assert.equal(parsed.threatIntelMode, 'Deny');
    const rule = parsed.networkRuleCollections[0]?.rules[0];
    assert.deepEqual(rule?.protocols, ['UDP']);
    assert.deepEqual(rule?.sources.ranges.map(formatRange), ['10.42.1.0/24', '10.0.0.1-10.0.0.3']);
    assert.deepEqual(rule?.sources.ipGroups, [GROUP]);
    assert.deepEqual(rule?.destinations.serviceTags, ['AzureCloud.eastus']);
    assert.deepEqual(rule?.destinationFqdns, ['ntp.ubuntu.com']);
    assert.deepEqual(rule?.destinationPorts, [
      { first: 0, last: 65535 },
      { first: 8000, last: 8100 },
    ]);
  });

  it('may be as bare as `az network firewall create` sends it', () => {
    for (const properties of [{}, { sku: { tier: 'Standard' } }, { additionalProperties: {} }]) {
      const parsed = accepted({ location: 'eastus', properties });
      assert.equal(parsed.threatIntelMode, 'Alert');
      assert.equal(parsed.dns.enableProxy, false);
      assert.deepEqual(parsed.privateRanges.map(formatRange), [
        '10.0.0.0/8',
        '100.64.0.0/10',
        '172.16.0.0/12',
        '192.168.0.0/16',
      ]);
    }
  });

  it('may come back with what the service added', () => {
    const document = firewall(
      { provisioningState: 'Succeeded', ipGroups: [], managementIpConfiguration: null, hubIPAddresses: {} },
      { id: `${SCOPE}/azureFirewalls/fw`, etag: 'W/"1"', type: 'Microsoft.Network/azureFirewalls', tags: {} },
    );
    assert.equal(accepted(document).id, `${SCOPE}/azureFirewalls/fw`);
  });

  it('keeps its settings in additionalProperties', () => {
    const parsed = accepted(
      firewall({
        additionalProperties: {
          'Network.DNS.EnableProxy': 'True',
          'Network.DNS.Servers': '10.42.3.4,168.63.129.16',
          'Network.SNAT.PrivateRanges': 'IANAPrivateRanges, 30.0.0.0/8',
          'ThreatIntel.Whitelist.IpAddresses': '1.2.3.4,5.6.7.0/24',
          'ThreatIntel.Whitelist.FQDNs': '*.example.org',
          'Network.FTP.AllowActiveFTP': 'false',
        },
      }),
    );
    assert.equal(parsed.dns.enableProxy, true);
    assert.deepEqual(parsed.dns.servers.map(formatIpv4), ['10.42.3.4', '168.63.129.16']);
    assert.equal(parsed.privateRanges.map(formatRange).includes('30.0.0.0/8'), true);
    assert.deepEqual(parsed.threatIntelAllowed.addresses.map(formatRange), ['1.2.3.4', '5.6.7.0/24']);
  });

  it('translates a NAT rule for Any into TCP and UDP', () => {
    const rule = accepted(nat({ protocols: ['Any'] })).natRuleCollections[0]?.rules[0];
    assert.deepEqual(rule?.protocols, ['TCP', 'UDP']);
    assert.equal(rule?.translatedPort, 80);
  });

  it('may leave out the port of a protocol, and protocols beside an FQDN tag', () => {
    const defaults = accepted(
      application({ protocols: [{ protocolType: 'Http' }, { protocolType: 'https' }] }),
    );
    assert.deepEqual(defaults.applicationRuleCollections[0]?.rules[0]?.protocols, [
      { protocol: 'Http', port: 80 },
      { protocol: 'Https', port: 443 },
    ]);
    accepted(application({ protocols: [], targetFqdns: [], fqdnTags: ['azureKUBERNETESservice'] }));
  });

  it('may switch off that FQDNs of network rules need the proxy', () => {
    accepted(
      firewall({
        additionalProperties: { 'Network.DNS.RequireProxyForNetworkRules': 'false' },
        networkRuleCollections: [collection([networkRule({ destinationFqdns: ['example.org'] })])],
      }),
    );
  });
});

describe('faults of one rule', () => {
  const table: readonly (readonly [string, Json, string, string])[] = [
    // A name or a bad address among addresses: hashicorp/terraform-provider-azurerm#8312.
    [
      'FQDN as address',
      network({ destinationAddresses: ['ntp.ubuntu.com'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.destinationAddresses[0]`,
    ],
    [
      'unknown tag',
      network({ destinationAddresses: ['NoSuchTag'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.destinationAddresses[0]`,
    ],
    [
      'tag of no region',
      network({ destinationAddresses: ['AzureCloud.mars'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.destinationAddresses[0]`,
    ],
    [
      'tag as source',
      network({ sourceAddresses: ['AzureCloud'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.sourceAddresses[0]`,
    ],
    [
      'prefix too long',
      network({ sourceAddresses: ['10.0.0.0/33'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.sourceAddresses[0]`,
    ],
    [
      'range backwards',
      network({ sourceAddresses: ['10.0.0.9-10.0.0.1'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.sourceAddresses[0]`,
    ],
    [
      'octal',
      network({ sourceAddresses: ['010.0.0.1'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.sourceAddresses[0]`,
    ],
    [
      'leading space',
      network({ sourceAddresses: [' 10.0.0.1'] }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      `${NETWORK_RULE}.sourceAddresses[0]`,
    ],
    [
      'IPv6',
      network({ destinationAddresses: ['2001:db8::/32'] }),
      'AzureFirewallRuleIpv6NotSupported',
      `${NETWORK_RULE}.destinationAddresses[0]`,
    ],
    [
      'IPv6 source',
      application({ sourceAddresses: ['2001:db8::1'] }),
      'AzureFirewallRuleIpv6NotSupported',
      `${APPLICATION_RULE}.sourceAddresses[0]`,
    ],
    [
      'no such IP group',
      network({ sourceIpGroups: [`${GROUP}2`] }),
      'InvalidResourceReference',
      `${NETWORK_RULE}.sourceIpGroups[0]`,
    ],
    [
      'no source',
      network({ sourceAddresses: [] }),
      'AzureFirewallRuleMissingSource',
      `${NETWORK_RULE}.sourceAddresses`,
    ],
    [
      'no destination',
      network({ destinationAddresses: [] }),
      'AzureFirewallRuleMissingDestination',
      `${NETWORK_RULE}.destinationAddresses`,
    ],
    [
      'no protocol',
      network({ protocols: [] }),
      'AzureFirewallRuleInvalidProtocol',
      `${NETWORK_RULE}.protocols`,
    ],
    [
      'protocol',
      network({ protocols: ['SCTP'] }),
      'AzureFirewallRuleInvalidProtocol',
      `${NETWORK_RULE}.protocols[0]`,
    ],
    [
      'no port',
      network({ destinationPorts: [] }),
      'AzureFirewallRuleInvalidPortOrRangeFormat',
      `${NETWORK_RULE}.destinationPorts`,
    ],
    [
      'port 0',
      network({ destinationPorts: ['0'] }),
      'AzureFirewallRuleInvalidPortOrRangeFormat',
      `${NETWORK_RULE}.destinationPorts[0]`,
    ],
    [
      'port 65536',
      network({ destinationPorts: ['1', '65536'] }),
      'AzureFirewallRuleInvalidPortOrRangeFormat',
      `${NETWORK_RULE}.destinationPorts[1]`,
    ],
    [
      'ports backwards',
      network({ destinationPorts: ['90-80'] }),
      'AzureFirewallRuleInvalidPortOrRangeFormat',
      `${NETWORK_RULE}.destinationPorts[0]`,
    ],
    [
      'wildcard',
      network({ destinationFqdns: ['*.ubuntu.com'] }),
      'AzureFirewallRuleInvalidFqdn',
      `${NETWORK_RULE}.destinationFqdns[0]`,
    ],
    [
      'address as FQDN',
      network({ destinationFqdns: ['1.2.3.4'] }),
      'AzureFirewallRuleInvalidFqdn',
      `${NETWORK_RULE}.destinationFqdns[0]`,
    ],
    [
      'unknown property',
      network({ destinationPort: '80' }),
      'UnknownProperty',
      `${NETWORK_RULE}.destinationPort`,
    ],
    [
      'number for string',
      network({ destinationPorts: [443] }),
      'InvalidRequestFormat',
      `${NETWORK_RULE}.destinationPorts[0]`,
    ],
    [
      'string for array',
      network({ sourceAddresses: '*' }),
      'InvalidRequestFormat',
      `${NETWORK_RULE}.sourceAddresses`,
    ],
    ['rule name', network({ name: '' }), 'InvalidResourceName', `${NETWORK_RULE}.name`],
    [
      'unknown FQDN tag',
      application({ fqdnTags: ['Nothing'] }),
      'AzureFirewallRuleInvalidFqdnTag',
      `${APPLICATION_RULE}.fqdnTags[0]`,
    ],
    [
      'no target',
      application({ targetFqdns: [] }),
      'AzureFirewallRuleMissingDestination',
      `${APPLICATION_RULE}.targetFqdns`,
    ],
    [
      'no protocol',
      application({ protocols: [] }),
      'AzureFirewallRuleInvalidProtocol',
      `${APPLICATION_RULE}.protocols`,
    ],
    [
      'Mssql',
      application({ protocols: [{ protocolType: 'Mssql', port: 1433 }] }),
      'PropertyNotSupported',
      `${APPLICATION_RULE}.protocols[0].protocolType`,
    ],
    [
      'application protocol',
      application({ protocols: [{ protocolType: 'Ftp', port: 21 }] }),
      'AzureFirewallRuleInvalidProtocol',
      `${APPLICATION_RULE}.protocols[0].protocolType`,
    ],
    [
      'application port 64001',
      application({ protocols: [{ protocolType: 'Https', port: 64001 }] }),
      'AzureFirewallRuleInvalidPortOrRangeFormat',
      `${APPLICATION_RULE}.protocols[0].port`,
    ],
    [
      'application port 0',
      application({ protocols: [{ protocolType: 'Https', port: 0 }] }),
      'AzureFirewallRuleInvalidPortOrRangeFormat',
      `${APPLICATION_RULE}.protocols[0].port`,
    ],
    [
      'URL',
      application({ targetUrls: ['www.example.org/a'] }),
      'PropertyNotSupported',
      `${APPLICATION_RULE}.targetUrls`,
    ],
    // The FAQ's list of wildcards that are refused.
    ...['www.contoso.*', '*.contoso.*', 'test.*.x.com', 'aa*.x.com', '*.*.x.com', '10.0.0.1', 'a..b'].map(
      fqdn =>
        [
          fqdn,
          application({ targetFqdns: [fqdn] }),
          'AzureFirewallRuleInvalidFqdn',
          `${APPLICATION_RULE}.targetFqdns[0]`,
        ] as const,
    ),
    [
      'foreign public IP',
      nat({ destinationAddresses: ['20.1.1.2'] }),
      'AzureFirewallRuleInvalidDnatDestinationAddress',
      `${NAT_RULE}.destinationAddresses[0]`,
    ],
    [
      'NAT to anything',
      nat({ destinationAddresses: ['*'] }),
      'AzureFirewallRuleInvalidDnatDestinationAddress',
      `${NAT_RULE}.destinationAddresses[0]`,
    ],
    [
      'NAT port 64000',
      nat({ destinationPorts: ['64000'] }),
      'AzureFirewallRuleInvalidDnatPortOrRangeFormat',
      `${NAT_RULE}.destinationPorts[0]`,
    ],
    [
      'NAT port *',
      nat({ destinationPorts: ['*'] }),
      'AzureFirewallRuleInvalidDnatPortOrRangeFormat',
      `${NAT_RULE}.destinationPorts[0]`,
    ],
    [
      'translated range',
      nat({ translatedPort: '80-81' }),
      'AzureFirewallRuleInvalidDnatPortOrRangeFormat',
      `${NAT_RULE}.translatedPort`,
    ],
    [
      'no translated port',
      nat({ translatedPort: null }),
      'AzureFirewallRuleInvalidDnatPortOrRangeFormat',
      `${NAT_RULE}.translatedPort`,
    ],
    [
      'both translations',
      nat({ translatedFqdn: 'example.org' }),
      'AzureFirewallRuleInvalidDnatTranslation',
      `${NAT_RULE}.translatedAddress`,
    ],
    [
      'neither translation',
      nat({ translatedAddress: '' }),
      'AzureFirewallRuleInvalidDnatTranslation',
      `${NAT_RULE}.translatedAddress`,
    ],
    [
      'loopback',
      nat({ translatedAddress: '127.0.0.1' }),
      'AzureFirewallRuleInvalidDnatTranslation',
      `${NAT_RULE}.translatedAddress`,
    ],
    ['ICMP', nat({ protocols: ['ICMP'] }), 'AzureFirewallRuleInvalidProtocol', `${NAT_RULE}.protocols[0]`],
  ];
  for (const [title, document, code, target] of table) {
    it(`${title}: ${code}`, () => {
      const faults = faultsOf(document);
      assert.deepEqual(
        faults.map(fault => [fault.code, fault.target]),
        [[code, target]],
        JSON.stringify(faults),
      );
    });
  }

  it('names rule, field and value', () => {
    assert.equal(
      faultsOf(network({ destinationAddresses: ['ntp.ubuntu.com'] }))[0]?.message,
      "Network rule 'c/r': 'ntp.ubuntu.com' in 'destinationAddresses' is neither an address nor a service tag; names belong in 'destinationFqdns'.",
    );
  });
});

describe('faults of the document', () => {
  const table: readonly (readonly [string, unknown, string, string])[] = [
    ['no object', 'text', 'InvalidRequestFormat', ''],
    ['SKU of a hub', firewall({ sku: { name: 'AZFW_Hub' } }), 'PropertyNotSupported', 'properties.sku.name'],
    [
      'policy',
      firewall({ firewallPolicy: { id: `${SCOPE}/firewallPolicies/p` } }),
      'PropertyNotSupported',
      'properties.firewallPolicy',
    ],
    [
      'hub',
      firewall({ virtualHub: { id: `${SCOPE}/virtualHubs/h` } }),
      'PropertyNotSupported',
      'properties.virtualHub',
    ],
    [
      'management',
      firewall({ managementIpConfiguration: { name: 'm' } }),
      'PropertyNotSupported',
      'properties.managementIpConfiguration',
    ],
    ['misspelt property', firewall({ networkRules: [1] }), 'UnknownProperty', 'properties.networkRules'],
    [
      'misspelt setting',
      firewall({ additionalProperties: { 'Network.DNS.EnableProxi': 'true' } }),
      'UnknownProperty',
      'properties.additionalProperties.Network.DNS.EnableProxi',
    ],
    [
      'unsupported setting',
      firewall({ additionalProperties: { 'Network.FTP.AllowActiveFTP': 'true' } }),
      'PropertyNotSupported',
      'properties.additionalProperties.Network.FTP.AllowActiveFTP',
    ],
    [
      'switch',
      firewall({ additionalProperties: { 'Network.DNS.EnableProxy': 'yes' } }),
      'InvalidRequestFormat',
      'properties.additionalProperties.Network.DNS.EnableProxy',
    ],
    [
      'DNS server',
      firewall({ additionalProperties: { 'Network.DNS.Servers': 'dns.example.org' } }),
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      'properties.additionalProperties.Network.DNS.Servers',
    ],
    [
      'threat mode',
      firewall({ threatIntelMode: 'Block' }),
      'InvalidRequestFormat',
      'properties.threatIntelMode',
    ],
    ['firewall name', firewall({}, { name: 'f'.repeat(51) }), 'InvalidResourceName', 'name'],
    [
      'no public IP',
      firewall({
        ipConfigurations: [
          { name: 'a', properties: { subnet: { id: `${SCOPE}/virtualNetworks/v/subnets/s` } } },
        ],
      }),
      'InvalidRequestFormat',
      'properties.ipConfigurations[0].properties.publicIPAddress',
    ],
    [
      'first without subnet',
      firewall({ ipConfigurations: [{ name: 'a', properties: { publicIPAddress: { id: PIP } } }] }),
      'InvalidRequestFormat',
      'properties.ipConfigurations[0].properties.subnet',
    ],
    [
      'FQDN rule without DNS proxy',
      firewall({
        additionalProperties: {},
        networkRuleCollections: [collection([networkRule({ destinationFqdns: ['a.example.org'] })])],
      }),
      'AzureFirewallDNSProxyMustBeEnabled',
      `${NETWORK_RULE}.destinationFqdns`,
    ],
  ];
  for (const [title, document, code, target] of table) {
    it(`${title}: ${code}`, () => {
      const faults = faultsOf(document);
      assert.deepEqual(
        faults.map(fault => [fault.code, fault.target]),
        [[code, target]],
        JSON.stringify(faults),
      );
    });
  }

  it('a collection has a name, a priority from 100 to 65000 and an action', () => {
    const named = (name: string, priority: unknown, type = 'Allow') => ({
      name,
      properties: { priority, action: { type }, rules: [] },
    });
    for (const name of ['a', 'a_', 'A.b-c_9', '9', 'x'.repeat(80)])
      accepted(firewall({ networkRuleCollections: [named(name, 100)] }));
    for (const name of ['', '_a', 'a-', 'a.', 'a b', 'x'.repeat(81)])
      assert.equal(
        faultsOf(firewall({ networkRuleCollections: [named(name, 100)] }))[0]?.code,
        'InvalidResourceName',
        name,
      );
    for (const priority of [100, 65000])
      accepted(firewall({ natRuleCollections: [named('c', priority, 'Dnat')] }));
    for (const priority of [99, 65001, undefined])
      assert.equal(
        faultsOf(firewall({ networkRuleCollections: [named('c', priority)] }))[0]?.code,
        'AzureFirewallRuleCollectionInvalidPriority',
      );
    assert.equal(
      faultsOf(firewall({ networkRuleCollections: [named('c', '100')] }))[0]?.code,
      'InvalidRequestFormat',
    );
    assert.equal(
      faultsOf(firewall({ natRuleCollections: [named('c', 100, 'Snat')] }))[0]?.code,
      'InvalidRequestFormat',
    );
    assert.equal(
      faultsOf(firewall({ networkRuleCollections: [{ name: 'c' }] }))[0]?.code,
      'InvalidRequestFormat',
    );
  });

  it('priorities and names are unique within a kind, and free between kinds', () => {
    const of = (...names: [string, number][]) =>
      names.map(([name, priority]) => ({
        name,
        properties: { priority, action: { type: 'Allow' }, rules: [] },
      }));
    accepted(
      firewall({
        networkRuleCollections: of(['a', 100], ['b', 101]),
        applicationRuleCollections: of(['a', 100]),
      }),
    );
    assert.deepEqual(
      faultsOf(firewall({ networkRuleCollections: of(['a', 100], ['b', 100]) })).map(fault => fault.code),
      ['AzureFirewallRuleCollectionDuplicatePriority'],
    );
    assert.deepEqual(
      faultsOf(firewall({ networkRuleCollections: of(['a', 100], ['A', 101]) })).map(fault => fault.code),
      ['DuplicateResourceName'],
    );
  });

  it('a rule name stands once in a collection', () => {
    const [fault] = faultsOf(
      firewall({ networkRuleCollections: [collection([networkRule(), networkRule({ name: 'R' })])] }),
    );
    assert.deepEqual(
      [fault?.code, fault?.target],
      ['DuplicateResourceName', 'properties.networkRuleCollections[0].properties.rules[1].name'],
    );
  });

  it('all faults come at once', () => {
    const faults = faultsOf(
      firewall({
        networkRuleCollections: [
          collection([networkRule({ protocols: ['X'], sourceAddresses: ['y'], destinationPorts: ['z'] })], {
            name: '-',
          }),
        ],
        natRuleCollections: [collection([natRule({ destinationAddresses: ['9.9.9.9'] })], {}, 'Dnat')],
        firewallPolicy: { id: 'p' },
      }),
    );
    assert.equal(faults.length, 6);
  });

  it('public IPs and NAT destinations together are at most 250', () => {
    const rules = (count: number) => [
      natRule({ destinationPorts: Array.from({ length: count }, (_, index) => `${index + 1}`) }),
    ];
    accepted(firewall({ natRuleCollections: [collection(rules(249), {}, 'Dnat')] }));
    assert.equal(
      faultsOf(firewall({ natRuleCollections: [collection(rules(250), {}, 'Dnat')] }))[0]?.code,
      'AzureFirewallLimitExceeded',
    );
  });
});
