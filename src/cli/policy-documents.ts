// The documents behind `--policy`: files, folders and what Postern holds, read with the values that templates need. Nothing is
// judged here. All faults come back together; what the command line gives and nothing read has a use for is told apart from them,
// since of two sets of rules one may have it.

import {
  type DocumentFile,
  formatDocumentFault,
  type IgnoredResource,
  NO_SITE,
  type PlacedDocument,
  readDocuments,
} from '#documents/read-documents.ts';
import { type Facts, loadFacts } from '#facts/facts.ts';
import { type PolicyOptionValues, policyOptionsOf } from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { fileFault } from '#state/file-fault.ts';
import { stateFolder } from '#state/state-folder.ts';
import { readParameters, readPolicyFiles } from './policy-files.ts';
import { readStore, storeFolder } from './policy-store.ts';

/** The word that stands for Postern's own rules; a file of that name is written ./store. */
export const STORE = 'store';

export interface PolicyInputWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** All that was read, for commands that ask about more than one firewall's rules. */
export interface DocumentInput {
  readonly placed: readonly PlacedDocument[];
  readonly ignored: readonly IgnoredResource[];
  readonly facts: Facts;
  readonly options: PolicyOptions;
  /** What was named, for messages. */
  readonly from: string;
}

interface FoundDocuments extends DocumentInput {
  /** A line for each thing that was given and that nothing which was read has a use for. */
  readonly unused: readonly string[];
}

/** Complete lines, without the name of the command. `usage` where the command line makes no sense. */
export interface InputFaults {
  readonly read?: undefined;
  readonly faults: readonly string[];
  readonly usage: boolean;
}

/** The documents alone; `alsoTypes` are types of resources that are read besides, in lower case. */
export async function readDocumentInput(
  values: PolicyOptionValues,
  world: PolicyInputWorld,
  alsoTypes: readonly string[] = [],
): Promise<{ readonly read: DocumentInput; readonly faults?: undefined } | InputFaults> {
  const found = await findDocuments(values, world, alsoTypes);
  if (!found.read || found.read.unused.length === 0) return found;
  return { faults: found.read.unused, usage: false };
}

/** As `readDocumentInput`, and the caller decides what is to become of what nothing has a use for. */
export async function findDocuments(
  values: PolicyOptionValues,
  { env }: PolicyInputWorld,
  alsoTypes: readonly string[] = [],
): Promise<{ readonly read: FoundDocuments; readonly faults?: undefined } | InputFaults> {
  const paths = [values.policy ?? []].flat().map(String);
  const { options, faults: optionFaults } = policyOptionsOf(values);
  const usage = [...optionFaults];
  if (paths.length === 0) usage.push('--policy is missing: name a file or a folder that holds the rules.');
  if (usage.length > 0) return { faults: usage, usage: true };

  const { faults, ...read } = await readAll(paths, values, env, alsoTypes);
  if (faults.length > 0) return { faults, usage: false };
  let facts: Facts;
  try {
    facts = loadFacts(stateFolder({ env, override: text(values.state) }));
  } catch (error) {
    return { faults: [(error as Error).message], usage: false };
  }
  return { read: { ...read, options, facts, from: paths.join(', ') } };
}

async function readAll(
  paths: readonly string[],
  values: PolicyOptionValues,
  env: PolicyInputWorld['env'],
  alsoTypes: readonly string[],
): Promise<Pick<FoundDocuments, 'placed' | 'ignored' | 'unused'> & { readonly faults: readonly string[] }> {
  const { files, faults } = readPolicyFiles(paths.filter(path => path !== STORE));
  const { parameters, faults: parameterFaults } = readParameters(
    [values.parameters ?? []].flat().map(String),
  );
  const problems: string[] = [...faults, ...parameterFaults];
  const all: DocumentFile[] = [...files];
  const unused: string[] = [];
  if (paths.includes(STORE)) {
    let place = STORE;
    try {
      place = storeFolder(
        { lab: text(values.name), router: values.router === true },
        env,
        text(values.state),
      );
      all.push(await readStore(place, { env, override: text(values.state) }));
    } catch (error) {
      problems.push(`${place}: ${fileFault(error)}`);
    }
  } else {
    if (values.name !== undefined) unused.push('--name names a lab; it goes with --policy store.');
    if (values.router === true) unused.push('--router means this machine; it goes with --policy store.');
  }
  const site = {
    subscriptionId: text(values.subscription) ?? NO_SITE.subscriptionId,
    resourceGroup: text(values['resource-group']) ?? NO_SITE.resourceGroup,
    location: text(values.location),
  };
  const read = readDocuments(all, { site, parameters, alsoTypes });
  for (const fault of read.faults) problems.push(formatDocumentFault(fault));
  for (const name of read.unknownParameters)
    unused.push(`--parameters: no template has a parameter '${name}'.`);
  return { placed: read.documents, ignored: read.ignored, unused, faults: problems };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
