// All groups of Postern's `az`, with what is not part of it but is known to users of Azure's. Each group's commands
// are in a file of their own, loaded when asked for.

import type { Group } from '../spec.ts';

export const groups: readonly Group[] = [
  {
    path: 'account',
    summary: 'The subscription that the control plane stands for.',
    load: () => import('./account.ts'),
  },
  {
    path: 'extension',
    summary: 'Extensions of the CLI. azure-firewall is built in.',
    load: () => import('./extension.ts'),
  },
  { path: 'group', summary: 'Resource groups.', load: () => import('./group.ts') },
  {
    path: 'network',
    summary: 'Virtual networks, public IPs, route tables and the firewall.',
    load: () => import('./network.ts'),
  },
  {
    path: 'network firewall',
    summary: 'Firewalls, their IP configurations and their rules.',
    load: () => import('./firewall.ts'),
  },
  {
    path: 'network firewall application-rule',
    summary: 'Rules by FQDN and FQDN tag.',
    load: async () => ({ commands: (await import('./firewall-rules.ts')).applicationRuleCommands }),
  },
  {
    path: 'network firewall application-rule collection',
    summary: 'Collections of application rules.',
    load: async () => ({ commands: (await import('./firewall-rules.ts')).applicationCollectionCommands }),
  },
  {
    path: 'network firewall ip-config',
    summary: 'IP configurations: where the firewall stands and its public IPs.',
    load: () => import('./firewall-ip-config.ts'),
  },
  {
    path: 'network firewall nat-rule',
    summary: 'Rules that translate a public IP and port to a host behind the firewall.',
    load: async () => ({ commands: (await import('./firewall-rules.ts')).natRuleCommands }),
  },
  {
    path: 'network firewall nat-rule collection',
    summary: 'Collections of NAT rules.',
    load: async () => ({ commands: (await import('./firewall-rules.ts')).natCollectionCommands }),
  },
  {
    path: 'network firewall network-rule',
    summary: 'Rules by address, port and protocol.',
    load: async () => ({ commands: (await import('./firewall-rules.ts')).networkRuleCommands }),
  },
  {
    path: 'network firewall network-rule collection',
    summary: 'Collections of network rules.',
    load: async () => ({ commands: (await import('./firewall-rules.ts')).networkCollectionCommands }),
  },
  {
    path: 'network firewall policy',
    summary: 'Firewall policies: rules and settings that firewalls and other policies share.',
    load: () => import('./firewall-policy.ts'),
  },
  {
    path: 'network firewall policy rule-collection-group',
    summary: 'Groups of rule collections under one priority.',
    load: () => import('./rule-collection-group.ts'),
  },
  {
    path: 'network firewall policy rule-collection-group collection',
    summary:
      'Collections of a group: filter collections of network or application rules, and NAT collections.',
    load: () => import('./policy-collections.ts'),
  },
  {
    path: 'network firewall policy rule-collection-group collection rule',
    summary: 'Rules of a collection.',
    load: () => import('./policy-rules.ts'),
  },
  {
    path: 'network firewall threat-intel-allowlist',
    summary: 'Addresses and names that threat intelligence never stops.',
    load: () => import('./firewall-allowlist.ts'),
  },
  {
    path: 'network ip-group',
    summary: 'Named lists of addresses for rules.',
    load: () => import('./ip-group.ts'),
  },
  { path: 'network public-ip', summary: 'Public IP addresses.', load: () => import('./public-ip.ts') },
  { path: 'network route-table', summary: 'Route tables.', load: () => import('./route-table.ts') },
  {
    path: 'network route-table route',
    summary: 'Routes of a route table.',
    load: async () => ({ commands: (await import('./route-table.ts')).routeCommands }),
  },
  { path: 'network vnet', summary: 'Virtual networks.', load: () => import('./vnet.ts') },
  {
    path: 'network vnet subnet',
    summary: 'Subnets of a virtual network.',
    load: () => import('./subnet.ts'),
  },
];

/** Commands that stand at the root. */
export const rootCommands = async () => (await import('./root.ts')).commands;

/** For the help of the root, without loading the commands. */
export const ROOT_COMMAND_NAMES = ['rest', 'version'] as const;

/** Groups of Azure's that a user may well type, and what to say. */
export const unsupportedGroups: Readonly<Record<string, string>> = {
  acr: 'registries belong to Azure.',
  ad: 'Postern has no directory.',
  aks: "Postern's own az does not create clusters.",
  config: 'defaults come from AZURE_DEFAULTS_GROUP, AZURE_DEFAULTS_LOCATION and AZURE_CORE_OUTPUT.',
  configure: 'defaults come from AZURE_DEFAULTS_GROUP, AZURE_DEFAULTS_LOCATION and AZURE_CORE_OUTPUT.',
  cloud: 'there is one control plane, and az has found it.',
  identity: 'Postern has no identities.',
  login: 'there is nothing to log in to; the token is read from the state folder.',
  logout: 'there is nothing to log out from.',
  role: 'Postern has no roles.',
  vm: 'hosts are made by `postern lab add-host`.',
  'network firewall learned-ip-prefix': 'there is no route server.',
  'network firewall policy deploy': 'there are no drafts; a change is live once it is made.',
  'network firewall policy draft': 'there are no drafts; a change is live once it is made.',
  'network firewall policy rule-collection-group draft':
    'there are no drafts; a change is live once it is made.',
  'network firewall policy identity': 'Postern has no identities.',
  'network firewall policy intrusion-detection': 'there is no intrusion detection.',
  'network firewall policy list-idps-signature': 'there is no intrusion detection.',
  'network firewall policy list-idps-filter-option': 'there is no intrusion detection.',
  'network firewall policy kube-selector-group': 'rules name addresses, IP groups and names.',
  'network firewall management-ip-config': 'the firewall is managed from outside its data path.',
  'network nsg': 'there are no network security groups.',
  'network vnet peering': 'there is no peering.',
  'network nic': 'hosts are made by `postern lab add-host`.',
};
