// `postern lab ...`: reads the command line, runs one of the lab's commands, and turns errors into words and a status.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { labName } from '#state/state-folder.ts';
import { LabError, type LabFiles, labFiles } from './lab-files.ts';

const HELP = `Usage: postern lab [--name LAB] COMMAND

A network of your own inside this machine: an Internet, a workstation, and whatever you build
with az. It has no link to this machine's network, and needs no root where user namespaces are allowed.

  up [--internet FILE]             builds the lab; FILE (JSON) says what is special about its Internet
     [--threat-feed FILE]...       names and networks, one a line, for threat intelligence; read again when it changes
  status [-o json|table]           hosts, addresses, effective routes, processes
  shell [-c COMMANDS]              bash in the workstation: az, dig, curl, kubectl
  exec HOST -- COMMAND...          runs a command on a host (or: workstation)
  add-host NAME --vnet-subnet-id ID [--private-ip ADDRESS]
                                   a host in a subnet; its address is the first free one
  add-host NAME --internet         a host on the Internet
  down                             ends the lab and removes everything of it

  --name LAB                       which lab (default: $POSTERN_LAB, or 'postern'); several can be up
`;

class UsageError extends Error {
  override readonly name = 'UsageError';
}

const SPECS = {
  up: { internet: { type: 'string' }, 'threat-feed': { type: 'string', multiple: true } },
  status: { output: { type: 'string', short: 'o' } },
  shell: { command: { type: 'string', short: 'c' } },
  exec: {},
  'add-host': {
    'vnet-subnet-id': { type: 'string' },
    'private-ip': { type: 'string' },
    internet: { type: 'boolean' },
  },
  down: {},
  daemon: { 'threat-feed': { type: 'string', multiple: true } },
} as const satisfies Record<string, ParseArgsOptionsConfig>;
type CommandName = keyof typeof SPECS;

interface Invocation {
  readonly command: CommandName;
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** What stands after `--`; undefined without one. */
  readonly rest: readonly string[] | undefined;
}

