// Every finding: one network that triggers it, and one beside it that does not.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { application, ip, ips, nat, network, ports } from '#ir/fixture.ts';
import type { NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import type { ExplainFacts } from './explain.ts';
import { explanationJson, explanationText } from './explain-text.ts';
import { balancer, explained, id, nic, publicIp, TO_FIREWALL, type Topology } from './fixture.ts';

const ALLOW: Partial<ResolvedPolicy> = { networkRules: [network('all', { protocols: ['Any'] })] };
const BEHIND: Topology = { apps: [TO_FIREWALL], data: [TO_FIREWALL], rules: ALLOW };
const WEB = 'web.example.org';
const at = (address: string): Partial<ExplainFacts> => ({
  answer: { addresses: [ip(address)], by: 'test' },
  resolved: new Map([[WEB, [ip(address)]]]),
});
const BY_NAME: Partial<ResolvedPolicy> = {
  networkRules: [network('named', { destinations: [], destinationFqdns: [WEB] })],
};
const DNAT: Partial<ResolvedPolicy> = { natRules: [nat('in', { translatedAddress: ip('10.42.3.10') })] };
const TWO_IPS = [
  { name: 'pip', address: ip('20.1.1.1') },
  { name: 'pip2', address: ip('20.1.1.2') },
];
const withPublic = { publicIPAddress: { id: id('publicIPAddresses', 'web-ip') } };
const BALANCED = [publicIp('web-ip', '20.9.9.9'), nic('web', '10.42.1.50'), balancer(withPublic)];
/** DNAT to the public load balancer. */
const TO_BALANCER: Partial<ResolvedPolicy> = {
  natRules: [nat('in', { translatedAddress: ip('20.9.9.9'), translatedPort: 80 })],
  publicIps: TWO_IPS,
};
const LISTED = {
  threats: {
    ofAddress: (a: number) => (a === ip('20.5.5.5') ? 'botnet' : undefined),
    ofName: () => undefined,
  },
};
const threatMode = (mode: 'Alert' | 'Deny') => ({
  ...ALLOW,
  threatIntel: { mode, allowedAddresses: [], allowedFqdns: [] },
});

interface Case {
  readonly flow: string;
  readonly in: Topology;
  readonly facts?: Partial<ExplainFacts> & { readonly sni?: string };
  /** Codes of the findings; `works` and `symmetric` as they are. */
  readonly findings: readonly string[];
  readonly works: boolean;
  readonly symmetric?: boolean;
}

const OK = { findings: [], works: true };
const CASES: Readonly<Record<string, Case>> = {
  'out by a network rule and back': { flow: 'tcp app > 20.5.5.5:443', in: BEHIND, ...OK },
  'asymmetric: in by a public load balancer, out by the firewall': {
    flow: 'tcp 198.51.100.7 > 20.9.9.9:80',
    in: { ...BEHIND, more: BALANCED },
    findings: ['asymmetric-inbound'],
    works: false,
    symmetric: false,
  },
  'in by a public load balancer, out by it': {
    flow: 'tcp 198.51.100.7 > 20.9.9.9:80',
    in: { apps: ['0.0.0.0/0 10.42.2.4', '198.51.100.7/32 Internet'], more: BALANCED },
    ...OK,
  },
  'no rule of the load balancer for the port': {
    flow: 'tcp 198.51.100.7 > 20.9.9.9:81',
    in: { ...BEHIND, more: BALANCED },
    findings: ['nothing-there'],
    works: false,
  },
  'a load balancer whose backends nobody describes': {
    flow: 'tcp 198.51.100.7 > 20.9.9.9:80',
    in: { ...BEHIND, more: [publicIp('web-ip', '20.9.9.9'), balancer(withPublic)] },
    findings: ['backend-unknown'],
    works: false,
  },
  'an internal load balancer as DNAT target': {
    flow: 'tcp 198.51.100.7 > 20.1.1.1:80',
    in: {
      ...BEHIND,
      rules: { natRules: [nat('in', { translatedAddress: ip('10.42.1.40'), translatedPort: 80 })] },
      more: [nic('web', '10.42.1.50'), balancer({ privateIPAddress: '10.42.1.40' })],
    },
    ...OK,
  },
  'asymmetric: in by the public IP of a NIC, out by the firewall': {
    flow: 'tcp 198.51.100.7 > 20.9.9.9:22',
    in: { ...BEHIND, more: [publicIp('web-ip', '20.9.9.9'), nic('web', '10.42.1.50', withPublic)] },
    findings: ['asymmetric-inbound'],
    works: false,
    symmetric: false,
  },
  'in by the public IP of a NIC without a route table': {
    flow: 'tcp 198.51.100.7 > 20.9.9.9:22',
    in: { more: [publicIp('web-ip', '20.9.9.9'), nic('web', '10.42.1.50', withPublic)] },
    ...OK,
  },
  'DNAT to a public load balancer without a /32': {
    flow: 'tcp 198.51.100.7 > 20.1.1.1:80',
    in: { ...BEHIND, rules: TO_BALANCER, more: BALANCED },
    findings: ['missing-firewall-ip-route'],
    works: false,
    symmetric: false,
  },
  'DNAT to a public load balancer with the /32 of one of two addresses': {
    flow: 'tcp 198.51.100.7 > 20.1.1.1:80',
    in: { apps: [TO_FIREWALL, '20.1.1.1/32 Internet'], rules: TO_BALANCER, more: BALANCED },
    findings: ['missing-firewall-ip-route'],
    works: false,
    symmetric: false,
  },
  'DNAT to a public load balancer with a /32 for each address': {
    flow: 'tcp 198.51.100.7 > 20.1.1.1:80',
    in: {
      apps: [TO_FIREWALL, '20.1.1.1/32 Internet', '20.1.1.2/32 Internet'],
      rules: TO_BALANCER,
      more: BALANCED,
    },
    ...OK,
  },
  'DNAT to an internal address': {
    flow: 'tcp 198.51.100.7 > 20.1.1.1:80',
    in: { ...BEHIND, rules: DNAT },
    ...OK,
  },
  'no NAT rule for the port': {
    flow: 'tcp 198.51.100.7 > 20.1.1.1:81',
    in: { ...BEHIND, rules: DNAT },
    findings: ['no-nat-rule'],
    works: false,
  },
  'one way through the firewall, TCP': {
    flow: 'tcp app > db:5432',
    in: { apps: ['10.42.3.0/24 10.42.2.4'], rules: ALLOW },
    findings: ['asymmetric-route'],
    works: false,
    symmetric: false,
  },
  'one way through the firewall, UDP': {
    flow: 'udp app > db:5432',
    in: { apps: ['10.42.3.0/24 10.42.2.4'], rules: ALLOW },
    findings: ['asymmetric-route'],
    works: true,
    symmetric: false,
  },
  'the reply alone through the firewall': {
    flow: 'tcp app > db:5432',
    in: { data: ['10.42.1.0/24 10.42.2.4'], rules: ALLOW },
    findings: ['asymmetric-route'],
    works: false,
    symmetric: false,
  },
  'the reply alone through the firewall, UDP that a rule allows': {
    flow: 'udp app > db:5432',
    in: { data: ['10.42.1.0/24 10.42.2.4'], rules: ALLOW },
    findings: ['asymmetric-route'],
    works: true,
    symmetric: false,
  },
  'the reply alone through the firewall, UDP that no rule allows': {
    flow: 'udp app > db:5432',
    in: { data: ['10.42.1.0/24 10.42.2.4'] },
    findings: ['asymmetric-route'],
    works: false,
    symmetric: false,
  },
  'both ways through the firewall': {
    flow: 'tcp app > db:5432',
    in: { apps: ['10.42.3.0/24 10.42.2.4'], data: ['10.42.1.0/24 10.42.2.4'], rules: ALLOW },
    ...OK,
  },
  'one way through the firewall, which connects anew for an application rule': {
    flow: `tcp app > ${WEB}:443`,
    in: {
      apps: ['10.42.3.0/24 10.42.2.4'],
      rules: { applicationRules: [application('a', [WEB])] },
      dnsServers: ['10.42.2.4'],
    },
    facts: at('10.42.3.10'),
    ...OK,
  },
  'within the VNet, past no firewall': { flow: 'tcp app > db:5432', in: BEHIND, ...OK },
  'a client with another DNS than the firewall, and a rule by name': {
    flow: `tcp app > ${WEB}:8443`,
    in: { ...BEHIND, rules: BY_NAME },
    facts: at('20.5.5.5'),
    findings: ['client-dns'],
    works: true,
  },
  "a client with the firewall's DNS, and a rule by name": {
    flow: `tcp app > ${WEB}:8443`,
    in: { ...BEHIND, rules: BY_NAME, dnsServers: ['10.42.2.4'] },
    facts: at('20.5.5.5'),
    ...OK,
  },
  'a client with another DNS, and no rule by name': {
    flow: `tcp app > ${WEB}:8443`,
    in: BEHIND,
    facts: at('20.5.5.5'),
    ...OK,
  },
  'rules by name with the DNS proxy off': {
    flow: 'tcp app > 20.5.5.5:8443',
    in: {
      ...BEHIND,
      rules: {
        ...ALLOW,
        networkRules: [...(BY_NAME.networkRules ?? []), ...(ALLOW.networkRules ?? [])],
        dns: { enableProxy: false, servers: [] },
      },
    },
    findings: ['dns-proxy-off'],
    works: true,
  },
  'no rules by name with the DNS proxy off': {
    flow: 'tcp app > 20.5.5.5:8443',
    in: { ...BEHIND, rules: { ...ALLOW, dns: { enableProxy: false, servers: [] } } },
    ...OK,
  },
  'a client that asks a DNS proxy that is off': {
    flow: `tcp app > ${WEB}:443`,
    in: {
      ...BEHIND,
      dnsServers: ['10.42.2.4'],
      rules: { ...ALLOW, dns: { enableProxy: false, servers: [] } },
    },
    facts: { answer: { addresses: [], by: 'nobody answers', fault: 'ETIMEOUT' } },
    findings: ['dns-proxy-off'],
    works: false,
  },
  'a DNS server that the firewall denies': {
    flow: `tcp app > ${WEB}:443`,
    in: { ...BEHIND, dnsServers: ['8.8.8.8'], rules: {} },
    facts: { answer: { addresses: [], by: '8.8.8.8', fault: 'ETIMEOUT' } },
    findings: ['dns-unreachable'],
    works: false,
  },
  'a name that is nobody': {
    flow: `tcp app > ${WEB}:443`,
    in: { ...BEHIND, dnsServers: ['10.42.2.4'] },
    facts: { answer: { addresses: [], by: '10.42.2.4', fault: 'ENOTFOUND' } },
    findings: ['name-unresolved'],
    works: false,
  },
  'an address that the running firewall does not know for the name': {
    flow: `tcp app > ${WEB}:8443`,
    in: { ...BEHIND, rules: BY_NAME, dnsServers: ['10.42.2.4'] },
    facts: { ...at('20.5.5.5'), namesInForce: () => () => new Set<string>() },
    findings: ['denied', 'name-unknown-to-firewall'],
    works: false,
  },
  'an address that the running firewall knows for the name': {
    flow: `tcp app > ${WEB}:8443`,
    in: { ...BEHIND, rules: BY_NAME, dnsServers: ['10.42.2.4'] },
    facts: { ...at('20.5.5.5'), namesInForce: () => () => new Set([WEB]) },
    ...OK,
  },
  'TLS without SNI': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { ...BEHIND, rules: { applicationRules: [application('a', ['*'])] } },
    findings: ['no-sni'],
    works: false,
  },
  'TLS with SNI': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { ...BEHIND, rules: { applicationRules: [application('a', ['*'])] } },
    facts: { sni: WEB },
    ...OK,
  },
  'QUIC that no rule allows': {
    flow: 'udp app > 20.5.5.5:443',
    in: { ...BEHIND, rules: { applicationRules: [application('a', ['*'])] } },
    findings: ['quic'],
    works: false,
  },
  'QUIC that passes by its address': {
    flow: 'udp app > 20.5.5.5:443',
    in: BEHIND,
    findings: ['quic'],
    works: true,
  },
  'UDP that is no QUIC': { flow: 'udp app > 20.5.5.5:123', in: BEHIND, ...OK },
  'ICMP to the Internet': {
    flow: 'icmp app > 20.5.5.5',
    in: BEHIND,
    findings: ['icmp-to-internet'],
    works: false,
  },
  'ICMP within': {
    flow: 'icmp app > db',
    in: { apps: ['10.42.3.0/24 10.42.2.4'], data: ['10.42.1.0/24 10.42.2.4'], rules: ALLOW },
    ...OK,
  },
  'no route table': { flow: 'tcp app > 20.5.5.5:443', in: {}, findings: ['no-route-table'], works: true },
  'no route table, and no firewall to pass': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { withFirewall: false },
    ...OK,
  },
  'a route table without a default route': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { apps: ['10.43.0.0/16 10.42.2.4'] },
    findings: ['route-past-firewall'],
    works: true,
  },
  'a longer route to the Internet': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { apps: [TO_FIREWALL, '20.0.0.0/8 Internet'] },
    findings: ['route-past-firewall'],
    works: true,
  },
  "a route to the firewall's own public address": {
    flow: 'tcp app > 20.1.1.1:80',
    in: { apps: [TO_FIREWALL, '20.1.1.1/32 Internet'], rules: DNAT },
    ...OK,
  },
  'next hop None': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { apps: [TO_FIREWALL, '20.0.0.0/8 None'] },
    findings: ['next-hop-none'],
    works: false,
  },
  'next hop None elsewhere': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { ...BEHIND, apps: [TO_FIREWALL, '21.0.0.0/8 None'] },
    ...OK,
  },
  'private space outside of the VNet': {
    flow: 'tcp app > 10.99.0.1:443',
    in: {},
    findings: ['next-hop-none'],
    works: false,
  },
  'a next hop that no firewall has': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { apps: ['0.0.0.0/0 10.42.2.9'] },
    findings: ['next-hop-unknown'],
    works: false,
  },
  'a next hop that is a host': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { apps: ['0.0.0.0/0 10.42.3.10'] },
    findings: ['next-hop-unknown'],
    works: false,
  },
  'threat intelligence denies': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { ...BEHIND, rules: threatMode('Deny') },
    facts: LISTED,
    findings: ['threat-intel'],
    works: false,
  },
  'threat intelligence alerts': {
    flow: 'tcp app > 20.5.5.5:443',
    in: { ...BEHIND, rules: threatMode('Alert') },
    facts: LISTED,
    findings: ['threat-intel'],
    works: true,
  },
  'threat intelligence knows another address': {
    flow: 'tcp app > 20.5.5.6:443',
    in: { ...BEHIND, rules: threatMode('Deny') },
    facts: LISTED,
    ...OK,
  },
  'no rule': {
    flow: 'tcp app > 20.5.5.5:8080',
    in: { ...BEHIND, rules: { networkRules: [network('n', { destinationPorts: ports('22') })] } },
    findings: ['denied'],
    works: false,
  },
  'private ranges that are everything: no reply comes back': {
    flow: 'tcp app > 20.5.5.5:8080',
    in: { ...BEHIND, rules: { ...ALLOW, privateRanges: ips('*') } },
    findings: ['not-translated'],
    works: false,
  },
  'an address in the VNet that no subnet holds': {
    flow: 'tcp app > 10.42.99.1:22',
    in: BEHIND,
    findings: ['nothing-there'],
    works: false,
  },
  'an address that no host has, where all are known': {
    flow: 'tcp app > 10.42.3.99:22',
    in: { ...BEHIND, complete: true },
    findings: ['nothing-there'],
    works: false,
  },
  'an address that no host has, where hosts are not known': {
    flow: 'tcp app > 10.42.3.99:22',
    in: BEHIND,
    ...OK,
  },
  'the default outbound address, to which nothing can be sent': {
    flow: 'tcp 198.51.100.7 > 20.62.208.9:80',
    in: BEHIND,
    findings: ['nothing-there'],
    works: false,
  },
  "routes that bring the firewall's packets back to it": {
    flow: 'tcp app > 20.5.5.5:443',
    in: { ...BEHIND, firewallSubnet: [TO_FIREWALL] },
    findings: ['routing-loop'],
    works: false,
  },
  'a spoke behind the firewall of its hub': {
    flow: 'tcp 10.50.1.5 > 20.5.5.5:443',
    in: { rules: ALLOW, spoke: 'peered' },
    ...OK,
  },
  'a spoke that is not peered with the hub': {
    flow: 'tcp 10.50.1.5 > 20.5.5.5:443',
    in: { rules: ALLOW, spoke: 'alone' },
    findings: ['next-hop-unknown'],
    works: false,
  },
  'from a spoke straight to the hub': { flow: 'tcp 10.50.1.5 > db:5432', in: { spoke: 'peered' }, ...OK },
  'from a spoke to the hub, whose reply goes by the firewall': {
    flow: 'tcp 10.50.1.5 > db:5432',
    in: { rules: ALLOW, spoke: 'peered', data: ['10.50.0.0/16 10.42.2.4'] },
    findings: ['asymmetric-route'],
    works: false,
    symmetric: false,
  },
  'a gateway between networks that nobody describes': {
    flow: 'tcp 192.168.7.7 > 20.5.5.5:443',
    in: { gateway: true, rules: ALLOW },
    ...OK,
  },
  'a gateway, within': {
    flow: 'tcp 192.168.7.7 > 192.168.9.9:443',
    in: { gateway: true, rules: ALLOW },
    ...OK,
  },
  "the DNS of the firewall, asked by the firewall's own address": {
    flow: 'udp app > 10.42.2.4:53',
    in: BEHIND,
    ...OK,
  },
};

