// What every offline command judges: `--policy FILE|FOLDER|store` and its companions become the subject (a firewall or a
// policy), the documents around it and the one `ResolvedPolicy`. Files are read here, and nothing else: no privileges, no
// network, nothing is changed. All faults come back together, each with its file and path.

import { plainLine } from '#analysis/plain-line.ts';
import { type ArmDocument, type Documents, toDocuments } from '#arm/arm-document.ts';
import { idKey } from '#arm/resource-id.ts';
import { type Finding, resolvePolicy } from '#compiler/resolve-policy.ts';
import { describeFinding } from '#documents/describe-finding.ts';
import { hasSubject, pickSubject, type SubjectWish } from '#documents/policy-subject.ts';
import {
  type DocumentFault,
  type DocumentPlace,
  formatDocumentFault,
  type IgnoredResource,
} from '#documents/read-documents.ts';
import { adviceToSave } from '#documents/save-command.ts';
import type { Facts } from '#facts/facts.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import {
  POLICY_OPTION_FLAGS,
  POLICY_OPTION_HELP,
  type PolicyOptionValues,
} from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { type DocumentInput, findDocuments, type PolicyInputWorld, STORE } from './policy-documents.ts';

/** For the options of Node's `parseArgs`; `policyInputOf` reads what it found. */
export const POLICY_INPUT_FLAGS = {
  policy: { type: 'string', multiple: true },
  name: { type: 'string' },
  router: { type: 'boolean' },
  firewall: { type: 'string' },
  'firewall-policy': { type: 'string' },
  parameters: { type: 'string', multiple: true },
  subscription: { type: 'string' },
  'resource-group': { type: 'string' },
  location: { type: 'string' },
  state: { type: 'string' },
  quiet: { type: 'boolean', short: 'q' },
  ...POLICY_OPTION_FLAGS,
} as const;

