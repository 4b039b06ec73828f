// `postern explain`: the whole way of a flow and back, through what runs here (a lab, the gateway of this router) or through what
// files describe. Reads and asks; changes nothing.

import { parseArgs } from 'node:util';
import { explain, prepareExplanation } from '#analysis/explain/explain.ts';
import { explanationJson, explanationText } from '#analysis/explain/explain-text.ts';
import { BALANCER_TYPE, INTERFACE_TYPE, SCALE_SET_INTERFACE_TYPE } from '#analysis/explain/interfaces.ts';
import type { QuestionFault } from '#analysis/question.ts';
import { POLICY_OPTION_FLAGS } from '#model/policy-option-flags.ts';
import { answerFor, namesInForce, namesOfTargets, networkOf, serversOf, toNumbers } from './explain-facts.ts';
import { describeFlowFault, FLOW_FLAGS, readResolved } from './flow-options.ts';
import {
  begin,
  type CommandWorld,
  ERROR,
  OUTPUT_FLAGS,
  outputFaults,
  REAL_WORLD,
  USAGE,
  type ValuesOf,
} from './offline-command.ts';
import { readDocumentInput } from './policy-documents.ts';
import { POLICY_INPUT_FLAGS, POLICY_INPUT_HELP } from './policy-input.ts';
import type { RunningPlace, RunningWorld } from './running-place.ts';

/** Without the flags that pick a firewall. */
const HELP_OF_FILES = POLICY_INPUT_HELP.replace(/^ {2}--firewall(-policy)? .*\n( {10,}.*\n)*/gm, '');

const HELP = `Usage: postern explain --from HOST|ADDRESS --to NAME|ADDRESS:PORT [--name LAB | --router] [OPTIONS]
       postern explain --policy FILE|FOLDER... --from ADDRESS --to ADDRESS:PORT [OPTIONS]

The whole way of a flow and back, step by step: name server, effective route and why it won, what the firewall says, whose address
the server sees, and how the reply returns; then what keeps it from working, and what to change. Nothing is sent but DNS queries, and
nothing is changed. Exit code 0 it gets there and back, 3 it does not, 1 error, 2 usage.

  --from HOST|ADDRESS        who begins: a host of the lab, a network interface by its name, an address; a public address is on
                             the Internet
  --to NAME|ADDRESS:PORT     where to; without a port where the protocol has none
  --proto PROTOCOL           tcp (default), udp, icmp or a number
  --sni NAME, --host NAME    what the client names, where it is not the name of --to; --sni '' for none
  --resolve NAME=ADDRESS[,ADDRESS]...
                             which addresses a name has, instead of asking for them
  --router                   the gateway of this machine (postern up). Without it and without --name: the lab of $POSTERN_LAB,
                             or else the only lab that is up ('postern' where there are several), or else the gateway
  --threat-feed FILE         a threat-intelligence feed, besides those of the lab
  -o, --output json|text     default text

With --policy nothing has to run: the files are what az prints, with vnet list, route-table list, network nic list and network lb
list besides what is said here; the routes lead to the firewall that counts:
${HELP_OF_FILES}`;

const OPTIONS = {
  ...POLICY_INPUT_FLAGS,
  ...FLOW_FLAGS,
  router: { type: 'boolean' },
  'threat-feed': { type: 'string', multiple: true },
  ...OUTPUT_FLAGS,
} as const;

const WORKS = 0;
const DOES_NOT = 3;
/** Flags that say how files are read. */
const OF_FILES = [
  'parameters',
  'subscription',
  'resource-group',
  'location',
  ...(Object.keys(POLICY_OPTION_FLAGS) as (keyof typeof POLICY_OPTION_FLAGS)[]),
] as const;

type Values = ValuesOf<typeof OPTIONS>;

