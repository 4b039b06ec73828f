// Firewall policies, their parents, their groups, and what firewalls and tiers have to do with them.

import { added, chosen, differs, type Feature, refused, same } from './feature.ts';

const OVERVIEW = 'firewall-manager/policy-overview';
const SETS = 'firewall/policy-rule-sets';
const SKU = 'firewall/features-by-sku';
const INTEL = 'firewall/threat-intel';

export const POLICIES: readonly Feature[] = [
  same(
    'Containers',
    'policy, rule collection group, rule collection, rule; or classic collections on the firewall itself',
    SETS,
    'src/model/rule-collection-group.test.ts: holds collections of all three types, each of one',
    'src/compiler/resolve-policy.test.ts: a firewall without policy has classic rules, which name no policy',
  ),
  same(
    'A policy beside classic rules',
    'refused',
    OVERVIEW,
    'src/model/firewall-faults.test.ts: rule collections beside a policy',
  ),
  same(
    'One policy for several firewalls, in any region',
    'a change is one for all of them',
    OVERVIEW,
    'test/lab/policy.test.ts: a policy for two firewalls changes both at once',
    'src/api/firewall-policies.test.ts: may stand in another region than its policy',
  ),
  same(
    'Settings of a firewall that has a policy',
    "the policy's; `additionalProperties` and the firewall's own threat intelligence are ignored",
    'firewall/snat-private-range',
    'src/compiler/resolve-policy.test.ts: the settings are those of the policy, the addresses those of the firewall',
  ),
  same(
    'Default groups',
    'made by the portal with priorities 100, 200, 300; the API knows no group by name',
    SETS,
    'test/az/policy.test.ts: a group, and collections of all three kinds',
  ),
  differs(
    'Levels of parents',
    'one',
    OVERVIEW,
    'any number; a circle is refused',
    'src/compiler/inheritance.test.ts: of a chain of parents begins at the top; equal priorities of different policies need no warning',
    'src/compiler/resolve-policy.test.ts: in a circle are a fault',
  ),
  same(
    'Parent and child: region',
    'the same one',
    OVERVIEW,
    'src/api/firewall-policies-refusals.test.ts: in another region than its parent',
  ),
  same(
    'Tiers of parent, child and firewall',
    'Basic to Basic; Standard to Standard or Premium; Premium to Premium',
    OVERVIEW,
    'src/compiler/resolve-policy.test.ts: go together by tier',
    'src/api/firewall-policies-refusals.test.ts: with a tier that its parent does not fit',
  ),
  chosen(
    'NAT rules of a parent',
    'inherited on one page, not on another',
    'firewall/rule-processing',
    'inherited, unless `--no-inherited-nat-rules`',
    "src/compiler/inheritance.test.ts: has the parent's NAT rules first, unless they are not inherited",
  ),
  differs(
    "NAT rules of a parent for another firewall's address",
    'not stated',
    '',
    'left out where they cannot match; those of the policy itself are a fault',
    "src/compiler/resolve-policy.test.ts: a parent's NAT rules for other firewalls are left out",
    'src/api/firewall-policies-refusals.test.ts: with a NAT rule for an address that its firewall does not have',
  ),
  differs(
    'Threat intelligence of a parent',
    'the child may be stricter only',
    OVERVIEW,
    'the stricter mode counts, with the warning `ThreatIntelModeOfParent`; allow lists add up',
    'src/compiler/inheritance.test.ts: threat intelligence, of which the stricter mode counts',
    'src/ir/facts-review.test.ts: a child is never less strict about threats than its parent, and allow lists add up',
  ),
  differs(
    'Private ranges of a parent',
    'not stated',
    'firewall/snat-private-range',
    'not inherited, with the warning `SnatNotInherited`',
    'src/compiler/inheritance.test.ts: no private ranges, with a warning',
  ),
  same(
    'Threat intelligence',
    '`Off`, `Alert`, `Deny`, before every rule; an allow list of addresses and names',
    INTEL,
    'src/ir/facts-order.test.ts: in mode Deny the feed comes before DNAT, network and application rules',
    'test/netfilter/rules.test.ts: threat intelligence stands before every rule: Alert logs, Deny drops, the allow list exempts',
  ),
  differs(
    'Alerts where a network rule allows 80 or 443',
    'in mode Alert there are none',
    'firewall/firewall-known-issues',
    'addresses on the list are logged all the same; names are read by the application path alone',
    'test/netfilter/rules.test.ts: threat intelligence stands before every rule: Alert logs, Deny drops, the allow list exempts',
  ),
  differs(
    'Feeds of threat intelligence',
    "Microsoft's",
    INTEL,
    "files of yours (`--threat-feed`), read again when they change; only Azure's test name is built in",
    "src/dataplane/threat/threat.test.ts: know Azure's test name without any file",
    'test/lab/settings.test.ts: a threat-intelligence feed is read again when it changes: names and networks, in and out',
  ),
  same(
    'Tier Basic',
    'no FQDNs in network rules, no DNS settings, threat intelligence alerts only',
    SKU,
    'src/model/firewall-policy.test.ts: Basic with a DNS proxy',
    'src/model/firewall-policy.test.ts: Basic that denies by threat intelligence',
    'src/compiler/resolve-policy.test.ts: names in network rules are not for tier Basic',
  ),
  differs(
    'Tier Premium',
    'inspection, IDPS, URLs, categories',
    SKU,
    'accepted; does what Standard does, since each of these is refused',
    'src/model/firewall-policy.test.ts: says everything',
  ),
  refused(
    'Intrusion detection (IDPS)',
    'modes, profiles, signatures, bypass lists',
    'firewall/premium-features',
    '`intrusionDetection` is refused unless its mode is `Off`; its lists of signatures are 404',
    'src/model/firewall-policy.test.ts: intrusion detection',
    'src/cli/az/policy.test.ts: what Postern does not do is refused by name, before anything is sent',
  ),
  refused(
    'Drafts and deployments',
    'preview: changes are batched',
    'firewall/draft-deploy',
    'a change is in force once it is made; the paths of drafts are 404. `postern diff` tells beforehand what a change means',
    'src/cli/az/policy.test.ts: what Postern does not do is refused by name, before anything is sent',
  ),
  refused(
    'Policy analytics',
    'from logs, an hour later',
    'firewall/policy-analytics',
    '`insights` is refused unless it is off; `postern lint` needs no traffic',
    'test/docs.test.ts: every property in the tables of refusals is refused, with its reason',
  ),
  differs(
    '`provisioningState` of a policy or group',
    'of its own',
    'https://learn.microsoft.com/rest/api/virtualnetwork/firewall-policies',
    'that of the firewalls that run it',
    'src/api/firewall-policies.test.ts: with an operation where it takes long, whose end shows in policy and group',
  ),
  same(
    'Deleting a policy in use',
    'refused',
    OVERVIEW,
    'test/lab/policy.test.ts: what is in use cannot be deleted, and goes on',
  ),
  differs(
    'Switching off one rule',
    'not there',
    'https://github.com/MicrosoftDocs/azure-docs/issues/57231',
    'not there either; removing and adding it is in force within a second',
    'test/support/showcase/changes.ts: a rule added is in force, and removed it cuts what it allowed, within 1 s',
  ),
];

