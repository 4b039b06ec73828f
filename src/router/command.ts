// `postern up`, `status` and `down`: control plane and gateway in one command on a real Linux router. The configuration
// folder is the truth; the API serves it and refuses writes to what it describes.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import { checkDocuments, startControlPlane } from '#control/control-plane.ts';
import { routerFolder } from '#state/state-folder.ts';
import { ConfigFault, FolderSource } from './folder-source.ts';
import { GatewayProcess } from './gateway-process.ts';
import { checkUpArguments, type UpArguments, type UpOptions } from './options.ts';
import { readProcessFile, removeProcessFile, writeProcessFile } from './process-file.ts';
import { printStatus } from './status.ts';

const POSTERN = join(import.meta.dirname, '../../bin/postern');
const READY_MS = 15_000;
const DOWN_MS = 15_000;

const say = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`postern: ${text}\n`);
const collect = (value: string, previous: readonly string[]) => [...previous, value];

interface Paths {
  readonly state: string;
  readonly pid: string;
  readonly log: string;
  readonly gatewaySocket: string;
  readonly gatewayState: string;
  readonly logs: string;
}

function pathsOf(): Paths {
  const state = routerFolder();
  return {
    state,
    pid: join(state, 'pid'),
    log: join(state, 'up.log'),
    gatewaySocket: join(state, 'gateway.sock'),
    gatewayState: join(state, 'gateway'),
    logs: join(state, 'logs'),
  };
}

export async function runUp(args: readonly string[]): Promise<number> {
  const command = new Command('postern up')
    .description('Runs control plane and gateway on this router until Ctrl-C, or detached.')
    .requiredOption(
      '--config <folder>',
      'JSON files as az ... show -o json prints them: the firewall and all it names',
    )
    .requiredOption(
      '--inside <interface>',
      'interface that workloads send to; repeat for several',
      collect,
      [],
    )
    .option('--outside <interface>', 'interface towards the Internet; without it the inside one is both')
    .option(
      '--inside-prefix <prefix>',
      'one interface: sources in here are inside (default: private ranges)',
      collect,
      [],
    )
    .option(
      '--public-ip <address=local>',
      'local address behind a public one (1:1 NAT in front of this machine)',
      collect,
      [],
    )
    .option('--threat-feed <file>', 'networks or names to deny or alert on, one a line', collect, [])
    .option('--api-port <port>', 'TLS port of the API; 0 for any free one', '0')
    .option('--api-listen <address>', 'address of the API', '127.0.0.1')
    .option('--detach', 'return when the rules are in force and go on in the background', false);
  const given = parse<UpArguments & { detach: boolean }>(command, args);
  if (typeof given === 'number') return given;
  const { options, faults } = checkUpArguments(given);
  for (const fault of faults) complain(fault);
  if (faults.length > 0) return 1;
  if (process.geteuid?.() !== 0) {
    complain(
      'changing routing and packet rules needs root (or CAP_NET_ADMIN in this network namespace): sudo postern up ...',
    );
    return 1;
  }
  const paths = pathsOf();
  const other = readProcessFile(paths.pid);
  if (other) {
    complain(`already up (process ${other.pid}). postern status shows it, postern down ends it.`);
    return 1;
  }
  return given.detach ? detach(args, paths) : serve(options, paths);
}

