// What every offline command judges: `--policy FILE|FOLDER|store` and its companions become the subject (a firewall or a
// policy), the documents around it and the one `ResolvedPolicy`. Files are read here, and nothing else: no privileges, no
// network, nothing is changed. All faults come back together, each with its file and path.

import { plainLine } from '#analysis/plain-line.ts';
import { type ArmDocument, type Documents, toDocuments } from '#arm/arm-document.ts';
import { idKey } from '#arm/resource-id.ts';
import { type Finding, resolvePolicy } from '#compiler/resolve-policy.ts';
import { describeFinding } from '#documents/describe-finding.ts';
import { pickSubject } from '#documents/policy-subject.ts';
import {
  type DocumentFile,
  type DocumentPlace,
  formatDocumentFault,
  type IgnoredResource,
  NO_SITE,
  type PlacedDocument,
  readDocuments,
} from '#documents/read-documents.ts';
import { adviceToSave } from '#documents/save-command.ts';
import { type Facts, loadFacts } from '#facts/facts.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import {
  POLICY_OPTION_FLAGS,
  POLICY_OPTION_HELP,
  type PolicyOptionValues,
  policyOptionsOf,
} from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { fileFault } from '#state/file-fault.ts';
import { labFolder, routerFolder, stateFolder } from '#state/state-folder.ts';
import { readParameters, readPolicyFiles } from './policy-files.ts';
import { readStore } from './policy-store.ts';

/** The word that stands for Postern's own rules; a file of that name is written ./store. */
const STORE = 'store';

/** For the options of Node's `parseArgs`; `policyInputOf` reads what it found. */
export const POLICY_INPUT_FLAGS = {
  policy: { type: 'string', multiple: true },
  name: { type: 'string' },
  firewall: { type: 'string' },
  'firewall-policy': { type: 'string' },
  parameters: { type: 'string', multiple: true },
  subscription: { type: 'string' },
  'resource-group': { type: 'string' },
  location: { type: 'string' },
  state: { type: 'string' },
  ...POLICY_OPTION_FLAGS,
} as const;

export const POLICY_INPUT_HELP = `\
  --policy FILE|FOLDER|store
                             the rules: JSON that az prints (network firewall show, network firewall policy show, policy
                             rule-collection-group list, ip-group list, public-ip list), an ARM template, an export, or a
                             folder of such files; store means what Postern holds on this machine. May be given several
                             times
  --name LAB                 with --policy store: the lab that is meant, not the router
  --firewall NAME            the firewall that is meant, where there are several
  --firewall-policy NAME     the firewall policy that is meant, where there are several or a firewall has it
  --parameters FILE|KEY=VALUE
                             values for the parameters of templates; may be given several times
  --subscription ID, --resource-group NAME, --location NAME
                             where templates are meant to be deployed: their ids are made of the first two
  --state FOLDER             where imported service tags lie; default $POSTERN_STATE, else the usual place
${POLICY_OPTION_HELP}`;

export interface PolicyInput {
  readonly subject: ArmDocument;
  readonly documents: Documents;
  readonly policy: ResolvedPolicy;
  readonly warnings: readonly Finding[];
  readonly facts: Facts;
  readonly options: PolicyOptions;
  /** What was read and says nothing about what a firewall does. */
  readonly ignored: readonly IgnoredResource[];
  /**
   * Where the resource with this id stands, or a member of it such as `properties.priority`; undefined for one that no file
   * describes.
   */
  fileOf(id: string, target?: string): DocumentPlace | undefined;
  /** A finding with its file, line and path, for people. */
  describe(finding: Finding): string;
}

export type PolicyInputResult =
  | { readonly input: PolicyInput; readonly faults?: undefined }
  /** Complete lines, without the name of the command. `usage` where the command line makes no sense. */
  | { readonly input?: undefined; readonly faults: readonly string[]; readonly usage: boolean };

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

type DocumentInputResult =
  | { readonly read: DocumentInput; readonly faults?: undefined }
  | { readonly read?: undefined; readonly faults: readonly string[]; readonly usage: boolean };

/** `values` is what `parseArgs` made of `POLICY_INPUT_FLAGS`; it may hold other options too. */
export async function readPolicyInput(
  values: PolicyOptionValues,
  world: PolicyInputWorld,
): Promise<PolicyInputResult> {
  const result = await readDocumentInput(values, world);
  if (!result.read) return refuse(result.faults, result.usage);
  const { placed, ...known } = result.read;
  return resolveInput(placed, values, known);
}

