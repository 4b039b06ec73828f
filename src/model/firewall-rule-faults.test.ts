// How each fault of a rule is reported: code, JSON path, and a message that names the rule, the field and the value.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  APPLICATION_RULE,
  application,
  faultsOf,
  GROUP,
  type Json,
  NAT_RULE,
  NETWORK_RULE,
  nat,
  network,
} from './firewall-fixture.ts';

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
      'InvalidRequestFormat',
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
      'rule name of 257 characters',
      network({ name: 'r'.repeat(257) }),
      'InvalidResourceName',
      `${NETWORK_RULE}.name`,
    ],
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
      'UnsupportedProperty',
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
