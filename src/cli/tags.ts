// `postern tags`: what a service tag or an FQDN tag stands for, and a newer table of service tags in place of the one in use.

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { BadFactsFile } from '#facts/compact-file.ts';
import { type Facts, loadFacts } from '#facts/facts.ts';
import { saveServiceTags } from '#facts/save-service-tags.ts';
import { MAXIMUM_FILE_BYTES, objectionsTo, readServiceTagFile } from '#facts/service-tag-import.ts';
import { type ServiceTag, type ServiceTagTable, toServiceTagTable } from '#facts/service-tag-table.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { fileFault } from '#state/file-fault.ts';
import { stateFolder } from '#state/state-folder.ts';
import { type CommandWorld, REAL_WORLD } from './offline-command.ts';
import { findTagsInUse, type TagsInUse } from './tags-in-use.ts';

const HELP = `Usage: postern tags show [NAME] [--json]
       postern tags import FILE [--force] [--date YYYY-MM-DD]

  show      without NAME, where the tables come from and what tags there are; with NAME, what the tag stands for
  import    takes the newer service tags of FILE: Microsoft's ServiceTags_Public_<date>.json, or Postern's own form.
            Refused: a file that is not complete, and, unless --force is given, one with the whole Internet in a tag
            or with less than half of a tag that rules use
  --date    day of the data, where the name of the file does not say it
  --state   state folder; default $POSTERN_STATE, else the usual place
`;

export interface TagsWorld extends CommandWorld {
  readonly tagsInUse: (stateFolder: string) => Promise<TagsInUse>;
  readonly today: () => string;
}

const WORLD: TagsWorld = {
  ...REAL_WORLD,
  tagsInUse: findTagsInUse,
  today: () => new Date().toISOString().slice(0, 10),
};