describe('explanations', () => {
  for (const [title, { flow, in: topology, facts, ...expected }] of Object.entries(CASES))
    test(title, () => {
      const explanation = explained(flow, topology, facts);
      const { works, symmetric, findings } = explanation;
      const text = explanationText(explanation);
      assert.deepEqual(
        { findings: findings.map(({ code }) => code), works, symmetric },
        { symmetric: true, ...expected },
        text,
      );
      assert.equal(
        works,
        findings.every(({ severity }) => severity !== 'error'),
        `an error is what keeps a flow from working, and nothing else does: ${text}`,
      );
      for (const { fix } of findings) assert.ok(fix.length > 0, `nothing to change: ${text}`);
    });
});

test('what to change names the resources', () => {
  const fixes = (flow: string, topology: Topology, facts = {}) =>
    explained(flow, topology, facts).findings.flatMap(({ fix }) => fix);
  assert.deepEqual(
    fixes('tcp 198.51.100.7 > 20.1.1.1:80', { ...BEHIND, rules: TO_BALANCER, more: BALANCED }),
    ['20.1.1.1', '20.1.1.2'].map(
      address =>
        `az network route-table route create -g g --route-table-name rt-apps -n to-internet-${address.replaceAll('.', '-')}-32 --address-prefix ${address}/32 --next-hop-type Internet`,
    ),
  );
  assert.deepEqual(fixes('tcp app > 20.5.5.5:443', {}), [
    'az network route-table create -g g -n apps-routes',
    'az network route-table route create -g g --route-table-name apps-routes -n to-firewall --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.4',
    'az network vnet subnet update -g g --vnet-name hub -n apps --route-table apps-routes',
  ]);
  assert.deepEqual(fixes('tcp app > 20.5.5.5:443', { apps: ['0.0.0.0/0 10.42.2.9'] }), [
    'az network route-table route update -g g --route-table-name rt-apps -n r0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.4',
  ]);
  assert.equal(
    fixes(`tcp app > ${WEB}:8443`, { ...BEHIND, rules: BY_NAME }, at('20.5.5.5'))[0],
    'az network vnet update -g g -n hub --dns-servers 10.42.2.4',
  );
});

