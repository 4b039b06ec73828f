// Rule collection groups: the shapes of collections and rules, one rule type in a collection, names, priorities and limits.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseIpv4 } from '#net/ipv4.ts';
import { GROUP, type Json } from './firewall-fixture.ts';
import {
  acceptedGroup,
  applicationRule,
  filters,
  group,
  groupFaults,
  natRule,
  nats,
  networkRule,
} from './policy-fixture.ts';

const COLLECTION = 'properties.ruleCollections[0]';
const RULE = `${COLLECTION}.rules[0]`;
const faultsIn = (document: unknown) => groupFaults(document).map(fault => [fault.code, fault.target]);

describe('a rule collection group', () => {
  it('holds collections of all three types, each of one', () => {
    const found = acceptedGroup(
      group([
        nats([natRule()]),
        filters([networkRule(), networkRule({ name: 's' })], { name: 'net', action: { type: 'Deny' } }),
        filters([applicationRule()], { name: 'app' }),
        filters([], { name: 'emptied' }),
      ]),
    );
    const names = (list: readonly { readonly name: string; readonly action: string }[]) =>
      list.map(({ name, action }) => `${action} ${name}`);
    assert.deepEqual(names(found.natCollections), ['DNAT n']);
    assert.deepEqual(names(found.networkCollections), ['Deny net', 'Allow emptied']);
    assert.deepEqual(names(found.applicationCollections), ['Allow app']);
    assert.deepEqual([found.name, found.priority], ['group', 100]);
  });

  it('reads types in any case, as ARM does', () => {
    const rule = networkRule({ ruleType: 'networkrule', ipProtocols: ['tcp', 'any'] });
    const loud = filters([rule], {
      ruleCollectionType: 'firewallpolicyfilterrulecollection',
      action: { type: 'allow' },
    });
    assert.deepEqual(acceptedGroup(group([loud])).networkCollections[0]?.rules[0]?.protocols, ['TCP', 'Any']);
  });

  it('accepts what the service fills in and what templates carry', () => {
    acceptedGroup(
      group([], { size: '0.1MB', provisioningState: 'Succeeded' }, { etag: '"1"', location: 'eastus' }),
    );
  });

  const application = (rest: Json) =>
    acceptedGroup(group([filters([applicationRule(rest)])])).applicationCollections[0]?.rules[0];
  it('has application rules for Mssql, with its port or another', () => {
    const protocols = (...list: Json[]) => application({ protocols: list })?.protocols;
    assert.deepEqual(
      protocols({ protocolType: 'mssql', port: 1433 }, { protocolType: 'Mssql', port: 11433 }),
      [
        { protocol: 'Mssql', port: 1433 },
        { protocol: 'Mssql', port: 11433 },
      ],
    );
    assert.deepEqual(protocols({ protocolType: 'Mssql' }), [{ protocol: 'Mssql', port: 1433 }]);
  });

  it('has application rules that look at the destination too; without one, any will do', () => {
    assert.deepEqual(application({ destinationAddresses: ['Storage', '20.0.0.0/8'] })?.destinations, {
      ranges: [{ first: 20 * 2 ** 24, last: 21 * 2 ** 24 - 1 }],
      serviceTags: ['Storage'],
      ipGroups: [],
    });
    assert.equal(application({ destinationAddresses: [] })?.destinations, undefined);
    assert.equal(application({ terminateTLS: false })?.destinations, undefined);
  });

  it('takes collections of one priority: Azure does, and says nothing about their order', () => {
    acceptedGroup(group([filters([networkRule()]), filters([networkRule()], { name: 'd' })]));
  });

  it('has NAT rules at any address while no firewall is known, and then at its addresses only', () => {
    const at = (address: string) => group([nats([natRule({ destinationAddresses: [address] })])]);
    const firewallAddresses = ['20.1.1.1', '10.42.2.4'].map(text => parseIpv4(text) ?? 0);
    acceptedGroup(at('20.9.9.9'));
    acceptedGroup(at('20.1.1.1'), { firewallAddresses });
    acceptedGroup(at('10.42.2.4'), { firewallAddresses });
    const [fault] = groupFaults(at('20.9.9.9'), { firewallAddresses });
    assert.equal(fault?.code, 'AzureFirewallRuleInvalidDnatDestinationAddress');
    assert.match(
      fault?.message ?? '',
      /NAT rule 'n\/r': '20\.9\.9\.9' .* is no public IP address of a firewall/,
    );
  });
});

