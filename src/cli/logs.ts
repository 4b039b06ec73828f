// `postern logs`: the firewall's decisions for people, or as JSON for programs. Reads the log file of a lab or of
// this router; nothing has to be running.

import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { commandName } from '#state/command-name.ts';
import { labNames } from '#state/labs.ts';
import { DEFAULT_LAB, labFolder, labName, routerFolder } from '#state/state-folder.ts';
import { formatDay, formatLogLine, type LoggedRecord } from '#telemetry/log-line.ts';
import { readLog } from '#telemetry/log-reader.ts';

const HELP = `Usage: postern logs [OPTIONS]

What the firewall decided, one line a decision.

  -f, --follow         go on with what is decided from now on
      --denied         only what was denied
      --name LAB       the firewall of this lab, also --lab LAB; default: the lab of $POSTERN_LAB, or 'postern', if it has a
                       log, else this router
      --firewall NAME  one of several firewalls of a lab: GROUP.FIREWALL; default: the one that came first
      --table TABLE    only network, application, nat, threat, dns or resolution (or Azure's name of the table)
      --since TIME     not older than 30s, 10m, 2h, 1d, or an instant such as 2026-01-31T08:00:00Z
  -n, --lines NUMBER   at most the newest ones; default: all, or 20 with --follow
  -o, --output FORMAT  text or json (the lines of the file)
  -h, --help
`;

const TABLES: Readonly<Record<string, string>> = {
  network: 'AZFWNetworkRule',
  application: 'AZFWApplicationRule',
  nat: 'AZFWNatRule',
  threat: 'AZFWThreatIntel',
  dns: 'AZFWDnsQuery',
  resolution: 'AZFWInternalFqdnResolutionFailure',
};
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const FOLLOW_LINES = 20;

export interface LogsIo {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly timeZone?: string;
  /** Ends `--follow`. */
  readonly signal?: AbortSignal;
}

interface Wanted {
  readonly follow: boolean;
  readonly denied: boolean;
  readonly lab: string | undefined;
  readonly firewall: string | undefined;
  readonly table: string | undefined;
  readonly sinceAt: number;
  readonly lines: number;
  readonly json: boolean;
}