describe('what to change where a rule denies it', () => {
  const deniedBy = (rules: Partial<ResolvedPolicy>, policyName?: string, flow = 'tcp app > 20.5.5.5:443') => {
    const topology = { ...BEHIND, rules, ...(policyName !== undefined && { policyName }) };
    const { findings } = explained(
      flow,
      topology,
      flow.endsWith(':443') && flow.startsWith('tcp') ? { sni: WEB } : {},
    );
    return findings.map(({ text, fix }) => [text, ...fix].join('\n'));
  };
  const deny = { action: 'Deny' } as const;
  const of = (policy: string, rule: string) => ({ policy, group: 'g', collection: 'c', rule });
  const inNetwork = (policy: string) => ({
    networkRules: [network('no', { ...deny, ref: of(policy, 'no') })],
  });
  const inApplication = (policy: string) => ({
    applicationRules: [application('no', ['*'], { ...deny, ref: of(policy, 'no') })],
  });
  const allowed =
    'az network firewall policy rule-collection-group collection add-filter-collection -g g --policy-name child --rcg-name GROUP -n COLLECTION --collection-priority PRIORITY --action Allow --rule-type NetworkRule --rule-name RULE --ip-protocols TCP --source-addresses 10.42.1.5 --destination-addresses 20.5.5.5 --destination-ports 443';

  test('the rule and its policy are named', () => {
    assert.deepEqual(deniedBy(inNetwork('child'), 'child'), [
      [
        'Firewall f denies it: network rule child/g/c/no matched.',
        'Change network rule child/g/c/no, or put a network rule before it in policy child.',
      ].join('\n'),
    ]);
    assert.deepEqual(deniedBy({ networkRules: [network('no', deny)] }), [
      [
        'Firewall f denies it: network rule c/no matched.',
        'Change network rule c/no, or put a network rule before it in firewall f.',
      ].join('\n'),
    ]);
  });

  test("a parent's network rule can be changed in the parent alone", () => {
    assert.deepEqual(deniedBy(inNetwork('parent'), 'child'), [
      [
        'Firewall f denies it: network rule parent/g/c/no matched.',
        'Change network rule parent/g/c/no, or put a network rule before it in policy parent: those of policy child come after those of its parent, whatever their priority.',
      ].join('\n'),
    ]);
  });

  test("a parent's application rule comes after the network rules of its child", () => {
    assert.deepEqual(deniedBy(inApplication('parent'), 'child'), [
      [
        'Firewall f denies it: application rule parent/g/c/no matched.',
        'Change application rule parent/g/c/no, or put an application rule before it in policy parent: those of policy child come after those of its parent, whatever their priority. Only a network rule of policy child comes before it, and goes by the address:',
        allowed,
      ].join('\n'),
    ]);
  });

  const GROUP = id('ipGroups', 'nodes');
  const skip = (rule: NetworkRule, position = 0): Partial<ResolvedPolicy> => ({
    skippedRules: [
      { pass: 'network', position, rule, causes: [{ field: 'source', ipGroups: [GROUP], tags: [] }] },
    ],
  });
  const fill = ['Fill IP group nodes:', 'az network ip-group update -g g -n nodes --ip-addresses 10.42.1.5'];

  test('an IP group that is empty is to be filled', () => {
    const web = network('web', { sources: [], ref: of('child', 'web') });
    const skipped = 'network rule child/g/c/web is skipped, since IP group nodes is empty';
    assert.deepEqual(deniedBy(skip(web), 'child'), [
      [`Firewall f denies it: no rule matched, and what no rule allows is denied; ${skipped}.`, ...fill].join(
        '\n',
      ),
    ]);
    assert.deepEqual(deniedBy({ ...inNetwork('child'), ...skip(web) }, 'child'), [
      [`Firewall f denies it: network rule child/g/c/no matched; ${skipped}.`, ...fill].join('\n'),
    ]);
  });

  test('an IP group that lets another rule deny is left alone', () => {
    const causes = [{ field: 'source', ipGroups: [GROUP], tags: [] }] as const;
    const rules = [network('no', { ...deny, sources: [] }), network('web', { sources: [] })];
    const [no, web] = rules.map(rule => ({ pass: 'network' as const, position: 0, rule, causes }));
    assert.ok(no && web);
    assert.deepEqual(deniedBy({ skippedRules: [no, web] }, 'child'), deniedBy({}, 'child'));
    assert.match(deniedBy({ skippedRules: [web, no] }, 'child').join(), /Fill IP group nodes/);
  });

  test('an IP group that would change nothing is left alone', () => {
    const unlike = network('web', { sources: [], destinationPorts: ports('22') });
    const late = network('late', { sources: [] });
    assert.deepEqual(
      deniedBy({ ...inNetwork('child'), ...skip(unlike) }, 'child'),
      deniedBy(inNetwork('child'), 'child'),
    );
    assert.deepEqual(
      deniedBy({ ...inNetwork('child'), ...skip(late, 1) }, 'child'),
      deniedBy(inNetwork('child'), 'child'),
    );
    assert.deepEqual(
      deniedBy({ ...inNetwork('child'), ...skip({ ...late, action: 'Deny' }) }, 'child'),
      deniedBy(inNetwork('child'), 'child'),
    );
  });

  test('also from outside', () => {
    const [pass, position] = ['nat', 0] as const;
    const rule = nat('in', { sources: [] });
    const causes = [{ field: 'source', ipGroups: [GROUP], tags: [] }] as const;
    assert.deepEqual(
      deniedBy(
        { skippedRules: [{ pass, position, rule, causes }] },
        undefined,
        'tcp 198.51.100.7 > 20.1.1.1:80',
      ),
      [
        [
          'Firewall f has no NAT rule for TCP 20.1.1.1:80, and nothing else lets a flow in; NAT rule c/in is skipped, since IP group nodes is empty.',
          'Fill IP group nodes:',
          'az network ip-group update -g g -n nodes --ip-addresses 198.51.100.7',
        ].join('\n'),
      ],
    );
  });

  test('QUIC is one piece of advice', () => {
    const udp = 'udp app > 20.5.5.5:443';
    const leave =
      'Leave UDP 443 denied: clients fall back to TCP 443, where application rules judge the name.';
    assert.deepEqual(deniedBy({}, undefined, udp), [
      `Firewall f denies QUIC (UDP 443), which no firewall can filter by name: no rule matched, and what no rule allows is denied.\n${leave}`,
    ]);
    assert.deepEqual(
      deniedBy({ networkRules: [network('no', { ...deny, protocols: ['UDP'] })] }, undefined, udp),
      [
        `Firewall f denies QUIC (UDP 443), which no firewall can filter by name: network rule c/no matched.\n${leave}`,
      ],
    );
  });
});