const OPTIONS = {
  force: { type: 'boolean' },
  json: { type: 'boolean' },
  date: { type: 'string' },
  state: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** 0 for done, 1 for refused or not found, 2 for a command line that makes no sense. */
export async function runTags(args: readonly string[], world: TagsWorld = WORLD): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    // Node adds advice that is of no use here.
    const message = (error as Error).message.replace(/\. To specify .*$/s, '');
    world.error(`postern tags: ${message}\n${HELP}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [command, name, ...rest] = positionals;
  if (values.help || command === undefined) {
    world.out(HELP);
    return 0;
  }
  const folder = stateFolder({ env: world.env, override: values.state });
  try {
    if (command === 'show' && rest.length === 0)
      return show(loadFacts(folder), name, values.json ?? false, world);
    if (command === 'import' && name !== undefined && rest.length === 0)
      return await importFile(name, folder, values, world);
  } catch (error) {
    world.error(`postern tags: ${(error as Error).message}\n`);
    return 1;
  }
  world.error(`postern tags: cannot make sense of '${positionals.join(' ')}'.\n${HELP}`);
  return 2;
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}

function show(facts: Facts, name: string | undefined, json: boolean, world: TagsWorld): number {
  if (name === undefined) {
    world.out(json ? `${JSON.stringify(toOverview(facts))}\n` : describeAll(facts));
    return 0;
  }
  const tag = facts.serviceTagDetails(name);
  if (tag) {
    world.out(json ? `${JSON.stringify(tag)}\n` : describeServiceTag(tag));
    return 0;
  }
  const entries = facts.fqdnTag(name);
  if (!entries) {
    world.error(
      `postern tags: there is no service tag and no FQDN tag '${name}'. postern tags show lists them.\n`,
    );
    return 1;
  }
  const lines = entries.map(({ protocol, port, pattern }) => ({
    protocol,
    port,
    fqdn: formatFqdnPattern(pattern),
  }));
  const title = `${facts.fqdnTagName(name)}, FQDN tag, ${lines.length} names`;
  const body = lines.map(line => `  ${line.protocol}:${line.port}  ${line.fqdn}\n`).join('');
  world.out(
    json
      ? `${JSON.stringify({ name: facts.fqdnTagName(name), note: facts.fqdnTagNote(name), entries: lines })}\n`
      : `${title}\n${facts.fqdnTagNote(name)}\n${body}`,
  );
  return 0;
}

function toOverview(facts: Facts): object {
  return {
    serviceTags: { origin: facts.serviceTagOrigin, names: facts.serviceTagNames() },
    fqdnTags: { origin: facts.fqdnTagOrigin, names: facts.fqdnTagNames() },
  };
}

function describeAll(facts: Facts): string {
  const names = facts.serviceTagNames();
  const regionOf = (name: string) => facts.serviceTagDetails(name)?.region ?? '';
  const global = names.filter(name => regionOf(name) === '');
  const regions = new Set(names.map(regionOf)).size - 1;
  return [
    `Service tags: ${facts.serviceTagOrigin}`,
    `${names.length} tags: ${global.length} as below, most of them also by region (${regions} regions), such as AzureCloud.eastus`,
    ...global.map(name => `  ${name}`),
    '',
    `FQDN tags: ${facts.fqdnTagOrigin}`,
    ...facts.fqdnTagNames().map(name => `  ${name}`),
    '',
  ].join('\n');
}

function describeServiceTag(tag: ServiceTag): string {
  const where = tag.region === '' ? 'all regions' : tag.region;
  const lines = tag.prefixes.map(prefix => `  ${prefix}\n`).join('');
  return `${tag.name}, service tag, ${where}, change ${tag.changeNumber}, ${tag.prefixes.length} prefixes\n${lines}`;
}

async function importFile(
  path: string,
  folder: string,
  options: { readonly force?: boolean | undefined; readonly date?: string | undefined },
  world: TagsWorld,
): Promise<number> {
  const next = readCandidate(path, options.date ?? dateIn(path) ?? world.today());
  const current = loadFacts(folder);
  const used = await world.tagsInUse(folder);
  for (const silent of used.silent)
    world.error(`postern tags: ${silent} does not answer, so every tag counts as one that its rules use.\n`);
  const names = used.silent.length > 0 ? current.serviceTagNames() : used.destinations;
  const objections = objectionsTo(
    next,
    toTable(current),
    names.map(name => current.serviceTagName(name) ?? name),
  );
  for (const objection of objections) world.error(`postern tags: ${path}: ${objection}.\n`);
  if (objections.length > 0 && !options.force) {
    world.error('postern tags: nothing was changed; --force imports the file all the same.\n');
    return 1;
  }
  const saved = saveServiceTags(folder, next);
  const { changeNumber, date } = next.header;
  world.out(`Imported ${next.names.length} service tags, change ${changeNumber} of ${date}, to ${saved}\n`);
  return 0;
}

function readCandidate(path: string, date: string): ServiceTagTable {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new BadFactsFile(`'${date}' is not a day like 2026-01-31`);
  try {
    if (statSync(path).size > MAXIMUM_FILE_BYTES)
      throw new BadFactsFile(`it is larger than ${MAXIMUM_FILE_BYTES} bytes`);
    const origin = `imported from ${basename(path)}`;
    return readServiceTagFile(readFileSync(path), { origin, date });
  } catch (cause) {
    throw new BadFactsFile(`${path} was not imported: ${fileFault(cause)}.`, {
      cause,
    });
  }
}

/** `ServiceTags_Public_20260119.json` says its day. */
function dateIn(path: string): string | undefined {
  const match = /_(\d{4})(\d{2})(\d{2})\.json/i.exec(basename(path));
  return match ? `${match[1]}-${match[2]}-${match[3]}` : undefined;
}

function toTable(facts: Facts): ServiceTagTable {
  const tags = facts.serviceTagNames().flatMap(name => facts.serviceTagDetails(name) ?? []);
  return toServiceTagTable({ cloud: '', changeNumber: 0, origin: facts.serviceTagOrigin, date: '' }, tags);
}
