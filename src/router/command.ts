// `postern up`, `status` and `down`: control plane and gateway in one command on a real Linux router. The configuration
// folder is the truth; the API serves it and refuses writes to what it describes.

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { formatIpv4 } from '#net/ipv4.ts';
import { commandName } from '#state/command-name.ts';
import { endProcess, readProcessFile, removeProcessFile, writeProcessFile } from '#state/process-file.ts';
import { detach } from './detach.ts';
import { systemDnsServers } from './dns-servers.ts';
import { checkForeignRules } from './doctor/foreign-rules.ts';
import { read, run } from './doctor/machine-access.ts';
import { interfaceNames, sshSessions } from './machine.ts';
import { checkUpArguments, parseSshFrom, type UpArguments, type UpOptions } from './options.ts';
import { POSTERN, type RouterPaths, routerPaths } from './paths.ts';
import { Router } from './router.ts';
import { faultsOfStart } from './start-faults.ts';
import { printStatus } from './status.ts';

const DOWN_MS = 15_000;

const say = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`postern: ${text}\n`);
const collect = (value: string, previous: readonly string[] = []) => [...previous, value];

interface UpFlags {
  readonly detach?: boolean;
  readonly keep?: boolean;
  readonly cutSsh?: boolean;
}

/** An option that may be given several times. */
const list = (flags: string, description: string, none: string) =>
  new Option(flags, description).argParser(collect).default([], none);

function upCommand(): Command {
  return new Command('postern up')
    .description('Runs control plane and gateway on this router until Ctrl-C, or detached.')
    .requiredOption(
      '--config <folder>',
      'JSON files as az ... show -o json prints them: the firewall and all it names',
    )
    .requiredOption('--inside <interface>', 'interface that workloads send to; repeat for several', collect)
    .option('--outside <interface>', 'interface towards the Internet; without it the inside one is both')
    .addOption(
      list('--inside-prefix <prefix>', 'one interface: sources in here are inside', 'private ranges'),
    )
    .addOption(
      list(
        '--public-ip <address=local>',
        'local address behind a public one (1:1 NAT in front of this machine)',
        'none',
      ),
    )
    .addOption(list('--dns-server <address>', 'asked when the firewall names none', '/etc/resolv.conf'))
    .addOption(
      list(
        '--ssh-from <prefix[:port]>',
        'sources that may reach SSH on this machine itself; port 22 unless given',
        'nobody',
      ),
    )
    .option('--cut-ssh', 'start although the rules cut SSH sessions to this machine')
    .addOption(list('--threat-feed <file>', 'networks or names to deny or alert on, one a line', 'none'))
    .option('--api-port <port>', 'TLS port of the API; 0 for any free one', '0')
    .option('--api-listen <address>', 'address of the API (default: 127.0.0.1)')
    .option('--no-azure-limits', "check no files against Azure's numbers, only what Postern itself needs")
    .option(
      '--bind-network-fqdns',
      'TLS that a network rule allows by an FQDN must name a host of the rule by SNI, too',
    )
    .option('--no-inherited-nat-rules', 'a child policy does not run the NAT rules of its parent')
    .addOption(
      list(
        '--infrastructure-fqdns <names>',
        'names, with commas between, that every source reaches over http:80 and https:443 when no rule matched',
        'none',
      ),
    )
    .option('--keep', 'at the end leave the last rules in force; for service managers')
    .option('--detach', 'return when the rules are in force and go on in the background');
}

export async function runUp(args: readonly string[]): Promise<number> {
  const given = parse<UpArguments & UpFlags>(upCommand(), args);
  if (typeof given === 'number') return given;
  // Not all ways to become root have these on the path.
  process.env.PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const { options, faults } = checkUpArguments(given, {
    interfaces: interfaceNames(),
    dnsServers: systemDnsServers(),
  });
  for (const fault of faults) complain(fault);
  if (faults.length > 0) return 1;
  if (process.geteuid?.() !== 0) {
    complain(`changing routing and packet rules needs root: sudo ${commandName()} up ...`);
    return 1;
  }
  const cut = given.cutSsh ? [] : uncoveredSessions(options);
  if (cut.length > 0) {
    complain(`the rules would cut SSH to this machine from ${cut.join(', ')}.`);
    complain(`let it through with --ssh-from ${cut[0]}/32, or say --cut-ssh.`);
    return 1;
  }
  const paths = routerPaths();
  const other = readProcessFile(paths.pid);
  if (other) {
    complain(
      `already up (process ${other.pid}). ${commandName()} status shows it, ${commandName()} down ends it.`,
    );
    return 1;
  }
  try {
    return await (given.detach ? detach(args, paths) : serve(options, paths, given.keep ?? false));
  } catch (error) {
    const reasons = faultsOfStart(error, options);
    if (!reasons) throw error;
    for (const reason of reasons) complain(reason);
    return 1;
  }
}