export async function runExplain(
  args: readonly string[],
  running: RunningWorld,
  world: CommandWorld = REAL_WORLD,
): Promise<number> {
  const begun = begin(args, world, { command: 'explain', help: HELP, options: OPTIONS });
  if (begun.ended !== undefined) return begun.ended;
  const { values, refuse } = begun;
  const { from, to, proto: protocol, sni, host, output = 'text', policy = [] } = values;
  const usage: string[] = [];
  if (from === undefined) usage.push('--from is missing: a host or an address.');
  if (to === undefined) usage.push('--to is missing: NAME:PORT or ADDRESS:PORT.');
  usage.push(...outputFaults(output));
  if (values.router && (values.name !== undefined || policy.length > 0))
    usage.push('--router goes with neither --name nor --policy.');
  if (policy.length > 0 && values.name !== undefined && !policy.includes('store'))
    usage.push('--name names a lab that is up; --policy reads files.');
  if (policy.length === 0)
    for (const flag of OF_FILES)
      if (values[flag] !== undefined)
        usage.push(`--${flag} goes with --policy: what runs knows its own rules, and how they are read.`);
  if (policy.length === 0 && values.state !== undefined)
    usage.push('--state goes with --policy; what runs is found by $POSTERN_STATE.');
  for (const flag of ['firewall', 'firewall-policy'] as const)
    if (values[flag] !== undefined)
      usage.push(`--${flag}: the routes lead to the firewall that counts; it cannot be picked.`);
  const { names: resolved, faults: unresolved } = readResolved(values.resolve);
  usage.push(...unresolved);
  if (usage.length > 0 || from === undefined || to === undefined) return refuse(USAGE, ...usage);

  try {
    const place = policy.length > 0 ? undefined : await findPlace(values, running);
    const read = await readDocumentInput(inputOf(values, place), world, ALSO_TYPES);
    if (!read.read) return refuse(read.usage ? USAGE : ERROR, ...read.faults);
    const { network, faults, notices } = networkOf(read.read, place);
    if (faults.length > 0) return refuse(ERROR, ...faults);
    if (!values.quiet) refuse(ERROR, ...notices);
    const { prepared, faults: unclear } = prepareExplanation(network, { from, to, protocol, sni, host });
    if (!prepared)
      return refuse(USAGE, ...unclear.map(fault => `--${describeFlowFault(withAdvice(fault, values))}`));
    const { name } = prepared.target;
    const { client, dnsServers } = prepared;
    const answer =
      name === undefined ? undefined : await answerFor(name, resolved, place, client.host?.name, dnsServers);
    for (const target of namesOfTargets(network))
      if (place && !resolved.has(target)) {
        const found = await place.resolve(target, {
          host: undefined,
          servers: serversOf(network.firewalls[0]),
        });
        if (found.addresses.length > 0) resolved.set(target, toNumbers(found.addresses));
      }
    const given = values['threat-feed'] ?? [];
    const problems: string[] = [];
    const threats = await running.threats([...(place?.threatFeeds ?? []), ...given], message =>
      problems.push(message),
    );
    if (problems.length > 0 && given.length > 0) return refuse(ERROR, ...problems);
    const note = (message: string) => refuse(ERROR, message);
    problems.forEach(note);
    const explanation = explain(prepared, {
      answer,
      resolved,
      namesInForce: await namesInForce(network, place, running, note),
      threats,
    });
    world.out(
      output === 'json' ? `${JSON.stringify(explanationJson(explanation))}\n` : explanationText(explanation),
    );
    return explanation.works ? WORKS : DOES_NOT;
  } catch (error) {
    // A mistake of ours keeps its stack.
    if (!(error instanceof Error) || error instanceof TypeError) throw error;
    return refuse(ERROR, ...error.message.split('\n'));
  }
}

/** Documents know no hosts of a lab, which a user of labs may expect. */
function withAdvice(fault: QuestionFault, { from = '', policy = [] }: Values): QuestionFault {
  if (fault.field !== 'from' || policy.length === 0 || !/[a-z]/i.test(from)) return fault;
  return {
    ...fault,
    message: `${fault.message}; the hosts of a lab are known while it is up, without --policy (--name LAB)`,
  };
}

const ALSO_TYPES = [INTERFACE_TYPE, SCALE_SET_INTERFACE_TYPE, BALANCER_TYPE].map(type => type.toLowerCase());

async function findPlace({ name, router }: Values, running: RunningWorld): Promise<RunningPlace> {
  if (router) return running.router();
  if (name !== undefined) return running.lab(name);
  try {
    return await running.lab(undefined);
  } catch (noLab) {
    try {
      return await running.router();
    } catch (noRouter) {
      const text = (error: unknown) => (error as Error).message;
      throw new Error(`${text(noLab)}\n${text(noRouter)}\nOr name files: --policy FOLDER.`);
    }
  }
}

/** With the options that the running place was started with, so that its rules are read as it reads them. */
function inputOf(values: Values, place: RunningPlace | undefined): Record<string, unknown> {
  if (!place) return values;
  const { values: flags } = parseArgs({ args: [...place.policyFlags], options: POLICY_OPTION_FLAGS });
  return { ...values, ...flags, policy: ['store'], name: place.lab, router: place.lab === undefined };
}
