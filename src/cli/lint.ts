// `postern lint`: what is wrong, too wide or without effect in a set of rules, and what AKS needs and does not get. Offline and
// unprivileged; the checks are in analysis/lint.

import { readFileSync, writeFileSync } from 'node:fs';
import { isAtLeast } from '#analysis/lint/finding.ts';
import { type LintOptions, lint } from '#analysis/lint/lint.ts';
import {
  describeCodes,
  describeFindings,
  type PlacedFinding,
  toLintJson,
} from '#analysis/lint/lint-report.ts';
import { toSarif } from '#analysis/lint/sarif.ts';
import { loadAksOutbound } from '#facts/facts.ts';
import { writeFault } from '#state/file-fault.ts';
import { LINT_FLAGS, type LintArguments, readLintArguments } from './lint-options.ts';
import { noticesOf } from './notices.ts';
import { begin, type CommandWorld, ERROR, REAL_WORLD, USAGE } from './offline-command.ts';
import { POLICY_INPUT_HELP, type PolicyInput, readPolicyInput } from './policy-input.ts';

const HELP = `Usage: postern lint --policy FILE|FOLDER|store [OPTIONS]

What is wrong with a set of rules: rules that never decide or can go, that allow too much, that Microsoft advises against, and
what an AKS cluster needs and does not get. Exit code 0 nothing found, 3 something at or above --fail-on, 1 error, 2 usage.

  --list                   all codes, a line each
  --disable CODE[,CODE]    leave out findings of these codes; may be given several times
  --fail-on SEVERITY       error, warning (default) or note
  -o, --output FORMAT      text (default), json or sarif
  --sarif FILE             write SARIF 2.1.0 to a file as well
  --resolve NAME=ADDRESS[,ADDRESS]...
                           which addresses a name has, for names that share an address
  --connections N          connections at the same time to one destination; are there SNAT ports enough?
  --instances N            instances of the firewall, for --connections; default 2

  --aks                    hold the rules against what AKS needs, in the region of --location, or else the firewall's
  --cloud CLOUD            AzureCloud (default), AzureChinaCloud or AzureUSGovernment
  --features NAME[,NAME]   what the cluster has: gpu, azure-monitor, azure-policy, ...; all for all of them
  --from SUBNET            addresses of the nodes; default the sources that get most of what AKS needs
  --all                    each missing need by itself, also where most are missing and one finding would do
  --api-server ADDRESS     public address of the API server
  --dns-server ADDRESS     DNS server of the network, where it is not Azure's or the firewall
  --private-cluster        the API server has a private address

${POLICY_INPUT_HELP}`;

const CLEAN = 0;
const FOUND = 3;

export async function runLint(args: readonly string[], world: CommandWorld = REAL_WORLD): Promise<number> {
  const begun = begin(args, world, { command: 'lint', help: HELP, options: LINT_FLAGS });
  if (begun.ended !== undefined) return begun.ended;
  const { values, refuse } = begun;
  if (values.list) {
    world.out(describeCodes());
    return CLEAN;
  }
  const { arguments: given, faults } = readLintArguments(values, loadAksOutbound);
  if (faults.length > 0) return refuse(USAGE, ...faults);
  const read = await readPolicyInput(values, world);
  if (read.faults) return refuse(read.usage ? USAGE : ERROR, ...read.faults);
  const { input } = read;
  const options = optionsOf(given, input);
  if (typeof options === 'string') return refuse(USAGE, options);

  const findings: PlacedFinding[] = lint(input, options)
    .filter(({ code }) => !given.disabled.has(code))
    .map(finding => ({ ...finding, place: input.fileOf(finding.resource, finding.target) }));
  const sarif = () => `${JSON.stringify(toSarif(findings, versionOf()), undefined, 2)}\n`;
  if (values.sarif !== undefined) {
    try {
      writeFileSync(values.sarif, sarif());
    } catch (error) {
      return refuse(ERROR, `${values.sarif}: ${writeFault(error)}`);
    }
  }
  if (given.output === 'json') world.out(`${JSON.stringify(toLintJson(findings), undefined, 2)}\n`);
  else world.out(given.output === 'sarif' ? sarif() : describeFindings(findings));
  // What is worth a warning is among the findings.
  if (!values.quiet) refuse(CLEAN, ...noticesOf({ ...input, warnings: [] }));
  return findings.some(({ severity }) => isAtLeast(severity, given.failOn)) ? FOUND : CLEAN;
}

/** A text says what is wrong. */
function optionsOf(
  { names, connections, cluster, eachByItself, disabled }: LintArguments,
  { subject, facts }: PolicyInput,
): LintOptions | string {
  const common = { names, ...(connections && { connections }) };
  if (!cluster) return common;
  const location = (cluster.location ?? subject.location ?? '').toLowerCase().replaceAll(' ', '');
  if (location === '')
    return `--location is missing: the region of the cluster, since ${subject.name} does not say one.`;
  if (cluster.cloud === 'AzureCloud' && !facts.serviceTag(`AzureCloud.${location}`))
    return `--location ${location}: there is no such region in the table of service tags.`;
  const question = { outbound: loadAksOutbound(), eachByItself, leftOut: disabled };
  return { ...common, aks: { cluster: { ...cluster, location }, ...question } };
}

function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
