// The tables of docs/compatibility.md and docs/lint.md: features and limits from scripts/compatibility/, refused properties from
// the readers in src/model, commands from src/cli/az, codes from src/analysis/lint. `--write` puts them into the documents; a
// test compares the two.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APPLICATION_RULES } from './compatibility/application-rules.ts';
import { codesTable } from './compatibility/codes.ts';
import { commandsTable, refusedGroupsTable } from './compatibility/commands.ts';
import { DNS_PROXY } from './compatibility/dns.ts';
import { type Feature, featureTable } from './compatibility/feature.ts';
import { LAB } from './compatibility/lab.ts';
import { limitsTable } from './compatibility/limits.ts';
import { lintCodesTable } from './compatibility/lint-codes.ts';
import { NETWORK_RULES } from './compatibility/network-rules.ts';
import { OPERATION } from './compatibility/operation.ts';
import { ORDER } from './compatibility/order.ts';
import { BEYOND, POLICIES } from './compatibility/policies.ts';
import { refusalsTable } from './compatibility/refused.ts';
import { TRANSLATION } from './compatibility/translation.ts';
import { readArguments, refuse } from './read-arguments.ts';

/** Documents with generated tables. */
export const DOCUMENTS: readonly string[] = ['compatibility.md', 'lint.md'].map(name =>
  join(import.meta.dirname, '../docs', name),
);

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
    ['lint codes', lintCodesTable()],
    ['commands', `${await commandsTable()}\n\n${refusedGroupsTable()}`],
  ]);
}

const PLACE = /<!-- generated: ([a-z ]+) -->\n[\s\S]*?<!-- end -->/g;

/** The texts with every table as it must be. Throws when a table has no place, or a place no table. */
export async function generated(documents: readonly string[]): Promise<string[]> {
  const all = await tables();
  const texts = documents.map(document =>
    document.replaceAll(PLACE, (_, name: string) => {
      const content = all.get(name);
      if (content === undefined) throw new Error(`there is no table '${name}'`);
      all.delete(name);
      return `<!-- generated: ${name} -->\n\n${content}\n\n<!-- end -->`;
    }),
  );
  if (all.size > 0) throw new Error(`no document has a place for: ${[...all.keys()].join(', ')}`);
  return texts;
}

export const readDocuments = () => DOCUMENTS.map(path => readFileSync(path, 'utf8'));

const USAGE = `Usage: scripts/node scripts/compatibility.ts --write

Puts the generated tables into docs/compatibility.md and docs/lint.md.
`;

if (import.meta.main) {
  const { write } = readArguments(USAGE, { options: { write: { type: 'boolean' } } }).values;
  if (!write) refuse(USAGE, 'compatibility: --write is missing.');
  const texts = await generated(readDocuments());
  for (const [index, path] of DOCUMENTS.entries()) writeFileSync(path, texts[index] ?? '');
}
