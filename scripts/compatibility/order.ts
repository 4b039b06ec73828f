// Which rule decides, and what a client sees of it.

import { chosen, differs, type Feature, same } from './feature.ts';

const PROCESSING = 'firewall/rule-processing';

export const ORDER: readonly Feature[] = [
  same(
    'Order of the types',
    'threat intelligence, NAT, network, application, built-in infrastructure, default deny',
    PROCESSING,
    'src/dataplane/netfilter/plan.test.ts: threat intelligence, NAT, DNS, own addresses, network rules, application ports, default',
    'test/differential/kernel.test.ts: the kernel does what decide says',
  ),
  same(
    'Type beats priority',
    'an application rule of priority 100 that denies does not stop a network rule of 65000 that allows',
    PROCESSING,
    'src/ir/facts-review.test.ts: type beats priority',
    'test/lab/policy.test.ts: a network rule of the child comes before an application rule of the parent',
  ),
  same(
    'First match is final',
    'for every type; rules of a collection from top to bottom, the action belongs to the collection',
    PROCESSING,
    'src/ir/facts-order.test.ts: the first match of a type is final, allow and deny alike',
    'test/netfilter/rules.test.ts: the first matching rule is final, and a deny names its rule',
  ),
  same(
    'Parent before child',
    'within a type, whatever the priorities',
    PROCESSING,
    'src/compiler/inheritance.test.ts: is type, then parent before child, then group, collection and position',
    'test/lab/policy.test.ts: inside a type the parent comes first, whatever the priorities',
  ),
  same(
    'Priorities of groups and collections',
    'groups first, then collections, the lowest number first',
    'firewall/policy-rule-sets',
    'src/compiler/inheritance.test.ts: takes a group before a collection, and a collection before a position',
  ),
  differs(
    'Equal priorities in a policy',
    'accepted; no page says which runs first',
    'firewall/policy-rule-sets',
    'accepted with the warning `EqualPriorities`: groups by name, collections as written',
    'src/compiler/inheritance.test.ts: of equal priorities is that of the groups by name and of the collections as written, with a warning',
  ),
  differs(
    'Equal priorities of classic collections of a type',
    'not stated',
    '',
    'refused with `AzureFirewallRuleCollectionDuplicatePriority`, as are equal names',
    'src/model/firewall-faults.test.ts: priorities and names are unique within a kind, and free between kinds',
  ),
  chosen(
    'A NAT match against a network rule that denies',
    'final on the page of 2026; a network rule may still deny on that of 2023',
    PROCESSING,
    'final',
    'src/ir/facts-order.test.ts: a DNAT rule that matches is final: a network rule that denies the flow is not asked',
  ),
  same(
    'Application rules and connections from outside',
    'they do not apply',
    PROCESSING,
    'src/ir/facts-order.test.ts: application rules do not apply to connections from outside',
  ),
  differs(
    'Infrastructure rules',
    'names of the platform pass after the application rules; the list is not published',
    PROCESSING,
    'the pass is there and empty; `--infrastructure-fqdns` fills it',
    'src/ir/facts-order.test.ts: infrastructure rules are asked after the application rules and before the default deny',
    'test/lab/policy.test.ts: names of the infrastructure are open when no rule says otherwise',
  ),
  same(
    'Ports 80, 443, 1433, and those that application rules name',
    'the firewall completes the handshake for every destination, before it decides',
    'firewall/firewall-faq',
    'src/ir/facts-order.test.ts: on 80, 443 and 1433 the firewall answers before it decides, without any rule',
    'test/l7/tds.test.ts: 1433 is answered without any rule, and denied by name',
  ),
  same(
    'Other denials',
    'silent: the client times out',
    '',
    'test/netfilter/rules.test.ts: an allowed flow passes with the public address, another is denied by default',
  ),
  differs(
    'Plain HTTP that is denied',
    'status 470 with a text; its words are public for the default action only',
    PROCESSING,
    'the same there; for a rule that denies, and for threat intelligence, the text is ours, in that style',
    'test/l7/http.test.ts: a denied request is answered with status 470 and the text of Azure, and the connection goes on',
    'src/dataplane/l7/judge.test.ts: the body of a refusal is Azure’s for the default action and names the rule otherwise',
  ),
  same(
    'HTTPS that is denied',
    'a dead handshake, no page',
    'firewall/firewall-known-issues',
    'test/l7/tls.test.ts: a denied name, no name, an unresolvable one and a forbidden address are reset and logged with the reason',
  ),
  same(
    'A rule changed to deny',
    'existing sessions are dropped',
    PROCESSING,
    'test/netfilter/change.test.ts: cuts what it forbids at both ends within a second, idle or not, and keeps the rest',
  ),
  same(
    'Return packets',
    'belong to their connection, also against a rule that denies the other direction',
    PROCESSING,
    'test/netfilter/rules.test.ts: an allowed flow passes with the public address, another is denied by default',
  ),
  differs(
    "Addresses that are nobody's",
    'loopback, link-local, multicast and reserved addresses: not stated',
    '',
    'denied as source and as destination, whatever rules say; so is the firewall itself but for its DNS proxy and NAT rules',
    'src/ir/decide.test.ts: loopback, link-local, multicast, reserved and Azure-internal addresses are denied both ways',
    'src/ir/decide.test.ts: the firewall itself is neither destination nor source, even for a rule that allows everything',
  ),
];
