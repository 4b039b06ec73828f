// Settings of a firewall policy: what is read, what is refused by name, and what the service fills in.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { formatIpv4, formatRange } from '#net/ipv4.ts';
import type { Json } from './firewall-fixture.ts';
import { SCOPE } from './firewall-fixture.ts';
import { acceptedPolicy, POLICY, policy, policyFaults } from './policy-fixture.ts';

describe('a firewall policy', () => {
  it('says nothing: tier Standard, threat intelligence alerts, no proxy, no ranges of its own', () => {
    assert.deepEqual(acceptedPolicy(policy()), {
      id: POLICY,
      name: 'policy',
      tier: 'Standard',
      threatIntelMode: 'Alert',
      threatIntelAllowed: { addresses: [], fqdns: [] },
      dns: { enableProxy: false, servers: [], requireProxyForNetworkRules: true },
    });
  });

  it('says everything', () => {
    const found = acceptedPolicy(
      policy({
        sku: { tier: 'premium' },
        basePolicy: { id: `${SCOPE}/firewallPolicies/base` },
        threatIntelMode: 'deny',
        threatIntelWhitelist: {
          ipAddresses: ['20.3.0.0/24', '20.3.1.0-20.3.1.255', '20.9.9.9'],
          fqdns: ['*.example.org'],
        },
        dnsSettings: {
          servers: ['10.0.0.4', '168.63.129.16', '10.0.0.4'],
          enableProxy: true,
          requireProxyForNetworkRules: null,
        },
        snat: { privateRanges: ['IANAPrivateRanges', '30.0.0.0/8'], autoLearnPrivateRanges: 'Disabled' },
        sql: { allowSqlRedirect: false },
      }),
    );
    assert.equal(found.tier, 'Premium');
    assert.equal(found.basePolicyId, `${SCOPE}/firewallPolicies/base`);
    assert.equal(found.threatIntelMode, 'Deny');
    assert.deepEqual(found.threatIntelAllowed.addresses.map(formatRange), ['20.3.0.0/23', '20.9.9.9']);
    assert.deepEqual(found.threatIntelAllowed.fqdns.map(formatFqdnPattern), ['*.example.org']);
    assert.deepEqual(found.dns.servers.map(formatIpv4), ['10.0.0.4', '168.63.129.16']);
    assert.deepEqual([found.dns.enableProxy, found.dns.requireProxyForNetworkRules], [true, true]);
    assert.equal(found.privateRanges?.map(formatRange)[1], '30.0.0.0/8');
  });

  it('accepts what the service fills in and what is off', () => {
    acceptedPolicy({
      ...policy({
        size: '0.5MB',
        ruleCollectionGroups: [{ id: `${POLICY}/ruleCollectionGroups/g` }],
        firewalls: [],
        childPolicies: [{ id: `${SCOPE}/firewallPolicies/other` }],
        provisioningState: 'Succeeded',
        resourceGuid: 'e53a2253-db6c-4652-bf67-ea13cfc85e4a',
        insights: { isEnabled: false, retentionDays: 30 },
        explicitProxy: { enableExplicitProxy: false, httpPort: 8080 },
        intrusionDetection: { mode: 'Off', configuration: { signatureOverrides: [] } },
        transportSecurity: null,
      }),
      etag: 'W/"1"',
      identity: { type: 'None' },
    });
  });

  const ranges = (privateRanges: readonly string[]) =>
    acceptedPolicy(policy({ snat: { privateRanges } })).privateRanges?.map(formatRange);
  // https://learn.microsoft.com/azure/firewall/snat-private-range
  it('replaces the private ranges, and knows never and always', () => {
    assert.equal(ranges([]), undefined);
    assert.deepEqual(ranges(['30.0.0.0/8']), ['30.0.0.0/8']);
    assert.deepEqual(ranges(['ianaprivateranges']), [
      '10.0.0.0/8',
      '100.64.0.0/10',
      '172.16.0.0/12',
      '192.168.0.0/16',
    ]);
    assert.deepEqual(ranges(['0.0.0.0/0']), ['0.0.0.0/0']);
    assert.deepEqual(ranges(['255.255.255.255/32']), ['255.255.255.255']);
  });
});

