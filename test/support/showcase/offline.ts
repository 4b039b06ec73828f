// What the offline commands say about examples/policy-repository. No lab is used; that is the point.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Workspace } from '../transcripts.ts';
import type { Check } from './kit.ts';

interface Case {
  readonly command: string;
  readonly status: number;
  readonly says: RegExp;
  /** Of what was printed. */
  readonly lines: number;
}

const CASES: readonly Case[] = [
  {
    command: 'postern test tests',
    status: 0,
    says: /17 tests: 17 passed/,
    lines: 3,
  },
  {
    command: 'postern lint --policy wide.json --disable redundant,broad-service-tag,network-fqdn-dns',
    status: 3,
    says: /suffix-without-dot/,
    lines: 5,
  },
  {
    command: 'postern diff policies after.json',
    status: 3,
    says: /Newly allowed: 1\n[\s\S]*quay\.io/,
    lines: 7,
  },
];

export const OFFLINE: readonly Check[] = CASES.map(({ command, status, says, lines }) => ({
  group: 'Policy tests, a wildcard too wide, and what one registry more for the nodes means',
  title: command,
  run: async () => {
    const workspace = new Workspace();
    try {
      changeRules(workspace.folder);
      const result = workspace.bash(command);
      assert.equal(result.status, status, `${result.stdout}${result.stderr}`);
      assert.match(result.stdout, says);
      const printed = result.stdout.split('\n').filter(line => line.trim() !== '');
      return [`exit code ${status}`, ...printed.slice(0, lines)].join('\n');
    } finally {
      workspace.close();
    }
  },
}));

/** The rules with a wildcard that is too wide, and the rules with a registry more. */
function changeRules(folder: string): void {
  const rules = readFileSync(join(folder, 'policies/egress.json'), 'utf8');
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('wide.json', rules.replace('"*.githubusercontent.com"', '"*githubusercontent.com"'));
  write('after.json', rules.replace('"ghcr.io"', '"ghcr.io", "quay.io"'));
}
