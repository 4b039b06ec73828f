// What is easy to get wrong, from ARM documents to the decision: a firewall, its policy and that one's parent, IP groups and
// options are resolved as they are when they run, and a flow is judged.

import {
  attached,
  CHILD,
  group,
  inherits,
  ipGroup,
  PARENT,
  policy,
  resolved,
} from '#compiler/policy-world.ts';
import { applicationRule, filters, natRule, nats, networkRule } from '#model/policy-fixture.ts';
import { called, type Fact, prove } from './facts-fixture.ts';
import { claim, flow } from './fixture.ts';

const child = policy(CHILD, inherits);
const parent = policy(PARENT);
const deny = { action: { type: 'Deny' } };
const named = (name: string, rest: Record<string, unknown> = {}) => ({ name, ...rest });
const https = (name?: string, to = '1.2.3.4:443') => flow(`tcp 10.42.1.5 > ${to}`, claim('Https', name));
const outside = { from: 'outside' } as const;
const GROUPS = CHILD.replace(/firewallPolicies.*/, 'ipGroups');

const order: readonly Fact[] = [
  {
    page: 'rule-processing',
    says: 'type beats priority: an application deny of priority 100 does not stop a network allow of 65000',
    rules: resolved([
      attached,
      policy(CHILD),
      group(CHILD, 'first', 100, [
        filters([applicationRule(named('no', { targetFqdns: ['*'] }))], { ...deny, name: 'app' }),
      ]),
      group(CHILD, 'last', 65000, [filters([networkRule(named('yes'))], { name: 'net', priority: 65000 })]),
    ]),
    cases: [
      [https('a.example.org'), 'Allow forward snat yes (RuleMatched)'],
      [https('a.example.org', '1.2.3.5:443'), 'Deny no (RuleMatched)'],
    ],
  },
  {
    page: 'rule-processing',
    says: 'a parent comes first only within a type: its application rules follow the network rules of the child',
    rules: resolved([
      attached,
      child,
      parent,
      group(PARENT, 'P', 100, [
        filters([applicationRule(named('parent-app', { targetFqdns: ['*'] }))], { ...deny, name: 'app' }),
        filters([networkRule(named('parent-net', { destinationPorts: ['22'] }))], {
          ...deny,
          name: 'net',
          priority: 200,
        }),
      ]),
      group(CHILD, 'C', 100, [
        filters([networkRule(named('child-net', { destinationPorts: ['22', '443'] }))], { name: 'net' }),
      ]),
    ]),
    cases: [
      [https('a.example.org'), 'Allow forward snat child-net (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Deny parent-net (RuleMatched)'],
      [https('a.example.org', '1.2.3.5:443'), 'Deny parent-app (RuleMatched)'],
    ],
  },
  {
    page: 'firewall-manager/policy-overview',
    says: 'a child is never less strict about threats than its parent, and allow lists add up',
    rules: resolved([
      attached,
      policy(CHILD, {
        ...inherits,
        threatIntelMode: 'Off',
        threatIntelWhitelist: { ipAddresses: ['6.6.6.1'] },
      }),
      policy(PARENT, { threatIntelMode: 'Deny', threatIntelWhitelist: { ipAddresses: ['6.6.6.2'] } }),
      group(CHILD, 'C', 100, [filters([networkRule(named('net', { destinationAddresses: ['*'] }))])]),
    ]),
    context: {
      ...called({}),
      threats: { ofAddress: () => 'botnet', ofName: () => undefined },
    },
    cases: [
      [flow('tcp 10.42.1.5 > 6.6.6.6:443'), 'Deny - (ThreatIntel)'],
      [flow('tcp 10.42.1.5 > 6.6.6.1:443'), 'Allow forward snat net (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 6.6.6.2:443'), 'Allow forward snat net (RuleMatched)'],
    ],
  },
];