function uncoveredSessions({ sshFrom }: UpOptions): readonly string[] {
  const covered = sshFrom.map(parseSshFrom).filter(access => access !== undefined);
  const sources = sshSessions()
    .filter(
      ({ source, port }) =>
        !covered.some(
          access => access.port === port && source >= access.sources.first && source <= access.sources.last,
        ),
    )
    .map(({ source }) => formatIpv4(source));
  return [...new Set(sources)];
}

async function serve(options: UpOptions, paths: RouterPaths, keep: boolean): Promise<number> {
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  chmodSync(paths.state, 0o700);
  writeProcessFile(paths.pid);
  // A gateway whose control plane was killed still enforces its last rules, and would take part in this one's business.
  if (!(await endProcess(paths.gatewayPid, DOWN_MS / 3))) {
    complain(`the gateway that runs already (process file ${paths.gatewayPid}) cannot be ended.`);
    return 1;
  }
  const stopped = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  let router: Router | undefined;
  try {
    await warnOfForeignRules();
    router = await Router.start({ options, paths, say, complain });
    say(`API ${router.apiUrl}, state and logs in ${paths.state}.`);
    await stopped;
    say(keep ? 'Ending; the last rules stay in force.' : 'Going down.');
    await router.close();
    return keep ? 0 : await goDown(paths);
  } finally {
    removeProcessFile(paths.pid);
  }
}

/** Other programs' rules that drop or translate what these rules let through, as the doctor tells them. */
async function warnOfForeignRules(): Promise<void> {
  for (const { state, subject, text, help } of await checkForeignRules(run, read)) {
    if (state === 'ok') continue;
    complain(`warning: ${subject}: ${text}.${help === undefined ? '' : `\n  -> ${help}`}`);
  }
}

export async function runStatus(args: readonly string[]): Promise<number> {
  const command = new Command('postern status')
    .description('What runs on this router. Status 0: up and the newest files are in force.')
    .option('-o, --output <format>', 'table or json', 'table');
  const given = parse<{ output: string }>(command, args);
  if (typeof given === 'number') return given;
  if (given.output !== 'table' && given.output !== 'json') {
    complain(`--output ${given.output}: expected table or json.`);
    return 2;
  }
  const paths = routerPaths();
  return printStatus({
    router: readProcessFile(paths.pid),
    gateway: readProcessFile(paths.gatewayPid),
    paths,
    json: given.output === 'json',
  });
}

/** Ends the router and removes its rules, also those that a killed router left in force. */
export async function runDown(args: readonly string[]): Promise<number> {
  const command = new Command('postern down').description(
    'Ends the router and removes its rules, also those that a killed one left.',
  );
  const given = parse<object>(command, args);
  if (typeof given === 'number') return given;
  const paths = routerPaths();
  const running = readProcessFile(paths.pid);
  if (!running && !existsSync(join(paths.gatewayState, 'boot'))) {
    say('Nothing is up.');
    return 0;
  }
  if (!(await endProcess(paths.pid, DOWN_MS))) {
    complain(`process ${running?.pid} cannot be ended.`);
    return 1;
  }
  return goDown(paths);
}

async function goDown(paths: RouterPaths): Promise<number> {
  const status = await removeRules(paths);
  if (status === 0) say('Down. Packet rules, routing rule and settings are as they were before.');
  return status;
}

function removeRules(paths: RouterPaths): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(POSTERN, ['gateway', '--remove', '--state', paths.gatewayState], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('error', error => {
      complain(error.message);
      resolve(1);
    });
    child.once('exit', code => resolve(code ?? 1));
  });
}

/** The options, or the exit status when there is nothing more to do. */
function parse<T>(command: Command, args: readonly string[]): T | number {
  try {
    return command
      .exitOverride()
      .parse([...args], { from: 'user' })
      .opts() as T;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}
