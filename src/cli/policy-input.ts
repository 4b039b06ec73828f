// What every offline command judges: `--policy FILE|FOLDER|store` and its companions become the subject (a firewall or a
// policy), the documents around it and the one `ResolvedPolicy`. Files are read here, and nothing else: no privileges, no
// network, nothing is changed. All faults come back together, each with its file and path.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ArmDocument, type Documents, toDocuments } from '#arm/arm-document.ts';
import { idKey } from '#arm/resource-id.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import {
  type DocumentFile,
  type DocumentPlace,
  formatDocumentFault,
  type IgnoredResource,
  type PlacedDocument,
  readDocuments,
} from '#documents/read-documents.ts';
import { type Facts, loadFacts } from '#facts/facts.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import type { Diagnostic } from '#ir/program.ts';
import {
  POLICY_OPTION_FLAGS,
  POLICY_OPTION_HELP,
  type PolicyOptionValues,
  policyOptionsOf,
} from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { fileFault } from '#state/file-fault.ts';
import { stateFolder } from '#state/state-folder.ts';
import { pickSubject } from './policy-subject.ts';

/** For the options of Node's `parseArgs`; `policyInputOf` reads what it found. */
export const POLICY_INPUT_FLAGS = {
  policy: { type: 'string', multiple: true },
  firewall: { type: 'string' },
  'firewall-policy': { type: 'string' },
  state: { type: 'string' },
  ...POLICY_OPTION_FLAGS,
} as const;

export const POLICY_INPUT_HELP = `\
  --policy FILE|FOLDER     the rules: JSON that az prints (network firewall show, network firewall policy show, policy
                           rule-collection-group list, ip-group list, public-ip list) or a folder of such files; may
                           be given several times
  --firewall NAME          the firewall that is meant, where there are several
  --firewall-policy NAME   the firewall policy that is meant, where there are several or a firewall has it
  --state FOLDER           where imported service tags lie; default $POSTERN_STATE, else the usual place
${POLICY_OPTION_HELP}`;

export interface PolicyInput {
  readonly subject: ArmDocument;
  readonly documents: Documents;
  readonly policy: ResolvedPolicy;
  readonly warnings: readonly Diagnostic[];
  readonly facts: Facts;
  readonly options: PolicyOptions;
  /** What was read and says nothing about what a firewall does. */
  readonly ignored: readonly IgnoredResource[];
  /** Where the resource with this id stands; undefined for one that no file describes. */
  fileOf(id: string): DocumentPlace | undefined;
}

export type PolicyInputResult =
  | { readonly input: PolicyInput; readonly faults?: undefined }
  /** Complete lines, without the name of the command. `usage` where the command line makes no sense. */
  | { readonly input?: undefined; readonly faults: readonly string[]; readonly usage: boolean };

export interface PolicyInputWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `values` is what `parseArgs` made of `POLICY_INPUT_FLAGS`; it may hold other options too. */
export async function readPolicyInput(
  values: PolicyOptionValues,
  { env }: PolicyInputWorld,
): Promise<PolicyInputResult> {
  const paths = [values.policy ?? []].flat().map(String);
  const { options, faults: optionFaults } = policyOptionsOf(values);
  const usage = [...optionFaults];
  if (paths.length === 0) usage.push('--policy is missing: name a file or a folder that holds the rules.');
  if (values.firewall !== undefined && values['firewall-policy'] !== undefined)
    usage.push('--firewall and --firewall-policy exclude each other.');
  if (usage.length > 0) return { faults: usage, usage: true };

  const files = readFiles(paths);
  if (files.faults.length > 0) return refuse(files.faults);
  const read = readDocuments(files.files);
  if (read.faults.length > 0) return refuse(read.faults.map(formatDocumentFault));
  return resolveInput(read.documents, values, {
    ignored: read.ignored,
    options,
    facts: loadFacts(stateFolder({ env, override: text(values.state) })),
    from: paths.join(', '),
  });
}

function resolveInput(
  placed: readonly PlacedDocument[],
  values: PolicyOptionValues,
  {
    from,
    ...known
  }: {
    readonly ignored: readonly IgnoredResource[];
    readonly options: PolicyOptions;
    readonly facts: Facts;
    readonly from: string;
  },
): PolicyInputResult {
  const documents = toDocuments(placed.map(({ document }) => document));
  const places = new Map(placed.map(({ document, place }) => [idKey(document.id), place]));
  const fileOf = (id: string): DocumentPlace | undefined => places.get(idKey(id));
  const picked = pickSubject(documents, {
    firewall: text(values.firewall),
    firewallPolicy: text(values['firewall-policy']),
  });
  if (picked.subject === undefined) return refuse([`${from}: ${picked.fault}`]);
  const { subject } = picked;
  const resolution = resolvePolicy(subject, documents, known);
  const where = fileOf(subject.id)?.file ?? from;
  if (resolution.faults) return refuse(resolution.faults.map(fault => describe(where, fault)));
  const { policy, warnings } = resolution;
  return { input: { subject, documents, policy, warnings, fileOf, ...known } };
}

/** `policy.json: properties.priority: message`. */
export function describe(where: string, { target, message }: Diagnostic): string {
  return `${where}: ${target === '' ? '' : `${target}: `}${message}`;
}

function readFiles(paths: readonly string[]): { files: DocumentFile[]; faults: string[] } {
  const files: DocumentFile[] = [];
  const faults: string[] = [];
  for (const path of paths) {
    try {
      for (const file of statSync(path).isDirectory() ? filesIn(path) : [path])
        files.push({ file, text: readFileSync(file, 'utf8') });
    } catch (error) {
      faults.push(`${path}: ${fileFault(error)}`);
    }
  }
  return { files, faults };
}

function filesIn(folder: string): string[] {
  const names = readdirSync(folder).filter(name => /\.jsonc?$/i.test(name) && !name.startsWith('.'));
  if (names.length === 0) throw new Error('the folder holds no JSON file');
  return names.sort().map(name => join(folder, name));
}

function refuse(faults: readonly string[]): PolicyInputResult {
  return { faults, usage: false };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