describe('faults of a rule collection group', () => {
  const table: readonly (readonly [string, unknown, string, string])[] = [
    ['no object', 7, 'InvalidRequestFormat', ''],
    [
      'no priority',
      group([], { priority: undefined }),
      'AzureFirewallRuleCollectionInvalidPriority',
      'properties.priority',
    ],
    ['unknown property', group([], { rules: [1] }), 'InvalidRequestFormat', 'properties.rules'],
    [
      'collection without type',
      group([filters([], { ruleCollectionType: undefined })]),
      'InvalidRequestFormat',
      `${COLLECTION}.ruleCollectionType`,
    ],
    [
      'collection of an unknown type',
      group([filters([], { ruleCollectionType: 'Filter' })]),
      'InvalidRequestFormat',
      `${COLLECTION}.ruleCollectionType`,
    ],
    [
      'properties around a collection, as firewalls have them',
      group([{ ...filters([]), properties: { priority: 100 } }]),
      'InvalidRequestFormat',
      `${COLLECTION}.properties`,
    ],
    [
      'a NAT collection that allows',
      group([nats([natRule()], { action: { type: 'Allow' } })]),
      'InvalidRequestFormat',
      `${COLLECTION}.action.type`,
    ],
    [
      'a filter collection that translates',
      group([filters([networkRule()], { action: { type: 'DNAT' } })]),
      'InvalidRequestFormat',
      `${COLLECTION}.action.type`,
    ],
    ['no action', group([filters([], { action: null })]), 'InvalidRequestFormat', `${COLLECTION}.action`],
    [
      'rule without type',
      group([filters([networkRule({ ruleType: undefined })])]),
      'InvalidRequestFormat',
      `${RULE}.ruleType`,
    ],
    [
      'rule of an unknown type',
      group([filters([networkRule({ ruleType: 'Network' })])]),
      'InvalidRequestFormat',
      `${RULE}.ruleType`,
    ],
    [
      'network rule in a NAT collection',
      group([nats([networkRule()])]),
      'FirewallPolicyRuleCollectionInvalidRuleType',
      `${RULE}.ruleType`,
    ],
    [
      'NAT rule in a filter collection',
      group([filters([natRule()])]),
      'FirewallPolicyRuleCollectionInvalidRuleType',
      `${RULE}.ruleType`,
    ],
    [
      'application rule after a network rule',
      group([filters([networkRule(), applicationRule({ name: 's' })])]),
      'FirewallPolicyRuleCollectionInvalidRuleType',
      `${COLLECTION}.rules[1].ruleType`,
    ],
    [
      'two collections of one name, of different types',
      group([nats([]), filters([], { name: 'N' })]),
      'DuplicateResourceName',
      'properties.ruleCollections[1].name',
    ],
    [
      'two rules of one name',
      group([filters([networkRule(), networkRule({ name: 'R' })])]),
      'DuplicateResourceName',
      `${COLLECTION}.rules[1].name`,
    ],
    [
      'protocols as firewalls call them',
      group([filters([networkRule({ protocols: ['TCP'] })])]),
      'InvalidRequestFormat',
      `${RULE}.protocols`,
    ],
    [
      'URL',
      group([filters([applicationRule({ targetUrls: ['www.example.org/a'] })])]),
      'UnsupportedProperty',
      `${RULE}.targetUrls`,
    ],
    [
      'web category',
      group([filters([applicationRule({ webCategories: ['News'] })])]),
      'UnsupportedProperty',
      `${RULE}.webCategories`,
    ],
    [
      'TLS inspection',
      group([filters([applicationRule({ terminateTLS: true })])]),
      'UnsupportedProperty',
      `${RULE}.terminateTLS`,
    ],
    [
      'inserted header',
      group([filters([applicationRule({ httpHeadersToInsert: [{ headerName: 'X', headerValue: 'y' }] })])]),
      'UnsupportedProperty',
      `${RULE}.httpHeadersToInsert`,
    ],
    [
      'IP group that is not there',
      group([filters([networkRule({ sourceAddresses: [], sourceIpGroups: [`${GROUP}s`] })])]),
      'InvalidResourceReference',
      `${RULE}.sourceIpGroups[0]`,
    ],
    [
      'translation to an address and a name',
      group([nats([natRule({ translatedFqdn: 'web.example.org' })])]),
      'AzureFirewallRuleInvalidDnatTranslation',
      `${RULE}.translatedAddress`,
    ],
  ];
  for (const [title, document, code, target] of table) {
    it(`${title}: ${code}`, () => assert.deepEqual(faultsIn(document), [[code, target]]));
  }
});

describe('limits of a rule collection group', () => {
  const withPriority = (priority: number) => group([filters([networkRule()], { priority })], { priority });
  // Swagger: 100 to 65000, inclusive, for groups and for collections.
  it('priorities run from 100 to 65000', () => {
    for (const priority of [100, 65000]) acceptedGroup(withPriority(priority));
    for (const priority of [99, 65001])
      assert.deepEqual(
        groupFaults(withPriority(priority)).map(fault => fault.target),
        [`${COLLECTION}.priority`, 'properties.priority'],
      );
    for (const priority of [1, 99, 65001]) acceptedGroup(withPriority(priority), { azureLimits: false });
    assert.equal(groupFaults(withPriority(-1), { azureLimits: false }).length, 2);
    assert.equal(groupFaults(withPriority(100.5), { azureLimits: false }).length, 2);
  });

  const rulesAt = (application: number, nat: number) =>
    group([
      filters([applicationRule({ protocols: [{ protocolType: 'Https', port: application }] })]),
      nats([natRule({ destinationPorts: [`${nat}`], translatedPort: `${nat}` })]),
    ]);
  it('ports end at 64000 in application rules and at 63999 in NAT rules', () => {
    acceptedGroup(rulesAt(64000, 63999));
    assert.equal(groupFaults(rulesAt(64001, 64000)).length, 3);
    acceptedGroup(rulesAt(65535, 65535), { azureLimits: false });
    assert.equal(groupFaults(rulesAt(65536, 65536), { azureLimits: false }).length, 3);
  });

  it('a group has at most 2 MB', () => {
    const ofBytes = (bytes: number) => {
      const empty = JSON.stringify(group([filters([networkRule({ description: '' })])]).properties).length;
      return group([filters([networkRule({ description: 'x'.repeat(bytes - empty) })])]);
    };
    acceptedGroup(ofBytes(2 * 1024 * 1024));
    const large = ofBytes(2 * 1024 * 1024 + 1);
    assert.deepEqual(faultsIn(large), [['AzureFirewallLimitExceeded', 'properties']]);
    acceptedGroup(large, { azureLimits: false });
  });
});
