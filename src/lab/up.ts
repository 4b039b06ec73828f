// `postern lab up`: makes the lab's folder and namespaces, starts the daemon in them and waits until it answers. Whatever
// goes wrong on the way, Ctrl-C included, leaves nothing behind.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PUBLIC_IP_POOL } from '#control/control-plane.ts';
import { loadFacts } from '#facts/facts.ts';
import { policyOptionFlags } from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { commandName } from '#state/command-name.ts';
import { fileFault } from '#state/file-fault.ts';
import { readProcessFile, writeProcessFile } from '#state/process-file.ts';
import { OUTBOUND_POOL } from './fabric/outbound-addresses.ts';
import { WORKSTATION } from './fabric/plan.ts';
import { type InternetConfig, parseInternetConfig } from './internet/config.ts';
import { internetConfigOf } from './internet/from-facts.ts';
import { HOST_VARIABLE } from './lab-environment.ts';
import { LabError, type LabFiles, NODE_COMMAND, POSTERN } from './lab-files.ts';
import { isInside, nameOption, removeLab } from './lab-process.ts';
import { askLab } from './lab-socket.ts';
import { namespaceFlags, pathWithSbin, requireTools } from './preflight.ts';
import type { LabStatus } from './status.ts';

const UP_MS = 30_000;
const LOOK_MS = 15;

/** Addresses of the workstation and of hosts on the Internet. */
const INTERNET_HOSTS = '20.51.99.0/24';

/** What the lab's own `postern` and `az` do; the control plane answers in the workstation only. */
const IN_LAB = `exec env POSTERN_COMMAND=postern '${POSTERN}'`;
const AZ = `if [ "$${HOST_VARIABLE}" != ${WORKSTATION} ]; then
  echo "az works in the lab's workstation (lab shell), not on $${HOST_VARIABLE}" >&2
  exit 1
fi
${IN_LAB} az`;

/** Process 1 of the lab. */
const INIT = join(import.meta.dirname, 'init.sh');

export interface UpOptions {
  readonly internetFile: string | undefined;
  readonly threatFeeds: readonly string[];
  readonly policyOptions: PolicyOptions;
}

export async function bringUp(
  files: LabFiles,
  { internetFile, threatFeeds, policyOptions }: UpOptions,
): Promise<LabStatus> {
  if (isInside(files)) throw new LabError(`This is a shell of the lab '${files.name}': it is up.`);
  if (/^\/run\//.test(files.folder) || /^\/(etc|sys|proc)\//.test(files.folder))
    throw new LabError(
      `The state folder ${files.stateFolder} is not usable: a lab has a /run, /etc, /sys and /proc of its own. Set POSTERN_STATE.`,
    );
  const path = pathWithSbin();
  requireTools(path);
  const flags = namespaceFlags(path);
  const internet = readInternetFile(internetFile);
  const daemonFlags = [
    ...threatFeeds.flatMap(file => ['--threat-feed', requireReadable(file)]),
    ...policyOptionFlags(policyOptions),
  ];
  await claimFolder(files);
  let interrupted: Promise<never> | undefined;
  const interrupt = (signal: NodeJS.Signals) => {
    interrupted ??= removeLab(files).then(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', interrupt);
  try {
    writeFolder(files, internet);
    const holder = startHolder(files, flags, path, daemonFlags);
    const status = await untilAnswering(files, holder);
    rmSync(files.upFile, { force: true });
    holder.unref();
    return status;
  } catch (error) {
    await (interrupted ?? removeLab(files));
    throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGHUP', interrupt);
  }
}

/** The folder is the lock: who makes it builds the lab. What a killed lab has left is removed first. */
async function claimFolder(files: LabFiles): Promise<void> {
  if (readProcessFile(files.processFile))
    throw new LabError(
      `The lab '${files.name}' is up already (${commandName()} lab status${nameOption(files)}, ${commandName()} lab down${nameOption(files)}).`,
    );
  if (readProcessFile(files.upFile)) throw new LabError(`The lab '${files.name}' is just being built.`);
  await removeLab(files);
  let made: string | undefined;
  try {
    made = mkdirSync(files.folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new LabError(`The lab's folder cannot be made: ${(cause as Error).message}`, { cause });
  }
  if (made === undefined) throw new LabError(`The lab '${files.name}' is just being built.`);
  writeProcessFile(files.upFile);
}

/** What a user says of the lab's Internet, checked here, where the user reads the message. */
function readInternetFile(path: string | undefined): InternetConfig {
  if (path === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new LabError(`--internet ${path}: ${fileFault(cause)}`, { cause });
  }
  const parsed = parseInternetConfig(value);
  if ('faults' in parsed)
    throw new LabError(
      [`--internet ${path}:`, ...parsed.faults.map(fault => `  ${fault.path}: ${fault.message}`)].join('\n'),
    );
  return value as InternetConfig;
}

/** Its absolute path; the lab has another working directory. */
function requireReadable(path: string): string {
  const file = resolve(path);
  try {
    accessSync(file, constants.R_OK);
    return file;
  } catch (cause) {
    throw new LabError(`--threat-feed ${path}: ${fileFault(cause)}`, { cause });
  }
}

function writeFolder(files: LabFiles, user: InternetConfig): void {
  for (const folder of [files.logs, files.home, files.bin, files.internetState, files.gatewayState])
    mkdirSync(folder, { mode: 0o700 });
  const own = internetConfigOf(loadFacts(files.stateFolder), [
    INTERNET_HOSTS,
    ...PUBLIC_IP_POOL,
    OUTBOUND_POOL,
  ]);
  const config: InternetConfig = {
    ...own,
    ...user,
    regions: { ...own.regions, ...user.regions },
    reserved: [...own.reserved, ...(user.reserved ?? [])],
  };
  writeFileSync(files.internetConfig, JSON.stringify(config), { mode: 0o600 });
  for (const [name, script] of Object.entries({ az: AZ, postern: IN_LAB }))
    writeFileSync(join(files.bin, name), `#!/bin/sh\n${script} "$@"\n`, { mode: 0o700 });
}

function startHolder(
  files: LabFiles,
  flags: readonly string[],
  path: string,
  daemonFlags: readonly string[],
): ChildProcess {
  const output = openSync(files.output, 'a', 0o600);
  const command = [...NODE_COMMAND, 'lab', 'daemon', '--name', files.name, ...daemonFlags];
  const holder = spawn('unshare', [...flags, '--kill-child', '--mount-proc', 'sh', INIT, ...command], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', output, output],
    env: { ...process.env, PATH: path, POSTERN_STATE: files.stateFolder },
  });
  closeSync(output);
  if (holder.pid !== undefined) writeProcessFile(files.processFile, holder.pid);
  return holder;
}

async function untilAnswering(files: LabFiles, holder: ChildProcess): Promise<LabStatus> {
  const deadline = performance.now() + UP_MS;
  while (performance.now() < deadline) {
    if (holder.exitCode !== null || holder.signalCode !== null)
      throw new LabError(`The lab did not start:\n${lastLines(files.output)}`);
    try {
      return (await askLab(files.socket, { command: 'status' })) as LabStatus;
    } catch (error) {
      if (error instanceof LabError) throw error;
    }
    await sleep(LOOK_MS);
  }
  throw new LabError(`The lab did not answer within ${UP_MS / 1000} s:\n${lastLines(files.output)}`);
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  } catch {
    return '(it said nothing)';
  }
}