export async function runLab(args: readonly string[]): Promise<number> {
  try {
    const invocation = parseInvocation(args);
    if (invocation === 'help') {
      process.stdout.write(HELP);
      return 0;
    }
    const { name } = invocation.values;
    return await run(invocation, labFiles(typeof name === 'string' ? name : labName()));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof LabError)) throw error;
    process.stderr.write(`postern lab: ${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** `--name` may stand anywhere before `--`, also before the command. */
function parseInvocation(args: readonly string[]): Invocation | 'help' {
  const dashes = args.indexOf('--');
  const own = dashes < 0 ? [...args] : args.slice(0, dashes);
  const command = findCommand(own);
  if (command === undefined) {
    if (own.length === 0 || own.some(word => word === '--help' || word === '-h' || word === 'help'))
      return 'help';
    throw new UsageError(`there is no such command in '${own.join(' ')}'. postern lab --help lists them.`);
  }
  const spec: ParseArgsOptionsConfig = SPECS[command];
  try {
    const { values, positionals } = parseArgs({
      args: own,
      allowPositionals: true,
      options: { ...spec, name: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return 'help';
    const rest = dashes < 0 ? undefined : args.slice(dashes + 1);
    return { command, positionals: positionals.slice(1), values: values as Invocation['values'], rest };
  } catch (error) {
    throw new UsageError(`${(error as Error).message} (postern lab --help)`, { cause: error });
  }
}

function findCommand(own: readonly string[]): CommandName | undefined {
  const word = own.find((word, index) => !word.startsWith('-') && own[index - 1] !== '--name');
  return word !== undefined && Object.hasOwn(SPECS, word) ? (word as CommandName) : undefined;
}

async function run(invocation: Invocation, files: LabFiles): Promise<number> {
  const { command, positionals, values, rest } = invocation;
  const text = (key: string) => (typeof values[key] === 'string' ? values[key] : undefined);
  const { 'threat-feed': feeds } = values;
  const threatFeeds: readonly string[] = Array.isArray(feeds) ? feeds : [];
  const expectHost = command === 'exec' || command === 'add-host';
  const [host = ''] = positionals;
  if (positionals.length > (expectHost ? 1 : 0))
    throw new UsageError(
      command === 'exec'
        ? "put '--' between the host and the command: postern lab exec HOST -- COMMAND..."
        : `'${positionals.at(-1)}' is one word too many for ${command}.`,
    );
  if (expectHost && host === '') throw new UsageError(`${command} needs the name of a host.`);
  if (rest !== undefined && command !== 'exec') throw new UsageError(`${command} takes nothing after '--'.`);
  switch (command) {
    case 'up':
      return up(files, text('internet'), threatFeeds);
    case 'status':
      return status(files, text('output') ?? 'table');
    case 'down': {
      const { takeDown } = await import('./down.ts');
      process.stdout.write(`${await takeDown(files)}\n`);
      return 0;
    }
    case 'shell': {
      const { runInNamespace, shellCommand } = await import('./enter.ts');
      const { requireUp } = await import('./lab-process.ts');
      requireUp(files);
      return runInNamespace(files, 'workstation', shellCommand(files, text('command')));
    }
    case 'exec': {
      if (rest === undefined || rest.length === 0)
        throw new UsageError("exec needs '--' and a command: postern lab exec HOST -- COMMAND...");
      const { runInNamespace } = await import('./enter.ts');
      return runInNamespace(files, host, rest);
    }
    case 'add-host':
      return addHost(files, host, text('vnet-subnet-id'), text('private-ip'), values.internet === true);
    case 'daemon': {
      const { runDaemon } = await import('./daemon.ts');
      return runDaemon(files, threatFeeds);
    }
  }
}

async function up(
  files: LabFiles,
  internet: string | undefined,
  threatFeeds: readonly string[],
): Promise<number> {
  const startedAt = performance.now();
  const { bringUp } = await import('./up.ts');
  const lab = await bringUp(files, internet, threatFeeds);
  const option = files.name === 'postern' ? '' : ` --name ${files.name}`;
  process.stdout.write(
    [
      `The lab '${lab.name}' is up after ${((performance.now() - startedAt) / 1000).toFixed(1)} s, with no link to this machine's network.`,
      `  workstation  ${lab.workstation}, with az, dig and curl:   postern lab shell${option}`,
      `  Internet     every name and every public address answers, trusted through the lab's own CA`,
      `  API          ${lab.api} in the workstation; from here: bin/postern az`,
      `  state        ${lab.folder}`,
      `  the end      postern lab down${option}`,
      '',
    ].join('\n'),
  );
  return 0;
}

async function status(files: LabFiles, output: string): Promise<number> {
  if (output !== 'json' && output !== 'table')
    throw new UsageError(`--output ${output}: expected json or table.`);
  const [{ ask }, { formatStatus }] = await Promise.all([import('./ask.ts'), import('./status.ts')]);
  const lab = await ask(files, { command: 'status' });
  process.stdout.write(
    output === 'json'
      ? `${JSON.stringify(lab, null, 2)}\n`
      : formatStatus(lab as Parameters<typeof formatStatus>[0]),
  );
  return 0;
}

async function addHost(
  files: LabFiles,
  name: string,
  subnetId: string | undefined,
  privateIp: string | undefined,
  isInternet: boolean,
): Promise<number> {
  if (isInternet === (subnetId !== undefined))
    throw new UsageError('add-host needs either --vnet-subnet-id ID or --internet.');
  const { ask } = await import('./ask.ts');
  const host = (await ask(files, {
    command: 'add-host',
    name,
    ...(subnetId === undefined ? {} : { subnetId }),
    ...(privateIp === undefined ? {} : { privateIp }),
  })) as { readonly address: string };
  process.stdout.write(`${name} is ${host.address}\n`);
  return 0;
}
