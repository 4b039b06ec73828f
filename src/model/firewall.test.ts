// What a firewall document may hold, and what it becomes.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIpv4, formatRange } from '#net/ipv4.ts';
import {
  accepted,
  application,
  collection,
  firewall,
  GROUP,
  nat,
  networkRule,
  SCOPE,
} from './firewall-fixture.ts';

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

  it('may name Mssql with a port', () => {
    const parsed = accepted(application({ protocols: [{ protocolType: 'mssql', port: 1433 }] }));
    assert.deepEqual(parsed.applicationRuleCollections[0]?.rules[0]?.protocols, [
      { protocol: 'Mssql', port: 1433 },
    ]);
  });

  it('may name a policy, and leaves rules and settings to it', () => {
    const firewallPolicy = { id: `${SCOPE}/firewallPolicies/p` };
    assert.equal(accepted(firewall({ firewallPolicy })).firewallPolicyId, firewallPolicy.id);
    assert.equal(accepted(firewall({ firewallPolicy: null })).firewallPolicyId, undefined);
    accepted(firewall({ firewallPolicy, networkRuleCollections: [], natRuleCollections: [] }));
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
