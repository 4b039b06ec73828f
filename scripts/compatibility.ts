// The tables of docs/compatibility.md: features and limits from scripts/compatibility/, refused properties from the readers in
// src/model, commands from src/cli/az. `--write` puts them into the document; a test compares the two.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APPLICATION_RULES } from './compatibility/application-rules.ts';
import { codesTable } from './compatibility/codes.ts';
import { commandsTable, refusedGroupsTable } from './compatibility/commands.ts';
import { DNS_PROXY } from './compatibility/dns.ts';
import { type Feature, featureTable } from './compatibility/feature.ts';
import { LAB } from './compatibility/lab.ts';
import { limitsTable } from './compatibility/limits.ts';
import { NETWORK_RULES } from './compatibility/network-rules.ts';
import { OPERATION } from './compatibility/operation.ts';
import { ORDER } from './compatibility/order.ts';
import { BEYOND, POLICIES } from './compatibility/policies.ts';
import { refusalsTable } from './compatibility/refused.ts';
import { TRANSLATION } from './compatibility/translation.ts';

export const DOCUMENT = join(import.meta.dirname, '../docs/compatibility.md');

/** By the name of their place in the document. */
export const FEATURES: Readonly<Record<string, readonly Feature[]>> = {
  order: ORDER,
  'network rules': NETWORK_RULES,
  'application rules': APPLICATION_RULES,
  translation: TRANSLATION,
  dns: DNS_PROXY,
  policies: POLICIES,
  beyond: BEYOND,
  operation: OPERATION,
  lab: LAB,
};

async function tables(): Promise<Map<string, string>> {
  return new Map([
    ...Object.entries(FEATURES).map(([name, features]): [string, string] => [name, featureTable(features)]),
    ['limits', limitsTable()],
    ['refusals', refusalsTable()],
    ['codes', codesTable()],
    ['commands', `${await commandsTable()}\n\n${refusedGroupsTable()}`],
  ]);
}

const PLACE = /<!-- generated: ([a-z ]+) -->\n[\s\S]*?<!-- end -->/g;

/** The document with every table as it must be. Throws when a table has no place, or a place no table. */
export async function generated(document: string): Promise<string> {
  const all = await tables();
  const text = document.replaceAll(PLACE, (_, name: string) => {
    const content = all.get(name);
    if (content === undefined) throw new Error(`docs/compatibility.md: there is no table '${name}'`);
    all.delete(name);
    return `<!-- generated: ${name} -->\n\n${content}\n\n<!-- end -->`;
  });
  if (all.size > 0) throw new Error(`docs/compatibility.md has no place for: ${[...all.keys()].join(', ')}`);
  return text;
}

if (process.argv.includes('--write') && import.meta.main)
  writeFileSync(DOCUMENT, await generated(readFileSync(DOCUMENT, 'utf8')));
