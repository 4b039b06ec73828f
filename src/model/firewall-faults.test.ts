// How faults of settings, collections and the document as a whole are reported; and that all of them are.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  accepted,
  collection,
  faultsOf,
  firewall,
  NETWORK_RULE,
  natRule,
  networkRule,
  PIP,
  SCOPE,
} from './firewall-fixture.ts';

describe('faults of the document', () => {
  const table: readonly (readonly [string, unknown, string, string])[] = [
    ['no object', 'text', 'InvalidRequestFormat', ''],
    ['SKU of a hub', firewall({ sku: { name: 'AZFW_Hub' } }), 'UnsupportedProperty', 'properties.sku.name'],
    [
      'rule collections beside a policy',
      firewall({
        firewallPolicy: { id: `${SCOPE}/firewallPolicies/p` },
        networkRuleCollections: [collection([networkRule()])],
      }),
      'AzureFirewallPolicyAndRuleCollectionsConflict',
      'properties.firewallPolicy',
    ],
    [
      'hub',
      firewall({ virtualHub: { id: `${SCOPE}/virtualHubs/h` } }),
      'UnsupportedProperty',
      'properties.virtualHub',
    ],
    [
      'management',
      firewall({ managementIpConfiguration: { name: 'm' } }),
      'UnsupportedProperty',
      'properties.managementIpConfiguration',
    ],
    ['misspelt property', firewall({ networkRules: [1] }), 'InvalidRequestFormat', 'properties.networkRules'],
    [
      'misspelt setting',
      firewall({ additionalProperties: { 'Network.DNS.EnableProxi': 'true' } }),
      'InvalidRequestFormat',
      'properties.additionalProperties.Network.DNS.EnableProxi',
    ],
    [
      'unsupported setting',
      firewall({ additionalProperties: { 'Network.FTP.AllowActiveFTP': 'true' } }),
      'UnsupportedProperty',
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