/** The documents alone; `alsoTypes` are types of resources that are read besides, in lower case. */
export async function readDocumentInput(
  values: PolicyOptionValues,
  { env }: PolicyInputWorld,
  alsoTypes: readonly string[] = [],
): Promise<DocumentInputResult> {
  const paths = [values.policy ?? []].flat().map(String);
  const { options, faults: optionFaults } = policyOptionsOf(values);
  const usage = [...optionFaults];
  if (paths.length === 0) usage.push('--policy is missing: name a file or a folder that holds the rules.');
  if (values.firewall !== undefined && values['firewall-policy'] !== undefined)
    usage.push('--firewall and --firewall-policy exclude each other.');
  if (usage.length > 0) return { faults: usage, usage: true };

  const read = await readAll(paths, values, env, alsoTypes);
  if (read.faults.length > 0) return { faults: read.faults, usage: false };
  let facts: Facts;
  try {
    facts = loadFacts(stateFolder({ env, override: text(values.state) }));
  } catch (error) {
    return { faults: [(error as Error).message], usage: false };
  }
  return {
    read: { placed: read.documents, ignored: read.ignored, options, facts, from: paths.join(', ') },
  };
}

async function readAll(
  paths: readonly string[],
  values: PolicyOptionValues,
  env: PolicyInputWorld['env'],
  alsoTypes: readonly string[],
): Promise<{
  readonly documents: readonly PlacedDocument[];
  readonly ignored: readonly IgnoredResource[];
  readonly faults: readonly string[];
}> {
  const { files, faults } = readPolicyFiles(paths.filter(path => path !== STORE));
  const { parameters, faults: parameterFaults } = readParameters(
    [values.parameters ?? []].flat().map(String),
  );
  let problems: readonly string[] = [...faults, ...parameterFaults];
  const all: DocumentFile[] = [...files];
  if (paths.includes(STORE)) {
    const lab = text(values.name);
    const where = { env, override: text(values.state) };
    const folder = lab === undefined ? routerFolder(where) : labFolder(lab, where);
    try {
      all.push(await readStore(folder));
    } catch (error) {
      problems = [...problems, `${folder}: ${fileFault(error)}`];
    }
  } else if (values.name !== undefined)
    problems = problems.concat('--name names a lab; it goes with --policy store.');
  const site = {
    subscriptionId: text(values.subscription) ?? NO_SITE.subscriptionId,
    resourceGroup: text(values['resource-group']) ?? NO_SITE.resourceGroup,
    location: text(values.location),
  };
  const read = readDocuments(all, { site, parameters, alsoTypes });
  problems = problems.concat(read.faults.map(formatDocumentFault));
  // A file that could not be read may be the template that has it.
  if (problems.length === 0)
    problems = read.unknownParameters.map(name => `--parameters: no template has a parameter '${name}'.`);
  return { documents: read.documents, ignored: read.ignored, faults: problems };
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
  const byId = new Map(placed.map(found => [idKey(found.document.id), found]));
  const fileOf = (id: string, target = ''): DocumentPlace | undefined => byId.get(idKey(id))?.locate(target);
  const picked = pickSubject(documents, {
    firewall: text(values.firewall),
    firewallPolicy: text(values['firewall-policy']),
  });
  if (picked.subject === undefined) return refuse([`${from}: ${picked.fault}`]);
  const { subject } = picked;
  const resolution = resolvePolicy(subject, documents, { ...known, publicIpsMayBeMissing: true });
  const describe = (finding: Finding): string =>
    `${describeFinding(finding, fileOf, from)}${adviceToSave(finding, documents)}`;
  if (resolution.faults) return refuse(resolution.faults.map(describe));
  const { policy, warnings } = resolution;
  return { input: { subject, documents, policy, warnings, fileOf, describe, ...known } };
}

/** What the user should know about the rules that were read, each a line: warnings, and what was left aside. */
export function noticesOf({
  warnings,
  ignored,
  describe,
}: Pick<PolicyInput, 'warnings' | 'ignored' | 'describe'>): string[] {
  const byType = new Map<string, string[]>();
  for (const { type, name } of ignored) byType.set(type, [...(byType.get(type) ?? []), name]);
  const aside = [...byType].map(([type, names]) => `${type} ${shorten(names)}`);
  return [
    ...warnings.map(warning => `warning: ${describe(warning)}`),
    ...(aside.length === 0 ? [] : [`ignored, as it says nothing about the rules: ${aside.join('; ')}`]),
  ].map(plainLine);
}

/** Of one type in a message. */
const MOST_NAMES = 3;

function shorten(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** One fault often brings others; the first ones tell. */
const MOST_FAULTS = 1000;

function refuse(faults: readonly string[], usage = false): PolicyInputResult {
  const told = faults.slice(0, MOST_FAULTS).map(plainLine);
  const more = faults.length - told.length;
  return { faults: more > 0 ? [...told, `and ${more} more faults, which are not told`] : told, usage };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
