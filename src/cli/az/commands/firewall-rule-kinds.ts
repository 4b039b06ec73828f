// The three kinds of firewall rules: where each stands in the firewall's document, which arguments describe one, and
// the rule that they make. Whether the rule is sound is for the server to say.

import type { Arm, ArmObject } from '../arm.ts';
import { UsageError } from '../errors.ts';
import type { Argument, Values } from '../spec.ts';
import { given } from './fields.ts';

export interface RuleKind {
  /** Such as `network rule`, for help and messages. */
  readonly noun: string;
  /** The collections among the firewall's `properties`. */
  readonly property: string;
  readonly actions: readonly string[];
  readonly arguments: readonly Argument[];
  readonly example: string;
  toRule(arm: Arm, values: Values): ArmObject;
}

const destinationPorts: Argument = {
  key: 'destinationPorts',
  flags: ['--destination-ports'],
  kind: 'list',
  required: true,
  help: "Space-separated destination ports and ranges. '*' matches all.",
};

const destinationAddresses: Argument = {
  key: 'destinationAddresses',
  flags: ['--destination-addresses', '--dest-addr'],
  kind: 'list',
  help: "Space-separated destination addresses, prefixes, ranges and service tags. '*' matches all.",
};

const sources: readonly Argument[] = [
  {
    key: 'sourceAddresses',
    flags: ['--source-addresses'],
    kind: 'list',
    help: "Space-separated source addresses, prefixes and ranges. '*' matches all.",
  },
  {
    key: 'sourceIpGroups',
    flags: ['--source-ip-groups'],
    kind: 'list',
    help: 'Space-separated names or ids of source IP groups.',
  },
  { key: 'description', flags: ['--description'], help: 'What the rule is for.' },
];

const ipProtocols: Argument = {
  key: 'protocols',
  flags: ['--protocols'],
  kind: 'list',
  required: true,
  choices: ['Any', 'ICMP', 'TCP', 'UDP'],
  help: 'Space-separated protocols.',
};

export const networkRules: RuleKind = {
  noun: 'network rule',
  property: 'networkRuleCollections',
  actions: ['Allow', 'Deny'],
  example:
    "az network firewall network-rule create -g aks-egress-rg -f aks-egress-fw -c aksfwnr -n apiudp --protocols UDP --source-addresses '*' --destination-addresses AzureCloud.eastus --destination-ports 1194 --action Allow --priority 100",
  arguments: [
    destinationPorts,
    ipProtocols,
    destinationAddresses,
    {
      key: 'destinationFqdns',
      flags: ['--destination-fqdns'],
      kind: 'list',
      help: 'Space-separated destination FQDNs. Needs the DNS proxy.',
    },
    {
      key: 'destinationIpGroups',
      flags: ['--destination-ip-groups', '--dest-ipg'],
      kind: 'list',
      help: 'Space-separated names or ids of destination IP groups.',
    },
    ...sources,
  ],
  toRule: (arm, values) =>
    given({
      name: values.text('name'),
      description: values.optional('description'),
      protocols: values.list('protocols'),
      ...sourceFields(arm, values),
      destinationAddresses: values.list('destinationAddresses'),
      destinationFqdns: values.list('destinationFqdns'),
      destinationIpGroups: ipGroupIds(arm, values, 'destinationIpGroups'),
      destinationPorts: values.list('destinationPorts'),
    }),
};

export const applicationRules: RuleKind = {
  noun: 'application rule',
  property: 'applicationRuleCollections',
  actions: ['Allow', 'Deny'],
  example:
    "az network firewall application-rule create -g aks-egress-rg -f aks-egress-fw -c aksfwar -n fqdn --source-addresses '*' --protocols http=80 https=443 --fqdn-tags AzureKubernetesService --action Allow --priority 100",
  arguments: [
    {
      key: 'protocols',
      flags: ['--protocols'],
      kind: 'list',
      required: true,
      help: 'Space-separated PROTOCOL=PORT, such as http=80 https=443 mssql=1433.',
    },
    {
      key: 'targetFqdns',
      flags: ['--target-fqdns'],
      kind: 'list',
      help: "Space-separated FQDNs. '*.example.org' matches every name below it, '*' all.",
    },
    {
      key: 'fqdnTags',
      flags: ['--fqdn-tags'],
      kind: 'list',
      help: 'Space-separated FQDN tags; az network firewall list-fqdn-tags shows them.',
    },
    ...sources,
  ],
  toRule: (arm, values) =>
    given({
      name: values.text('name'),
      description: values.optional('description'),
      ...sourceFields(arm, values),
      protocols: (values.list('protocols') ?? []).map(toApplicationProtocol),
      targetFqdns: values.list('targetFqdns'),
      fqdnTags: values.list('fqdnTags'),
    }),
};

export const natRules: RuleKind = {
  noun: 'NAT rule',
  property: 'natRuleCollections',
  actions: ['Dnat'],
  example:
    "az network firewall nat-rule create -g aks-egress-rg -f aks-egress-fw -c exampleset -n inboundrule --protocols Any --source-addresses '*' --destination-addresses 52.253.228.132 --destination-ports 80 --translated-address 10.42.1.50 --translated-port 80 --action Dnat --priority 100",
  arguments: [
    {
      ...destinationAddresses,
      required: true,
      help: "The firewall's public IP addresses, separated by spaces.",
    },
    destinationPorts,
    { ...ipProtocols, choices: ['Any', 'TCP', 'UDP'] },
    { key: 'translatedPort', flags: ['--translated-port'], required: true, help: 'Port of the host behind.' },
    { key: 'translatedAddress', flags: ['--translated-address'], help: 'Address of the host behind.' },
    { key: 'translatedFqdn', flags: ['--translated-fqdn'], help: 'Name of the host behind.' },
    ...sources,
  ],
  toRule: (arm, values) =>
    given({
      name: values.text('name'),
      description: values.optional('description'),
      ...sourceFields(arm, values),
      destinationAddresses: values.list('destinationAddresses'),
      destinationPorts: values.list('destinationPorts'),
      protocols: values.list('protocols'),
      translatedAddress: values.optional('translatedAddress'),
      translatedFqdn: values.optional('translatedFqdn'),
      translatedPort: values.text('translatedPort'),
    }),
};

function sourceFields(arm: Arm, values: Values): ArmObject {
  return {
    sourceAddresses: values.list('sourceAddresses'),
    sourceIpGroups: ipGroupIds(arm, values, 'sourceIpGroups'),
  };
}

export function ipGroupIds(arm: Arm, values: Values, key: string): readonly string[] | undefined {
  return values.list(key)?.map(name => arm.networkId(name, values.text('resourceGroup'), 'ipGroups'));
}

/** `https=443` as Azure's API writes it. */
export function toApplicationProtocol(text: string): ArmObject {
  const match = /^([a-z]+)=(\d{1,5})$/i.exec(text);
  if (!match?.[1]) {
    throw new UsageError(
      `argument --protocols: '${text}' is not PROTOCOL=PORT`,
      'Write --protocols http=80 https=443 mssql=1433',
    );
  }
  const protocolType = match[1].charAt(0).toUpperCase() + match[1].slice(1).toLowerCase();
  return { protocolType, port: Number(match[2]) };
}