describe('faults of a firewall policy', () => {
  const fifteen = Array.from({ length: 15 }, (_, index) => `10.0.0.${index + 1}`);
  const table: readonly (readonly [string, Json, string, string])[] = [
    ['analytics', { insights: { isEnabled: true } }, 'UnsupportedProperty', 'insights'],
    [
      'explicit proxy',
      { explicitProxy: { enableExplicitProxy: true } },
      'UnsupportedProperty',
      'explicitProxy',
    ],
    [
      'intrusion detection',
      { intrusionDetection: { mode: 'Alert' } },
      'UnsupportedProperty',
      'intrusionDetection',
    ],
    [
      'TLS inspection',
      { transportSecurity: { certificateAuthority: { name: 'ca' } } },
      'UnsupportedProperty',
      'transportSecurity',
    ],
    ['SQL redirection', { sql: { allowSqlRedirect: true } }, 'UnsupportedProperty', 'sql.allowSqlRedirect'],
    [
      'learned ranges',
      { snat: { autoLearnPrivateRanges: 'Enabled' } },
      'UnsupportedProperty',
      'snat.autoLearnPrivateRanges',
    ],
    ['unknown property', { rules: [1] }, 'InvalidRequestFormat', 'rules'],
    ['unknown DNS member', { dnsSettings: { proxy: true } }, 'InvalidRequestFormat', 'dnsSettings.proxy'],
    [
      'proxy as a word',
      { dnsSettings: { enableProxy: 'true' } },
      'InvalidRequestFormat',
      'dnsSettings.enableProxy',
    ],
    [
      'DNS server that is a name',
      { dnsSettings: { servers: ['dns.example.org'] } },
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      'dnsSettings.servers[0]',
    ],
    [
      'DNS server that nobody can have',
      { dnsSettings: { servers: ['127.0.0.1'] } },
      'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
      'dnsSettings.servers',
    ],
    [
      'sixteen DNS servers',
      { dnsSettings: { servers: [...fifteen, '10.0.0.16'] } },
      'AzureFirewallLimitExceeded',
      'dnsSettings.servers',
    ],
    [
      'private range that is a name',
      { snat: { privateRanges: ['Internet'] } },
      'FirewallPolicyInvalidPrivateRange',
      'snat.privateRanges[0]',
    ],
    ['mode', { threatIntelMode: 'Block' }, 'InvalidRequestFormat', 'threatIntelMode'],
    ['tier', { sku: { tier: 'Ultra' } }, 'InvalidRequestFormat', 'sku.tier'],
    ['parent that is no policy', { basePolicy: { id: SCOPE } }, 'InvalidRequestFormat', 'basePolicy.id'],
    [
      'itself as parent',
      { basePolicy: { id: POLICY.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions') } },
      'FirewallPolicyInvalidBasePolicy',
      'basePolicy.id',
    ],
    [
      'Basic with a DNS proxy',
      { sku: { tier: 'Basic' }, dnsSettings: { enableProxy: true } },
      'AzureFirewallInvalidRequest',
      'dnsSettings',
    ],
    [
      'Basic that denies by threat intelligence',
      { sku: { tier: 'Basic' }, threatIntelMode: 'Deny' },
      'AzureFirewallInvalidRequest',
      'threatIntelMode',
    ],
  ];
  for (const [title, properties, code, target] of table) {
    it(`${title}: ${code}`, () => {
      assert.deepEqual(
        policyFaults(policy(properties)).map(fault => [fault.code, fault.target]),
        [[code, `properties.${target}`]],
      );
    });
  }

  it('stay apart from what is just right: fifteen DNS servers, and any number without the limits', () => {
    acceptedPolicy(policy({ dnsSettings: { servers: fifteen } }));
    acceptedPolicy(policy({ dnsSettings: { servers: [...fifteen, '10.0.0.16'] } }), false);
  });

  it('are reported together, each with its reason', () => {
    const faults = policyFaults(
      policy(
        { intrusionDetection: { mode: 'Deny' }, insights: { isEnabled: true } },
        { identity: { type: 'UserAssigned' } },
      ),
    );
    assert.deepEqual(
      faults.map(fault => fault.target),
      ['identity', 'properties.intrusionDetection', 'properties.insights'],
    );
    for (const fault of faults) assert.match(fault.message, /is not supported: .{10}/);
  });
});
