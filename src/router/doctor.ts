// `postern doctor`: what this machine offers a gateway, what is missing with the command that helps, and what other
// programs' rules would do to forwarded packets. It changes nothing.

import { Command, CommanderError } from 'commander';
import { formatIpv4 } from '#net/ipv4.ts';
import { commandName } from '#state/command-name.ts';
import { readProcessFile } from '#state/process-file.ts';
import { stateFolder } from '#state/state-folder.ts';
import { type Finding, warning } from './doctor/finding.ts';
import { checkForeignRules } from './doctor/foreign-rules.ts';
import { checkKernel } from './doctor/kernel.ts';
import { read, run } from './doctor/machine-access.ts';
import {
  checkConntrack,
  checkDnsPort,
  checkForwarding,
  checkInterfaces,
  checkRulesFile,
  checkStateFolder,
  checkTools,
  checkUserNamespaces,
} from './doctor/system.ts';
import { interfaceNames, machineAddresses } from './machine.ts';
import { routerPaths } from './paths.ts';

/** Exit status 0: the gateway can run here; 1: something it needs is missing. */
export async function runDoctor(args: readonly string[]): Promise<number> {
  const command = new Command('postern doctor')
    .description('What this machine offers a gateway and what is missing. Changes nothing.')
    .option(
      '--inside <interface>',
      'interface that workloads will send to; repeat for several',
      (value: string, previous: readonly string[]) => [...previous, value],
      [],
    )
    .option('-o, --output <format>', 'table or json', 'table');
  let given: { readonly inside: readonly string[]; readonly output: string };
  try {
    given = command
      .exitOverride()
      .parse([...args], { from: 'user' })
      .opts();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  if (given.output !== 'table' && given.output !== 'json') {
    process.stderr.write(`postern: --output ${given.output}: expected table or json.\n`);
    return 2;
  }
  const findings = await examine(given.inside);
  const able = findings.every(({ state }) => state !== 'missing');
  if (given.output === 'json') process.stdout.write(`${JSON.stringify({ able, findings }, null, 2)}\n`);
  else print(findings, able);
  return able ? 0 : 1;
}

async function examine(inside: readonly string[]): Promise<readonly Finding[]> {
  process.env.PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const uid = process.geteuid?.() ?? 0;
  const asRoot = uid === 0;
  const addresses = inside.length === 0 ? [] : machineAddresses(inside).inside.map(formatIpv4);
  return [
    ...(asRoot
      ? []
      : [warning('root', `${commandName()} up needs it; the lab does not`, `sudo ${commandName()} doctor`)]),
    ...checkInterfaces(inside, interfaceNames()),
    ...(await checkTools(run)),
    ...(await checkKernel(run, asRoot)),
    checkUserNamespaces(read),
    checkForwarding(read, readProcessFile(routerPaths().gatewayPid) !== undefined),
    checkConntrack(read),
    ...(await checkDnsPort(run, addresses)),
    ...(await checkForeignRules(run, read)),
    checkRulesFile(read),
    checkStateFolder(stateFolder(), uid),
  ];
}

function print(findings: readonly Finding[], able: boolean): void {
  const width = Math.max(...findings.map(({ subject }) => subject.length)) + 2;
  for (const { state, subject, text, help } of findings) {
    process.stdout.write(`${state.padEnd(9)}${subject.padEnd(width)}${text}\n`);
    if (help !== undefined) process.stdout.write(`${' '.repeat(9 + width)}-> ${help}\n`);
  }
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  const missing = findings.filter(({ state }) => state === 'missing').length;
  process.stdout.write(
    able
      ? `\nA gateway can run here${warnings > 0 ? `; ${warnings} of the lines above are worth reading` : ''}.\n`
      : `\nA gateway cannot run here: ${missing} missing.\n`,
  );
}
