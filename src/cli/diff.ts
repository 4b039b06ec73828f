// `postern diff A B`: what two sets of rules decide differently, not how their texts differ. Offline and unprivileged.

import { SetNames } from '#analysis/diff/address-text.ts';
import { diffPolicies, type PolicyDiff } from '#analysis/diff/diff.ts';
import { toDiffJson } from '#analysis/diff/diff-json.ts';
import { describeDiff } from '#analysis/diff/diff-text.ts';
import { type AddressedSide, unlikeAddresses } from '#analysis/diff/unlike-addresses.ts';
import { inOrderOfRisk } from '#analysis/diff/weigh.ts';
import { NO_PUBLIC_IP } from '#compiler/resolve-policy.ts';
import type { AddressSet, ResolvedPolicy } from '#ir/policy.ts';
import { intersectRanges, mergeRanges, NEVER_A_TARGET } from '#net/ipv4.ts';
import { namedSets } from './named-sets.ts';
import { noticesOf } from './notices.ts';
import {
  begin,
  type CommandWorld,
  ERROR,
  OUTPUT_FLAGS,
  outputFaults,
  REAL_WORLD,
  USAGE,
} from './offline-command.ts';
import { POLICY_INPUT_FLAGS, POLICY_INPUT_HELP, type PolicyInput, readPolicySides } from './policy-input.ts';

const HELP = `Usage: postern diff A B [OPTIONS]

What becomes newly allowed, newly denied, or decided by another rule when the rules A are replaced by B: sources,
destinations or names, protocols and ports, each with the rule before and after. A and B are what --policy takes elsewhere:
FILE, FOLDER or store. Exit code 0 both mean the same, 3 they differ or the comparison was not finished, 1 error, 2 usage.

  --no-rules               leave out flows that are allowed or denied as before, in the same way, by another rule
  --all                    every entry and every address; without, long lists are cut short
  --max-boxes N            entries after which to stop; default 50000
  -o, --output json|text   default text; json has every address, and none that no flow may use

Names of network rules stand for addresses that are not known here. An address with several names goes by the one whose
rule comes first. Feeds of threat intelligence count as empty, and names of DNAT targets as resolved.

Options for reading A and B, the same for both; it is enough when one of the two has what is named:
${POLICY_INPUT_HELP.slice(POLICY_INPUT_HELP.indexOf('  --name'))}`;

const { policy: _policy, ...INPUT_FLAGS } = POLICY_INPUT_FLAGS;
const OPTIONS = {
  ...INPUT_FLAGS,
  'no-rules': { type: 'boolean' },
  all: { type: 'boolean' },
  'max-boxes': { type: 'string' },
  ...OUTPUT_FLAGS,
} as const;

const SAME = 0;
const DIFFERENT = 3;

export async function runDiff(args: readonly string[], world: CommandWorld = REAL_WORLD): Promise<number> {
  const begun = begin(args, world, { command: 'diff', help: HELP, options: OPTIONS, positionals: true });
  if (begun.ended !== undefined) return begun.ended;
  const { values, positionals, refuse } = begun;
  const { output = 'text', 'max-boxes': boxes = '50000', 'no-rules': withoutRules = false } = values;
  const usage: string[] = [];
  if (positionals.length !== 2) usage.push('two sets of rules are needed: postern diff A B.');
  usage.push(...outputFaults(output));
  if (!/^[1-9]\d{0,8}$/.test(boxes)) usage.push(`--max-boxes ${boxes}: a number from 1.`);
  if (usage.length > 0) return refuse(USAGE, ...usage);

  const [first = '', second = ''] = positionals;
  const read = await readPolicySides([first, second], values, world);
  if (read.faults) return refuse(read.usage ? USAGE : ERROR, ...read.faults);
  const { inputs } = read;
  const [before, after] = [inputs[0].policy, inputs[1].policy];
  const diff = diffPolicies(before, after, { rules: !withoutRules, maxEntries: Number(boxes) });
  const entries = inOrderOfRisk(diff.entries);
  const unlike = unlikeAddresses(addressedSide(inputs[0]), addressedSide(inputs[1]));
  if (output === 'json') for (const piece of toDiffJson(diff, entries, unlike)) world.out(piece);
  else {
    const unusable = intersectRanges(unusableUnder(before), unusableUnder(after));
    const named = new SetNames(inputs.flatMap(namedSets), unusable);
    for (const line of describeDiff(diff, entries, {
      unusable,
      named,
      unlike,
      all: values.all ?? false,
    }))
      world.out(`${line}\n`);
  }
  // What is left aside is no difference.
  const untold = inputs.map(input => ({
    ...input,
    ignored: [],
    warnings: input.warnings.filter(({ code }) => unlike === undefined || code !== NO_PUBLIC_IP),
  }));
  if (!values.quiet) refuse(SAME, ...noticesOf(...untold));
  return isEmpty(diff) ? SAME : DIFFERENT;
}

function addressedSide({ policy, warnings, describe }: PolicyInput): AddressedSide {
  return { policy, undescribed: warnings.filter(({ code }) => code === NO_PUBLIC_IP).map(describe) };
}

function isEmpty({ entries, renamed, settings, unfinished }: PolicyDiff): boolean {
  return entries.length + renamed.length + settings.length + unfinished.length === 0;
}

/** Addresses that are neither source nor destination of a flow that rules decide. */
function unusableUnder({ privateAddress, publicIps }: ResolvedPolicy): AddressSet {
  const own = [privateAddress, ...publicIps.map(({ address }) => address)];
  return mergeRanges([...NEVER_A_TARGET, ...own.map(address => ({ first: address, last: address }))]);
}
