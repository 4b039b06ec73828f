// The three kinds of rules in a rule collection group: which arguments describe one, and the rule that they make. What a
// kind does not have is refused, since a field that is left out can make a rule wider than was meant. Whether the rule is
// sound is for the server to say.

import type { Arm, ArmObject } from '../arm.ts';
import { UsageError } from '../errors.ts';
import type { Argument, Values } from '../spec.ts';
import { given } from './fields.ts';
import { ipGroupIds, toApplicationProtocol } from './firewall-rule-kinds.ts';

export const RULE_TYPES = ['ApplicationRule', 'NatRule', 'NetworkRule'] as const;
export type RuleType = (typeof RULE_TYPES)[number];

const COMMON_SECTION = 'Common Rule Arguments';
const APPLICATION_SECTION = 'Application Rule Arguments';
const NAT_SECTION = 'Nat Rule Arguments';
const NETWORK_SECTION = 'Network Rule Arguments';

export const commonArguments: readonly Argument[] = [
  { key: 'description', flags: ['--description'], help: 'What the rule is for.', section: COMMON_SECTION },
  {
    key: 'destinationAddresses',
    flags: ['--destination-addresses', '--dest-addr'],
    kind: 'list',
    help: "Space-separated destination addresses, prefixes, ranges and service tags. '*' matches all.",
    section: COMMON_SECTION,
  },
  {
    key: 'destinationPorts',
    flags: ['--destination-ports'],
    kind: 'list',
    help: "Space-separated destination ports and ranges of a network or NAT rule. '*' matches all.",
    section: COMMON_SECTION,
  },
  {
    key: 'ipProtocols',
    flags: ['--ip-protocols'],
    kind: 'list',
    choices: ['Any', 'ICMP', 'TCP', 'UDP'],
    help: 'Space-separated protocols of a network or NAT rule.',
    section: COMMON_SECTION,
  },
  {
    key: 'sourceAddresses',
    flags: ['--source-addresses'],
    kind: 'list',
    help: "Space-separated source addresses, prefixes and ranges. '*' matches all.",
    section: COMMON_SECTION,
  },
  {
    key: 'sourceIpGroups',
    flags: ['--source-ip-groups'],
    kind: 'list',
    help: 'Space-separated names or ids of source IP groups.',
    section: COMMON_SECTION,
  },
];

export const networkArguments: readonly Argument[] = [
  {
    key: 'destinationFqdns',
    flags: ['--destination-fqdns'],
    kind: 'list',
    help: 'Space-separated destination FQDNs. Needs the DNS proxy.',
    section: NETWORK_SECTION,
  },
  {
    key: 'destinationIpGroups',
    flags: ['--destination-ip-groups', '--dest-ipg'],
    kind: 'list',
    help: 'Space-separated names or ids of destination IP groups.',
    section: NETWORK_SECTION,
  },
];

export const applicationArguments: readonly Argument[] = [
  {
    key: 'fqdnTags',
    flags: ['--fqdn-tags'],
    kind: 'list',
    help: 'Space-separated FQDN tags; az network firewall list-fqdn-tags shows them.',
    section: APPLICATION_SECTION,
  },
  {
    key: 'protocols',
    flags: ['--protocols'],
    kind: 'list',
    help: 'Space-separated PROTOCOL=PORT, such as http=80 https=443 mssql=1433.',
    section: APPLICATION_SECTION,
  },
  {
    key: 'targetFqdns',
    flags: ['--target-fqdns'],
    kind: 'list',
    help: "Space-separated FQDNs. '*.example.org' matches every name below it, '*' all.",
    section: APPLICATION_SECTION,
  },
];

export const natArguments: readonly Argument[] = [
  {
    key: 'translatedAddress',
    flags: ['--translated-address'],
    help: 'Address of the host behind.',
    section: NAT_SECTION,
  },
  {
    key: 'translatedFqdn',
    flags: ['--translated-fqdn'],
    help: 'Name of the host behind.',
    section: NAT_SECTION,
  },
  {
    key: 'translatedPort',
    flags: ['--translated-port'],
    help: 'Port of the host behind.',
    section: NAT_SECTION,
  },
];

const noTls = 'connections are never decrypted.';

/** What Azure's application rules have besides. */
export const refusedRuleFlags: Readonly<Record<string, string>> = {
  '--enable-tls-inspection': noTls,
  '--enable-tls-insp': noTls,
  '--http-headers-to-insert': 'requests are passed on as they are.',
  '--target-urls': 'connections are decided by the name of the host, never by the path.',
  '--web-categories': 'there is no list of web categories.',
};

/** The keys of the arguments that each kind takes, in the order of Azure's documents. */
const KEYS: Readonly<Record<RuleType, readonly string[]>> = {
  ApplicationRule: [
    'description',
    'sourceAddresses',
    'sourceIpGroups',
    'destinationAddresses',
    'protocols',
    'fqdnTags',
    'targetFqdns',
  ],
  NetworkRule: [
    'description',
    'ipProtocols',
    'sourceAddresses',
    'sourceIpGroups',
    'destinationAddresses',
    'destinationIpGroups',
    'destinationFqdns',
    'destinationPorts',
  ],
  NatRule: [
    'description',
    'ipProtocols',
    'sourceAddresses',
    'sourceIpGroups',
    'destinationAddresses',
    'destinationPorts',
    'translatedAddress',
    'translatedFqdn',
    'translatedPort',
  ],
};

const ruleArguments = [...commonArguments, ...networkArguments, ...applicationArguments, ...natArguments];

/** A new rule as Azure's CLI sends it. */
export function toRule(arm: Arm, values: Values, type: RuleType, name: string | undefined): ArmObject {
  const always = type === 'ApplicationRule' ? { protocols: [], terminateTLS: false } : {};
  return { ...given({ name }), ruleType: type, ...always, ...ruleFields(arm, values, type) };
}

/** The fields that the command line gives for a rule of this type. */
export function ruleFields(arm: Arm, values: Values, type: RuleType): ArmObject {
  const foreign = ruleArguments.filter(({ key }) => values.has(key) && !KEYS[type].includes(key));
  if (foreign.length > 0) {
    const flags = foreign.map(({ flags }) => flags[0]).join(', ');
    throw new UsageError(`${flags}: not part of a rule of type ${type}`);
  }
  if (values.has('targetFqdns') && values.has('fqdnTags')) {
    throw new UsageError('usage error: --target-fqdns | --fqdn-tags');
  }
  return given(Object.fromEntries(KEYS[type].map(key => [key, fieldOf(arm, values, key)])));
}

function fieldOf(arm: Arm, values: Values, key: string): unknown {
  switch (key) {
    case 'sourceIpGroups':
    case 'destinationIpGroups':
      return ipGroupIds(arm, values, key);
    case 'protocols':
      return values.list(key)?.map(toApplicationProtocol);
    case 'description':
    case 'translatedAddress':
    case 'translatedFqdn':
    case 'translatedPort':
      return values.optional(key);
    default:
      return values.list(key);
  }
}