const names: readonly Fact[] = [
  {
    page: 'fqdn-filtering-network-rules',
    says: 'one network rule on 443 switches the filtering of names off for its destinations',
    rules: resolved([
      attached,
      policy(CHILD, { dnsSettings: { enableProxy: true } }),
      group(CHILD, 'g', 100, [
        filters(
          [networkRule(named('registry', { destinationAddresses: [], destinationFqdns: ['ghcr.io'] }))],
          { name: 'net' },
        ),
        filters([applicationRule(named('no', { targetFqdns: ['*.evil.example'] }))], {
          ...deny,
          name: 'app',
          priority: 200,
        }),
      ]),
    ]),
    context: called({ '192.0.2.1': ['ghcr.io', 'c2.evil.example'] }),
    cases: [
      [https('c2.evil.example', '192.0.2.1:443'), 'Allow forward snat registry (RuleMatched)'],
      [https(undefined, '192.0.2.1:443'), 'Allow forward snat registry (RuleMatched)'],
      [https('c2.evil.example', '192.0.2.2:443'), 'Deny no (RuleMatched)'],
    ],
  },
  {
    page: 'firewall-faq',
    says: '*.contoso.com leaves contoso.com out, *contoso.com takes evilcontoso.com in',
    rules: resolved([
      attached,
      policy(CHILD),
      group(CHILD, 'g', 100, [
        filters([
          applicationRule(named('dotted', { targetFqdns: ['*.contoso.com'] })),
          applicationRule(named('bare', { targetFqdns: ['*fabrikam.com'] })),
        ]),
      ]),
    ]),
    cases: [
      [https('www.contoso.com'), 'Allow proxy dotted (RuleMatched)'],
      [https('contoso.com'), 'Deny - (DefaultAction)'],
      [https('fabrikam.com'), 'Allow proxy bare (RuleMatched)'],
      [https('evilfabrikam.com'), 'Allow proxy bare (RuleMatched)'],
    ],
  },
  {
    page: 'fqdn-tags',
    says: 'an FQDN tag covers its own names, not what else a cluster needs',
    rules: resolved([
      attached,
      policy(CHILD),
      group(CHILD, 'g', 100, [
        filters([
          applicationRule(
            named('tag', {
              targetFqdns: [],
              fqdnTags: ['AzureKubernetesService'],
              protocols: [
                { protocolType: 'Http', port: 80 },
                { protocolType: 'Https', port: 443 },
              ],
            }),
          ),
        ]),
      ]),
    ]),
    cases: [
      [https('mcr.microsoft.com'), 'Allow proxy tag (RuleMatched)'],
      [https('eastus.data.mcr.microsoft.com'), 'Allow proxy tag (RuleMatched)'],
      [https('registry-1.docker.io'), 'Deny - (DefaultAction)'],
      [https(undefined, '10.50.0.1:443'), 'Deny - (SniMissing)'],
      [flow('udp 10.42.1.5 > 20.42.0.1:1194'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.5 > 20.42.0.1:9000'), 'Deny - (DefaultAction)'],
      [flow('udp 10.42.1.5 > 185.125.190.58:123'), 'Deny - (DefaultAction)'],
    ],
  },
];

const fields: readonly Fact[] = [
  {
    page: 'rule-processing',
    says: 'Any is every protocol without ports, TCP and UDP with one',
    rules: resolved([
      attached,
      policy(CHILD),
      group(CHILD, 'g', 100, [
        filters([
          networkRule(
            named('port', {
              ipProtocols: ['Any'],
              destinationAddresses: ['10.50.0.0/16'],
              destinationPorts: ['53'],
            }),
          ),
          networkRule(
            named('all', {
              ipProtocols: ['Any'],
              destinationAddresses: ['10.60.0.0/16'],
              destinationPorts: ['*'],
            }),
          ),
          networkRule(
            named('net', {
              ipProtocols: ['Any'],
              destinationAddresses: ['1.1.1.1'],
              destinationPorts: ['*'],
            }),
          ),
        ]),
      ]),
    ]),
    cases: [
      [flow('udp 10.42.1.5 > 10.50.0.1:53'), 'Allow forward plain port (RuleMatched)'],
      [flow('icmp 10.42.1.5 > 10.50.0.1'), 'Deny - (DefaultAction)'],
      [flow('icmp 10.42.1.5 > 10.60.0.1'), 'Allow forward plain all (RuleMatched)'],
      [flow('47 10.42.1.5 > 10.60.0.1'), 'Allow forward plain all (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.1.1.1:853'), 'Allow forward snat net (RuleMatched)'],
      [flow('icmp 10.42.1.5 > 1.1.1.1'), 'Deny net (ProtocolNotTranslated)'],
    ],
  },
  {
    page: 'create-ip-group',
    says: 'an emptied IP group skips its rule; addresses beside it stay',
    rules: resolved([
      attached,
      policy(CHILD),
      ipGroup(`${GROUPS}/emptied`),
      ipGroup(`${GROUPS}/servers`, '1.2.3.4', '1.2.3.8-1.2.3.9'),
      group(CHILD, 'g', 100, [
        filters(
          [
            networkRule(
              named('to-nobody', { destinationAddresses: [], destinationIpGroups: [`${GROUPS}/emptied`] }),
            ),
            networkRule(named('from-nobody', { sourceAddresses: [], sourceIpGroups: [`${GROUPS}/emptied`] })),
          ],
          { ...deny, name: 'deny' },
        ),
        filters(
          [
            networkRule(
              named('servers', {
                destinationAddresses: ['1.2.3.6'],
                destinationIpGroups: [`${GROUPS}/emptied`, `${GROUPS}/servers`],
              }),
            ),
          ],
          { name: 'allow', priority: 200 },
        ),
      ]),
    ]),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:443'), 'Allow forward snat servers (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.6:443'), 'Allow forward snat servers (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.9:443'), 'Allow forward snat servers (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.7:22'), 'Deny - (DefaultAction)'],
    ],
  },
  {
    page: 'destination-nat-rules',
    says: 'a DNAT rule from * takes in the virtual networks, and needs no network rule',
    rules: resolved([
      attached,
      policy(CHILD),
      group(CHILD, 'g', 100, [
        nats([natRule(named('web'))]),
        filters([networkRule(named('no', { destinationAddresses: ['*'], destinationPorts: ['*'] }))], {
          ...deny,
          name: 'net',
          priority: 200,
        }),
      ]),
    ]),
    cases: [
      [flow('tcp 198.51.100.7 > 20.1.1.1:80', outside), 'Allow nat web (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 20.1.1.1:80'), 'Allow nat web (RuleMatched)'],
      [flow('tcp 198.51.100.7 > 20.1.1.1:8080', outside), 'Deny - (NoNatRule)'],
    ],
  },
  {
    page: 'snat-private-range',
    says: 'private ranges of its own replace the default ones, unless IANAPrivateRanges is among them',
    rules: resolved([
      attached,
      policy(CHILD, { snat: { privateRanges: ['203.0.113.0/24'] } }),
      group(CHILD, 'g', 100, [filters([networkRule(named('net', { destinationAddresses: ['*'] }))])]),
    ]),
    cases: [
      [flow('tcp 10.42.1.5 > 203.0.113.1:443'), 'Allow forward plain net (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 10.50.0.1:443'), 'Allow forward private net (RuleMatched)'],
    ],
  },
  {
    page: 'snat-private-range',
    says: 'with it they add to them',
    rules: resolved([
      attached,
      policy(CHILD, { snat: { privateRanges: ['203.0.113.0/24', 'IANAPrivateRanges'] } }),
      group(CHILD, 'g', 100, [filters([networkRule(named('net', { destinationAddresses: ['*'] }))])]),
    ]),
    cases: [
      [flow('tcp 10.42.1.5 > 203.0.113.1:443'), 'Allow forward plain net (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 10.50.0.1:443'), 'Allow forward plain net (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:443'), 'Allow forward snat net (RuleMatched)'],
    ],
  },
  {
    page: 'firewall-known-issues',
    says: 'DNS settings are not inherited: a child without its own runs no proxy',
    rules: resolved([attached, child, policy(PARENT, { dnsSettings: { enableProxy: true } })]),
    cases: [[flow('udp 10.42.1.5 > 10.42.2.4:53'), 'Deny - (ForbiddenAddress)']],
  },
];

prove('order, from documents', order);
prove('names, from documents', names);
prove('addresses and protocols, from documents', fields);
