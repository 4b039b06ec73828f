// az extension: azure-firewall is part of this CLI, so adding and updating it has nothing to do.

import { AzError } from '../errors.ts';
import type { Argument, Command } from '../spec.ts';

const BUILT_IN = {
  experimental: false,
  extensionType: 'built-in',
  name: 'azure-firewall',
  path: null,
  preview: false,
  version: '1.0.0',
};

const name: Argument = {
  key: 'name',
  flags: ['--name', '-n'],
  required: true,
  help: 'Name of the extension.',
};
const ignored: readonly Argument[] = [
  { key: 'upgrade', flags: ['--upgrade', '-U'], kind: 'switch', help: 'Nothing to upgrade: it is built in.' },
  { key: 'yes', flags: ['--yes', '-y'], kind: 'switch', help: 'Do not ask for confirmation.' },
  { key: 'version', flags: ['--version'], help: 'Any version: the built-in one is used.' },
  {
    key: 'preview',
    flags: ['--allow-preview'],
    kind: 'boolean',
    help: 'Nothing to allow: it is built in.',
  },
];

export const commands: readonly Command[] = [
  {
    name: 'add',
    summary: 'Add an extension. azure-firewall is built in, so this does nothing.',
    arguments: [name, ...ignored],
    refused: { '--source': 'extensions are not loaded.', '-s': 'extensions are not loaded.' },
    async run({ values }) {
      requireBuiltIn(values.text('name'), 'cannot be added: extensions are not loaded');
    },
  },
  {
    name: 'list',
    summary: 'List extensions.',
    arguments: [],
    async run() {
      return [BUILT_IN];
    },
  },
  {
    name: 'remove',
    summary: 'Remove an extension. The built-in one stays.',
    arguments: [name],
    async run({ values }) {
      requireBuiltIn(values.text('name'), 'is not installed');
    },
  },
  {
    name: 'show',
    summary: 'Show an extension.',
    arguments: [name],
    async run({ values }) {
      requireBuiltIn(values.text('name'), 'is not installed');
      return BUILT_IN;
    },
  },
  {
    name: 'update',
    summary: 'Update an extension. The built-in one is up to date.',
    arguments: [name],
    async run({ values }) {
      requireBuiltIn(values.text('name'), 'is not installed');
    },
  },
];

function requireBuiltIn(given: string, fault: string): void {
  if (given.toLowerCase() === BUILT_IN.name) return;
  throw new AzError(`The extension '${given}' ${fault}. Postern has ${BUILT_IN.name} built in.`);
}