test('the steps, in the order in which a packet meets them', () => {
  const explanation = explained('tcp 198.51.100.7 > 20.1.1.1:80', {
    apps: [TO_FIREWALL, '20.1.1.1/32 Internet', '20.1.1.2/32 Internet'],
    rules: TO_BALANCER,
    more: BALANCED,
  });
  assert.deepEqual(
    explanation.steps.map(({ way, kind, ok }) => `${way} ${kind} ${ok}`),
    [
      'there source true',
      'there public-ip true',
      'there firewall true',
      'there route true',
      'there public-ip true',
      'there delivery true',
      'back reply true',
      'back reply true',
      'back reply true',
      'back reply true',
    ],
    explanationText(explanation),
  );
});

test('a route says why it won, and what else held the address', () => {
  const { steps } = explained('tcp app > 20.5.5.5:443', {
    ...BEHIND,
    apps: [TO_FIREWALL, '20.0.0.0/8 10.42.2.4'],
  });
  const route = steps.find(({ kind }) => kind === 'route');
  assert.equal(
    route?.text,
    "from subnet hub/apps to 20.5.5.5: 20.0.0.0/8 to VirtualAppliance 10.42.2.4 (route 'r1' of rt-apps), the longest prefix before: 0.0.0.0/0 to VirtualAppliance 10.42.2.4 (route 'r0' of rt-apps); 0.0.0.0/0 to Internet (system route), overridden",
  );
  const tie = explained('tcp app > 20.5.5.5:443', BEHIND).steps.find(({ kind }) => kind === 'route');
  assert.match(tie?.text ?? '', /a table's own route before the system's/);
});

test('a name with two addresses is explained by the one that does not work', () => {
  const rules = { networkRules: [network('one', { destinations: [ips('20.5.5.5')] })] };
  const explanation = explained(
    `tcp app > ${WEB}:8443`,
    { ...BEHIND, rules },
    { answer: { addresses: [ip('20.5.5.5'), ip('20.5.5.6')], by: 'test' } },
  );
  assert.equal(explanation.works, false);
  assert.match(
    explanation.findings.at(-1)?.text ?? '',
    /2 addresses, of which 1 does not work; this is 20.5.5.6/,
  );
});

test('the JSON form is plain data', () => {
  const explanation = explained('tcp app > 20.5.5.5:443', BEHIND);
  const json = explanationJson(explanation);
  assert.deepEqual(JSON.parse(JSON.stringify(json)), json);
});
