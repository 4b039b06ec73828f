// `postern decide`: what becomes of one connection under a set of rules, by which rule and why. Offline and unprivileged: the
// rules come from files, the answer from `decide`.

import {
  type Answer,
  answer,
  describeFlow,
  describePath,
  describeReason,
  describeRule,
  remarksOn,
  toDecisionJson,
  toRuleJson,
} from '#analysis/answer.ts';
import { plainLine } from '#analysis/plain-line.ts';
import { type Asked, understand } from '#analysis/question.ts';
import { nearestRules, skippedInstead, type Trace, type TraceStep, trace } from '#analysis/trace.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { describeFlowFault, FLOW_FLAGS, readResolved } from './flow-options.ts';
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
import { POLICY_INPUT_FLAGS, POLICY_INPUT_HELP, readPolicyInput } from './policy-input.ts';

const HELP = `Usage: postern decide --policy FILE|FOLDER|store --from ADDRESS --to NAME|ADDRESS[:PORT] [OPTIONS]

What becomes of a connection: the verdict, the rule that decides and why. Exit code 0 allowed, 3 denied, 1 error, 2 usage.
The feed of threat intelligence is not asked: it is not among the rules.

  --from ADDRESS             the client
  --to NAME:PORT             a client that asks for this name: by SNI on 443 and ports that rules name for Https, by Host on
                             80 and ports for Http
  --to ADDRESS:PORT          a client that goes by the address; TLS without SNI on 443, as curl https://1.2.3.4
  --proto PROTOCOL           tcp (default), udp, icmp or a number; without a port where the protocol has none
  --sni NAME, --host NAME    what the client names, where it is not the name of --to; --sni '' for none
  --outside                  the client is on the Internet and the target a public address of the firewall
  --resolve NAME=ADDRESS[,ADDRESS]...
                             which addresses a name has, for network rules; without, --to NAME has one that no rule names
  --trace                    every rule that was looked at, and why it did not match
  -o, --output json|text     default text
${POLICY_INPUT_HELP}`;

const OPTIONS = {
  ...POLICY_INPUT_FLAGS,
  ...FLOW_FLAGS,
  outside: { type: 'boolean' },
  trace: { type: 'boolean' },
  ...OUTPUT_FLAGS,
} as const;

const ALLOWED = 0;
const DENIED = 3;

export async function runDecide(args: readonly string[], world: CommandWorld = REAL_WORLD): Promise<number> {
  const begun = begin(args, world, { command: 'decide', help: HELP, options: OPTIONS });
  if (begun.ended !== undefined) return begun.ended;
  const { values, refuse } = begun;
  const { from, to, proto: protocol, sni, host, outside, output = 'text' } = values;
  const usage: string[] = [];
  if (from === undefined) usage.push('--from is missing: the address of the client.');
  if (to === undefined) usage.push('--to is missing: NAME:PORT or ADDRESS:PORT.');
  usage.push(...outputFaults(output));
  const resolved = readResolved(values.resolve);
  usage.push(...resolved.faults);
  if (usage.length > 0 || from === undefined || to === undefined) return refuse(USAGE, ...usage);

  const read = await readPolicyInput(values, world);
  if (read.faults) return refuse(read.usage ? USAGE : ERROR, ...read.faults);
  const { input } = read;
  const { asked, faults } = understand(
    { from, to, protocol, sni, host, outside },
    input.policy,
    resolved.names,
  );
  if (!asked) return refuse(USAGE, ...faults.map(fault => `--${describeFlowFault(fault)}`));

  const given = answer(input.policy, asked);
  const traced = values.trace ? trace(input.policy, given.flow, asked) : undefined;
  world.out(
    output === 'json'
      ? `${JSON.stringify({ ...toDecisionJson(given.decision), ...(traced && { trace: traceJson(traced) }) })}\n`
      : describeAnswer(input.policy, asked, given, traced),
  );
  if (!values.quiet) refuse(ALLOWED, ...noticesOf(input));
  return given.decision.action === 'Allow' ? ALLOWED : DENIED;
}

function traceJson({ steps, notes }: Trace): object {
  return {
    rules: steps.map(({ pass, rule, action, causes, misses: [first] }) => ({
      pass,
      rule: toRuleJson(rule),
      action,
      matched: first === undefined,
      ...(causes && { skipped: true }),
      ...(first && { field: first.field, why: first.text }),
    })),
    notes,
  };
}

function describeAnswer(
  policy: ResolvedPolicy,
  asked: Asked,
  given: Answer,
  traced: Trace | undefined,
): string {
  const { flow, decision } = given;
  const lines = [
    `${decision.action}  ${describeFlow(flow, asked.name)}`,
    `  rule     ${describeRule(decision.rule)}`,
    `  reason   ${decision.reason}: ${describeReason(decision.reason)}`,
    `  path     ${describePath(decision)}`,
    ...remarksOn(policy, asked, given).map(remark => `  note     ${remark}`),
    ...(traced ? describeTrace(traced) : nearestLines(policy, asked, given)),
  ];
  return `${lines.map(plainLine).join('\n')}\n`;
}

/** Where no rule matched, the one that came closest; and one that only an empty IP group keeps from deciding otherwise. */
function nearestLines(policy: ResolvedPolicy, asked: Asked, { flow, decision }: Answer): string[] {
  const [nearest] =
    decision.reason === 'DefaultAction'
      ? nearestRules(policy, flow, asked, ({ action }) => action === 'Allow')
      : [skippedInstead(trace(policy, flow, asked))];
  const [first] = nearest?.misses ?? [];
  if (!nearest || !first || nearest.misses.length > 1) return [];
  return [`  nearest  ${formatRuleRef(nearest.rule)}: ${first.text}`];
}

function describeTrace({ steps, notes }: Trace): string[] {
  const label = ({ pass, action, rule }: TraceStep): string =>
    `${pass === 'nat' ? 'NAT' : pass} ${action === 'DNAT' ? '' : `${action} `}${formatRuleRef(rule)}`;
  const width = Math.max(0, ...steps.map(step => label(step).length));
  return [
    '',
    ...steps.map(
      (step, index) =>
        `  ${String(index + 1).padStart(String(steps.length).length)}  ${label(step).padEnd(width)}  ${step.misses[0]?.text ?? 'matches'}`,
    ),
    ...(steps.length === 0 ? ['  No rule was looked at.'] : []),
    ...notes.map(note => `  ${note}`),
  ];
}