async function detach(args: readonly string[], paths: Paths): Promise<number> {
  rmSync(paths.log, { force: true });
  const { mkdirSync } = await import('node:fs');
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  const log = openSync(paths.log, 'a', 0o600);
  const child = spawn(POSTERN, ['up', ...args.filter(arg => arg !== '--detach')], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  for (let waited = 0; waited < READY_MS && !ended; waited += 50) {
    await sleep(50);
    if (readFileSync(paths.log, 'utf8').includes(IN_FORCE)) {
      child.unref();
      process.stdout.write(readFileSync(paths.log, 'utf8'));
      return 0;
    }
  }
  process.stderr.write(readFileSync(paths.log, 'utf8'));
  complain(
    ended
      ? 'it did not start.'
      : `the rules are not in force after ${READY_MS / 1000} s; it goes on trying, see ${paths.log}.`,
  );
  return 1;
}

const IN_FORCE = 'Rules are in force.';

async function serve(options: UpOptions, paths: Paths): Promise<number> {
  const control = await startControlPlane({
    stateDir: paths.state,
    tlsHost: options.apiListen,
    tlsPort: options.apiPort,
    localAddresses: options.publicIps,
  });
  writeProcessFile(paths.pid);
  let source: FolderSource | undefined;
  let gateway: GatewayProcess | undefined;
  const stopped = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  try {
    source = FolderSource.start({
      folder: options.config,
      store: control.store,
      check: checkDocuments,
      onLoaded: documents => say(`Read ${documents.length} resources from ${options.config}.`),
      onFault: faults => {
        for (const fault of faults) complain(fault);
        complain('the folder was NOT put in force; the last good rules are.');
      },
    });
    gateway = new GatewayProcess({
      command: gatewayCommand(options, paths),
      onExit: status =>
        complain(`the gateway ended with ${status}; the kernel keeps the last rules, starting it again.`),
    });
    const [firewall] = control.store.list({ type: 'Microsoft.Network/azureFirewalls' });
    const settled = await control.settle(firewall?.document.id ?? '', READY_MS);
    if (settled.state === 'Applied')
      say(
        `${IN_FORCE} Firewall ${firewall?.document.name}, inside ${options.inside.join(', ')}, outside ${options.outside}.`,
      );
    else
      complain(
        settled.state === 'Failed'
          ? settled.message
          : `the gateway has not answered after ${READY_MS / 1000} s; waiting for it.`,
      );
    say(`API ${control.url}, state and logs in ${paths.state}.`);
    await stopped;
    say('Going down.');
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    for (const fault of error.faults) complain(fault);
    return 1;
  } finally {
    source?.close();
    await gateway?.stop();
    await control.close();
    removeProcessFile(paths.pid);
  }
}

function gatewayCommand(options: UpOptions, paths: Paths): string[] {
  return [
    ...[
      POSTERN,
      'gateway',
      '--control',
      paths.gatewaySocket,
      '--state',
      paths.gatewayState,
      '--logs',
      paths.logs,
    ],
    ...options.inside.flatMap(name => ['--inside', name]),
    ...['--outside', options.outside],
    ...options.insidePrefixes.flatMap(prefix => ['--inside-prefix', prefix]),
    ...options.publicIps.flatMap(pair => ['--public-ip', pair]),
    ...options.threatFeeds.flatMap(file => ['--threat-feed', file]),
  ];
}

export async function runStatus(args: readonly string[]): Promise<number> {
  const command = new Command('postern status')
    .description('What runs on this router.')
    .option('-o, --output <format>', 'table or json', 'table');
  const given = parse<{ output: string }>(command, args);
  if (typeof given === 'number') return given;
  const paths = pathsOf();
  return printStatus({
    running: readProcessFile(paths.pid),
    stateDir: paths.state,
    json: given.output === 'json',
  });
}

/** Ends the router and removes its rules, also those that a killed router left in force. */
export async function runDown(args: readonly string[]): Promise<number> {
  const given = parse<object>(
    new Command('postern down').description('Ends the router and removes its rules.'),
    args,
  );
  if (typeof given === 'number') return given;
  const paths = pathsOf();
  const running = readProcessFile(paths.pid);
  if (running) {
    process.kill(running.pid, 'SIGTERM');
    for (let waited = 0; waited < DOWN_MS && readProcessFile(paths.pid); waited += 50) await sleep(50);
    if (readProcessFile(paths.pid)) {
      complain(`process ${running.pid} did not end within ${DOWN_MS / 1000} s.`);
      return 1;
    }
  }
  if (!running && !existsSync(paths.gatewayState)) {
    say('Nothing is up.');
    return 0;
  }
  const status = await new Promise<number>(resolve => {
    const child = spawn(POSTERN, ['gateway', '--remove', '--state', paths.gatewayState], {
      stdio: 'inherit',
    });
    child.once('exit', code => resolve(code ?? 1));
  });
  if (status === 0) say('Down. Packet rules, routing rule and settings are as they were before.');
  return status;
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