/** Status 0; 1 when there is no log, 2 for arguments that make no sense. */
export async function runLogs(args: readonly string[], io: LogsIo = processIo()): Promise<number> {
  let wanted: Wanted | 'help';
  try {
    wanted = parseLogsArgs(args, io.now());
  } catch (error) {
    io.stderr.write(`postern logs: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (wanted === 'help') {
    io.stdout.write(HELP);
    return 0;
  }
  const { path, owner, lab } = await findLog(wanted, io.env);
  if (lab !== undefined && !(await exists(labFolder(lab, { env: io.env })))) {
    io.stderr.write(noSuchLab(lab, io.env));
    return 1;
  }
  if (!(await exists(path)) && !(await exists(`${path}.1`))) {
    io.stderr.write(
      `There is no log of ${owner} yet (${path}). The firewall writes it with its first decision.\n`,
    );
    if (!wanted.follow) return 1;
  }
  const others = wanted.firewall === undefined ? await otherFirewalls(path) : [];
  if (others.length > 0)
    io.stderr.write(`Other firewalls have logs of their own: --firewall ${others.join(', --firewall ')}\n`);
  await printLog(path, wanted, io);
  return 0;
}

function parseLogsArgs(args: readonly string[], now: number): Wanted | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      follow: { type: 'boolean', short: 'f', default: false },
      denied: { type: 'boolean', default: false },
      name: { type: 'string' },
      lab: { type: 'string' },
      firewall: { type: 'string' },
      table: { type: 'string' },
      since: { type: 'string' },
      lines: { type: 'string', short: 'n' },
      output: { type: 'string', short: 'o', default: 'text' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.output !== 'text' && values.output !== 'json')
    throw new Error(`'${values.output}' is no output format. Use text or json.`);
  if (values.lines !== undefined && !/^\d{1,9}$/.test(values.lines))
    throw new Error(`--lines takes a number, not '${values.lines}'.`);
  if (values.name !== undefined && values.lab !== undefined && values.name !== values.lab)
    throw new Error(`--name ${values.name} and --lab ${values.lab} name two labs; both mean the same.`);
  const lab = values.name ?? values.lab;
  if (lab !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(lab))
    throw new Error(`'${lab}' is not the name of a lab.`);
  if (values.firewall !== undefined && !/^[^./][^/]*$/.test(values.firewall))
    throw new Error(`'${values.firewall}' is not the name of a firewall: expected GROUP.FIREWALL.`);
  const fallback = values.follow ? FOLLOW_LINES : Number.POSITIVE_INFINITY;
  return {
    follow: values.follow,
    denied: values.denied,
    lab,
    firewall: values.firewall?.toLowerCase(),
    table: values.table === undefined ? undefined : tableOf(values.table),
    sinceAt: values.since === undefined ? Number.NEGATIVE_INFINITY : instantOf(values.since, now),
    lines: values.lines === undefined ? fallback : Number(values.lines),
    json: values.output === 'json',
  };
}

function tableOf(text: string): string {
  const table =
    TABLES[text.toLowerCase()] ??
    Object.values(TABLES).find(name => name.toLowerCase() === text.toLowerCase());
  if (table === undefined)
    throw new Error(
      `there is no table '${text}'. Tables: ${Object.entries(TABLES)
        .map(([short, name]) => `${short} (${name})`)
        .join(', ')}.`,
    );
  return table;
}

function instantOf(text: string, now: number): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (match) return now - Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 0);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new Error(
      `--since takes 30s, 10m, 2h, 1d or an instant such as 2026-01-31T08:00:00Z, not '${text}'.`,
    );
  return at;
}

async function findLog(
  { lab, firewall }: Wanted,
  env: LogsIo['env'],
): Promise<{ path: string; owner: string; lab?: string }> {
  const inFolder = (folder: string): string => join(folder, 'logs', 'firewall.jsonl');
  const name = lab ?? labName(env);
  const ofLab = { path: inFolder(labFolder(name, { env })), owner: `the lab '${name}'`, lab: name };
  if (firewall !== undefined)
    return {
      path: join(labFolder(name, { env }), 'logs', firewall, 'firewall.jsonl'),
      owner: `the firewall '${firewall}' of the lab '${name}'`,
      lab: name,
    };
  if (lab !== undefined || (await exists(ofLab.path))) return ofLab;
  const ofRouter = { path: inFolder(routerFolder({ env })), owner: 'this router' };
  return (await exists(routerFolder({ env }))) ? ofRouter : ofLab;
}

function noSuchLab(name: string, env: LogsIo['env']): string {
  const names = labNames({ env });
  const postern = commandName(env);
  const there = names.map(other => `${other} (${postern} logs --name ${other})`).join(', ');
  const option = name === DEFAULT_LAB ? '' : ` --name ${name}`;
  return names.length > 0
    ? `There is no lab '${name}'. There are: ${there}.\n`
    : `There is no lab '${name}', nor any other: ${postern} lab up${option} builds it.\n`;
}

/** A lab with several firewalls keeps the log of each but one in a folder beside that one's. */
async function otherFirewalls(path: string): Promise<string[]> {
  const entries = await readdir(dirname(path), { withFileTypes: true }).catch(() => []);
  return entries.filter(entry => entry.isDirectory()).map(({ name }) => name);
}

async function printLog(path: string, wanted: Wanted, io: LogsIo): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  io.signal?.addEventListener('abort', end, { once: true });
  // A reader that leaves (`postern logs | head`) ends the work.
  io.stdout.on('error', end);
  const printer = new Printer(wanted.json, io);
  let newest: (LoggedRecord | string)[] | undefined = Number.isFinite(wanted.lines) ? [] : undefined;
  let unreadable = 0;
  let caughtUp: Promise<void> = Promise.resolve();
  const onCaughtUp = (): void => {
    const kept = newest ?? [];
    newest = undefined;
    caughtUp = (async () => {
      for (const entry of wanted.lines === 0 ? [] : kept.slice(-wanted.lines)) await printer.print(entry);
    })();
  };
  for await (const line of readLog(path, { follow: wanted.follow, signal: stop.signal, onCaughtUp })) {
    if (stop.signal.aborted) break;
    const record = parseLine(line);
    if (!record) {
      unreadable++;
      continue;
    }
    if (!isWanted(record, wanted)) continue;
    const entry = wanted.json ? line : record;
    if (newest) {
      newest.push(entry);
      if (newest.length > 2 * wanted.lines + 1000) newest = newest.slice(-Math.max(1, wanted.lines));
    } else {
      await caughtUp;
      await printer.print(entry);
    }
  }
  await caughtUp;
  if (unreadable > 0) io.stderr.write(`${unreadable} lines of ${path} could not be read and are left out.\n`);
}

function parseLine(line: string): LoggedRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is LoggedRecord {
  return typeof value === 'object' && value !== null && 'Type' in value && 'TimeGenerated' in value;
}

function isWanted(record: LoggedRecord, { denied, table, sinceAt }: Wanted): boolean {
  if (table !== undefined && record.Type !== table) return false;
  if (Date.parse(record.TimeGenerated) < sinceAt) return false;
  if (!denied || record.Type === 'PosternSuppressedDenies') return true;
  return 'Action' in record && record.Action === 'Deny';
}

/** Writes no faster than the reader reads, and puts the date before lines that are not of today. */
class Printer {
  readonly #json: boolean;
  readonly #io: LogsIo;

  constructor(json: boolean, io: LogsIo) {
    this.#json = json;
    this.#io = io;
  }

  async print(entry: LoggedRecord | string): Promise<void> {
    const { stdout } = this.#io;
    if (stdout.destroyed) return;
    const text = typeof entry === 'string' || this.#json ? `${entry}\n` : this.#textOf(entry);
    if (!stdout.write(text))
      await new Promise<void>(resolve => {
        const go = (): void => {
          for (const event of ['drain', 'close', 'error']) stdout.off(event, go);
          resolve();
        };
        for (const event of ['drain', 'close', 'error']) stdout.once(event, go);
      });
  }

  #textOf(record: LoggedRecord): string {
    const { stdout, env, timeZone, now } = this.#io;
    const zone = timeZone === undefined ? {} : { timeZone };
    const colour = stdout.isTTY === true && !env.NO_COLOR;
    const today = formatDay(new Date(now()).toISOString(), timeZone);
    return `${formatLogLine(record, { colour, today, ...zone })}\n`;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return false;
    throw error;
  }
}

function processIo(): LogsIo {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
    signal: interrupted.signal,
  };
}
