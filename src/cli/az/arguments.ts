// Arguments that many commands share, spelled as Azure's, and the global ones that every command takes.

import type { Argument } from './spec.ts';

export const resourceGroup: Argument = {
  key: 'resourceGroup',
  flags: ['--resource-group', '-g'],
  required: true,
  help: 'Name of the resource group. AZURE_DEFAULTS_GROUP names it for all commands.',
};

export const anyResourceGroup: Argument = {
  ...resourceGroup,
  required: false,
  help: 'Name of the resource group. All groups if absent.',
};

export const location: Argument = {
  key: 'location',
  flags: ['--location', '-l'],
  help: "Azure region. The resource group's if absent.",
};

export const tags: Argument = {
  key: 'tags',
  flags: ['--tags'],
  kind: 'tags',
  help: 'Space-separated tags: key[=value] [key[=value] ...]. "" removes all.',
};

export const noWait: Argument = {
  key: 'noWait',
  flags: ['--no-wait'],
  kind: 'switch',
  help: 'Do not wait for the long-running operation to finish.',
};

export const yes: Argument = {
  key: 'yes',
  flags: ['--yes', '-y'],
  kind: 'switch',
  help: 'Do not ask for confirmation.',
};

export const vnetName: Argument = {
  key: 'vnetName',
  flags: ['--vnet-name'],
  required: true,
  help: 'Name of the virtual network.',
};

export const firewallName: Argument = {
  key: 'firewallName',
  flags: ['--firewall-name', '-f'],
  required: true,
  help: 'Name of the firewall.',
};

export function named(what: string): Argument {
  return { key: 'name', flags: ['--name', '-n'], required: true, help: `Name of the ${what}.` };
}

export const OUTPUT_FORMATS = ['json', 'jsonc', 'none', 'table', 'tsv', 'yaml', 'yamlc'] as const;

export const GLOBAL_SECTION = 'Global Arguments';

const plainGlobals: readonly Argument[] = [
  {
    key: '_debug',
    flags: ['--debug'],
    kind: 'switch',
    help: 'Show every request and answer on standard error.',
  },
  { key: '_help', flags: ['--help', '-h'], kind: 'switch', help: 'Show this help and exit.' },
  {
    key: '_onlyErrors',
    flags: ['--only-show-errors'],
    kind: 'switch',
    help: 'Show errors only, no warnings.',
  },
  {
    key: '_output',
    flags: ['--output', '-o'],
    choices: OUTPUT_FORMATS,
    default: 'json',
    help: 'Output format.',
  },
  { key: '_query', flags: ['--query'], help: 'JMESPath expression; see https://jmespath.org.' },
  { key: '_subscription', flags: ['--subscription'], help: 'Name or id of the subscription.' },
  {
    key: '_verbose',
    flags: ['--verbose'],
    kind: 'switch',
    help: 'Say more, such as how long the command took.',
  },
];

export const globalArguments: readonly Argument[] = plainGlobals.map(argument => ({
  ...argument,
  section: GLOBAL_SECTION,
}));