export const POLICY_INPUT_HELP = `\
  --policy FILE|FOLDER|store
                             the rules: JSON that az prints (network firewall show, network firewall policy show, policy
                             rule-collection-group list, ip-group list, public-ip list), an ARM template, an export, or a
                             folder of such files; store means what Postern holds on this machine. May be given several
                             times
  --name LAB, --router       with --policy store: the lab that is meant, or this machine as a router. Without: the lab of
                             $POSTERN_LAB, else the only one that is up, else the router
  --firewall NAME            the firewall that is meant, where there are several
  --firewall-policy NAME     the firewall policy that is meant, where there are several or a firewall has it
  --parameters FILE|KEY=VALUE
                             values for the parameters of templates; may be given several times
  --subscription ID, --resource-group NAME, --location NAME
                             where templates are meant to be deployed: their ids are made of the first two
  --state FOLDER             where imported service tags lie; default $POSTERN_STATE, else the usual place
  -q, --quiet                no warnings, and nothing about what was left aside
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
  /** A finding with its file and line, for people. */
  describe(finding: Finding): string;
}

/** Complete lines, without the name of the command. `usage` where the command line makes no sense. */
interface Refused {
  readonly input?: undefined;
  readonly inputs?: undefined;
  readonly faults: readonly string[];
  readonly usage: boolean;
}

export type PolicyInputResult = { readonly input: PolicyInput; readonly faults?: undefined } | Refused;

/** `values` is what `parseArgs` made of `POLICY_INPUT_FLAGS`; it may hold other options too. */
export async function readPolicyInput(
  values: PolicyOptionValues,
  world: PolicyInputWorld,
): Promise<PolicyInputResult> {
  const wish = wishOf(values);
  if (wish.firewall !== undefined && wish.firewallPolicy !== undefined)
    return refuse(['--firewall and --firewall-policy exclude each other.'], true);
  const found = await findDocuments(values, world);
  if (!found.read) return refuse(found.faults, found.usage);
  const { unused } = found.read;
  return unused.length > 0 ? refuse(unused) : resolveInput(found.read, wish);
}

export type PolicySidesResult =
  | { readonly inputs: readonly [PolicyInput, PolicyInput]; readonly faults?: undefined }
  | Refused;

/** Two sets of rules with the same flags: it is enough when one of them has a use for what only one can use. */
export async function readPolicySides(
  [first, second]: readonly [string, string],
  values: PolicyOptionValues,
  world: PolicyInputWorld,
): Promise<PolicySidesResult> {
  const before = await findDocuments({ ...values, policy: [first] }, world);
  const after = await findDocuments({ ...values, policy: [second] }, world);
  if (!before.read || !after.read) {
    const faults = new Set([...(before.faults ?? []), ...(after.faults ?? [])]);
    return refuse(
      [...faults],
      [before, after].every(side => side.read || side.usage),
    );
  }
  const [one, other] = [before.read, after.read];
  const unused = one.unused.filter(line => other.unused.includes(line));
  if (unused.length > 0) return refuse(unused);
  const wish = wishOf(values);
  const wishFor = (side: DocumentInput, another: DocumentInput): SubjectWish =>
    wishOfSide(wish, documentsOf(side), documentsOf(another));
  const { input: old, faults: oldFaults = [] } = resolveInput(one, wishFor(one, other));
  const { input: recent, faults: recentFaults = [] } = resolveInput(other, wishFor(other, one));
  return old && recent ? { inputs: [old, recent] } : refuse([...new Set([...oldFaults, ...recentFaults])]);
}

function wishOf(values: PolicyOptionValues): SubjectWish {
  return { firewall: text(values.firewall), firewallPolicy: text(values['firewall-policy']) };
}

/** Without what only the other side has. */
function wishOfSide(wish: SubjectWish, own: Documents, others: Documents): SubjectWish {
  const isMeant = (one: SubjectWish): boolean => hasSubject(own, one) || !hasSubject(others, one);
  const { firewall, firewallPolicy } = wish;
  return {
    ...(firewall !== undefined && isMeant({ firewall }) && { firewall }),
    ...(firewallPolicy !== undefined && isMeant({ firewallPolicy }) && { firewallPolicy }),
  };
}

function documentsOf({ placed }: DocumentInput): Documents {
  return toDocuments(placed.map(({ document }) => document));
}

function resolveInput(read: DocumentInput, wish: SubjectWish): PolicyInputResult {
  const { from, ignored, facts, options } = read;
  const documents = documentsOf(read);
  const byId = new Map(read.placed.map(found => [idKey(found.document.id), found]));
  const fileOf = (id: string, target = ''): DocumentPlace | undefined => byId.get(idKey(id))?.locate(target);
  if (wish.firewall !== undefined && wish.firewallPolicy !== undefined)
    return refuse([`${from}: --firewall and --firewall-policy both name what is here; name one of them.`]);
  const picked = pickSubject(documents, wish, from === STORE);
  if (picked.subject === undefined) return refuse([`${from}: ${picked.fault}`]);
  const { subject } = picked;
  const resolution = resolvePolicy(subject, documents, { facts, options, publicIpsMayBeMissing: true });
  const describeAs = (format: (fault: DocumentFault) => string) => (finding: Finding) =>
    `${describeFinding(finding, fileOf, from, format)}${adviceToSave(finding, documents)}`;
  if (resolution.faults) return refuse(resolution.faults.map(describeAs(formatDocumentFault)));
  const { policy, warnings } = resolution;
  const describe = describeAs(({ place: { file, line }, message }) => `${file}:${line}: ${message}`);
  return { input: { subject, documents, policy, warnings, fileOf, describe, ignored, facts, options } };
}

/** One fault often brings others; the first ones tell. */
const MOST_FAULTS = 1000;

function refuse(faults: readonly string[], usage = false): Refused {
  const told = faults.slice(0, MOST_FAULTS).map(plainLine);
  const more = faults.length - told.length;
  return { faults: more > 0 ? [...told, `and ${more} more faults, which are not told`] : told, usage };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
