// The command line of `postern lab`: what may be typed, the help for each command, and the reading of it. Nothing is
// run here.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { POLICY_OPTION_FLAGS, POLICY_OPTION_HELP } from '#model/policy-option-flags.ts';
import { commandName } from '#state/command-name.ts';
import { nearest } from '#state/nearest-word.ts';

const NAME_LINE = `
  --name LAB     which lab (default: $POSTERN_LAB, or 'postern'); several can be up
`;

const OVERVIEW = `Usage: postern lab [--name LAB] COMMAND

A network of your own inside this machine: an Internet, a workstation, and whatever you build
with az. It has no link to this machine's network, and needs no root where user namespaces are allowed.

  up         builds the lab
  status     hosts, addresses, effective routes, processes and what went wrong
  shell      bash in the workstation: az, dig, curl, kubectl
  exec       runs a command on a host
  add-host   a host in a subnet or on the Internet
  down       ends the lab and removes everything of it

postern lab COMMAND --help says more; docs/lab.md tells the whole story.
${NAME_LINE}`;

const SPECS = {
  up: {
    internet: { type: 'string' },
    'threat-feed': { type: 'string', multiple: true },
    ...POLICY_OPTION_FLAGS,
  },
  status: { output: { type: 'string', short: 'o' } },
  shell: { command: { type: 'string', short: 'c' } },
  exec: {},
  'add-host': {
    'vnet-subnet-id': { type: 'string' },
    'private-ip': { type: 'string' },
    internet: { type: 'boolean' },
  },
  down: {},
  daemon: { 'threat-feed': { type: 'string', multiple: true }, ...POLICY_OPTION_FLAGS },
} as const satisfies Record<string, ParseArgsOptionsConfig>;
export type LabCommand = keyof typeof SPECS;
/** Those that people start. */
const LISTED = Object.keys(SPECS).filter(command => command !== 'daemon');

const USAGE: Readonly<Record<LabCommand, string>> = {
  up: `Usage: postern lab up [--internet FILE] [--threat-feed FILE]... [OPTION]... [--name LAB]

Builds the lab and says how to enter it.

  --internet FILE      JSON: what is special about the lab's Internet. Without it every name resolves and answers.
                       For example, a name that does not exist, and two names that share one address:
                         {
                           "records": { "gone.example.com": { "rcode": "NXDOMAIN" } },
                           "shared": [["cdn-a.example.com", "cdn-b.example.com"]]
                         }
                       docs/lab.md has all fields.
  --threat-feed FILE   names and networks, one a line, for threat intelligence; read again when it changes

What firewalls of the lab do unlike Azure's, or where Azure's pages leave it open:

${POLICY_OPTION_HELP}`,
  status: `Usage: postern lab status [-o json|table] [--name LAB]

Hosts, addresses, effective routes; the lab's processes, where their messages are, and what went wrong.
`,
  shell: `Usage: postern lab shell [-c COMMANDS] [--name LAB]

Bash in the lab's workstation, where az, dig and curl talk to the lab.

  -c COMMANDS    runs them and ends with their status
`,
  exec: `Usage: postern lab exec HOST [--name LAB] -- COMMAND...

Runs a command on a host (or on 'workstation') with this terminal, and ends with its status. For example:
  postern lab exec node-1 -- curl -sS https://mcr.microsoft.com/
`,
  'add-host': `Usage: postern lab add-host NAME --vnet-subnet-id ID [--private-ip ADDRESS] [--name LAB]
       postern lab add-host NAME --internet [--name LAB]

Adds a host to a subnet, or to the Internet.

  --vnet-subnet-id ID    az network vnet subnet show --query id prints it
  --private-ip ADDRESS   default: the first free address of the subnet
`,
  down: `Usage: postern lab down [--name LAB]

Ends the lab and removes everything of it.
`,
  daemon: `Usage: postern lab daemon --name LAB [--threat-feed FILE]... [OPTION]...

The lab's own process; postern lab up starts it.
`,
};

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Invocation {
  readonly command: LabCommand;
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** What stands after `--`; undefined without one. */
  readonly rest: readonly string[] | undefined;
}

/** `--name` may stand anywhere before `--`, also before the command. */
export function parseInvocation(args: readonly string[]): Invocation | { readonly help: string } {
  const dashes = args.indexOf('--');
  const own = dashes < 0 ? [...args] : args.slice(0, dashes);
  const command = findCommand(own);
  if (command === undefined) {
    if (own.length === 0 || own.some(word => word === '--help' || word === '-h' || word === 'help'))
      return { help: helpText(OVERVIEW) };
    const word = wordOf(own);
    const near = word === undefined ? undefined : nearest(word, LISTED);
    throw new UsageError(
      `${word === undefined ? `'${own.join(' ')}' names no command` : `there is no command '${word}'`}. ${near === undefined ? '' : `Did you mean '${near}'? `}${commandName()} lab --help lists them.`,
    );
  }
  if (command === 'exec' && dashes < 0) requireDashes(own);
  const spec: ParseArgsOptionsConfig = SPECS[command];
  try {
    const { values, positionals } = parseArgs({
      args: own,
      allowPositionals: true,
      options: { ...spec, name: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return { help: helpText(`${USAGE[command]}${NAME_LINE}`) };
    const rest = dashes < 0 ? undefined : args.slice(dashes + 1);
    return { command, positionals: positionals.slice(1), values: values as Invocation['values'], rest };
  } catch (error) {
    throw new UsageError(
      `${plainFault(command, error as Error)} ${commandName()} lab ${command} --help says more.`,
      { cause: error },
    );
  }
}

const helpText = (text: string): string => text.replaceAll(/\bpostern(?= lab )/g, commandName());

function wordOf(own: readonly string[]): string | undefined {
  return own.find((word, index) => !word.startsWith('-') && own[index - 1] !== '--name');
}

function findCommand(own: readonly string[]): LabCommand | undefined {
  const word = wordOf(own);
  return word !== undefined && Object.hasOwn(SPECS, word) ? (word as LabCommand) : undefined;
}

/** The options behind the host are the command's, so they must not be read as ours. */
function requireDashes(own: readonly string[]): void {
  const words = own.filter((word, index) => !/^--name(=|$)/.test(word) && own[index - 1] !== '--name');
  const [host = 'HOST', ...command] = words.slice(words.indexOf('exec') + 1);
  if (command.length === 0 || command[0] === '--help' || command[0] === '-h' || host.startsWith('-')) return;
  const typed = command.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  throw new UsageError(`put -- before the command: ${commandName()} lab exec ${host} -- ${typed}`);
}

/** Node's words speak to the programmer of the command. */
function plainFault(command: string, error: Error): string {
  const option = /'(?:-\w, )?(-[^' ]*)/.exec(error.message)?.[1] ?? '';
  switch ('code' in error ? error.code : '') {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION':
      return `${command} has no option '${option}'.`;
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE':
      return /does not take/.test(error.message) ? `${option} takes no value.` : `${option} needs a value.`;
    default:
      return error.message;
  }
}