/** What Azure has no word for. */
export const BEYOND: readonly Feature[] = [
  added(
    '`--bind-network-fqdns`',
    '',
    '',
    'TLS that a network rule allows by an FQDN must also name a host of that rule by SNI',
    'test/lab/policy.test.ts: a network FQDN rule that is bound serves its own name on the address, and no other',
    'test/l7/bound.test.ts: the name of the rule is served, logged as a network rule; another name on its address is not',
  ),
  added(
    '`--no-azure-limits`',
    '',
    '',
    "documents are held against what Postern itself needs, not against Azure's numbers",
    "src/compiler/resolve-policy.test.ts: Azure's limits hold until they are switched off",
  ),
  added(
    '`--no-inherited-nat-rules`',
    '',
    '',
    "a child policy does not run its parent's NAT rules",
    "src/compiler/inheritance.test.ts: has the parent's NAT rules first, unless they are not inherited",
  ),
  added(
    '`--infrastructure-fqdns`',
    '',
    '',
    'fills the infrastructure pass',
    'test/router/policy.test.ts: opens the names of the infrastructure, which status tells',
  ),
  added(
    'Offline answers',
    '',
    '',
    '`postern decide`, `test`, `lint`, `diff` and the library read the same documents and need no firewall',
    'src/cli/decide.test.ts: --trace tells every rule that was looked at, and why it did not match',
    'src/analysis/lint/coverage-property.test.ts: rules said never to decide do not, and superfluous ones can go',
    'src/analysis/diff/diff-property.test.ts: a diff holds exactly the flows that are decided differently',
    'test/package/package.test.ts: runs in Chromium, without a bundler',
  ),
  added(
    '`postern explain`',
    '',
    '',
    'the way of a flow and back, in a running lab or router or out of files, with the commands that repair it',
    'test/lab/explain.test.ts: the commands for a subnet without route table bring it behind the firewall',
    'test/support/showcase/explain.ts: asymmetric routing: out by the firewall, back beside it',
  ),
];
