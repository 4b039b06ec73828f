// `az`: finds the command, parses its arguments, runs it and prints the result. Everything that a command needs is
// handed to it; everything that goes wrong ends here as one message and one exit status.

import { globalArguments } from './arguments.ts';
import { Arm } from './arm.ts';
import { AzError, UsageError } from './errors.ts';
import { findApi } from './find-api.ts';
import { type AzIo, processIo, tolerateClosedPipe, wantsColour } from './io.ts';
import { formatResult } from './output.ts';
import { parseArguments } from './parse.ts';
import { withProgress } from './progress.ts';
import type { Command, Context, Values } from './spec.ts';
import { createTransport } from './transport.ts';
import { resolveCommand } from './tree.ts';

const RED = '\u001b[91m';
const YELLOW = '\u001b[33m';
const PLAIN = '\u001b[0m';

export async function runAz(args: readonly string[], io: AzIo = processIo()): Promise<number> {
  tolerateClosedPipe(io.stdout);
  tolerateClosedPipe(io.stderr);
  try {
    await dispatch(args, io);
    return 0;
  } catch (error) {
    return report(error, args, io);
  }
}

async function dispatch(args: readonly string[], io: AzIo): Promise<void> {
  const resolved = await resolveCommand(args);
  if (resolved.kind === 'group') {
    const { path, rest } = resolved;
    const [flag] = rest;
    if (path === '' && (flag === '--version' || flag === '-v')) {
      io.stdout.write(await versionText());
    } else if (flag === undefined || flag === '--help' || flag === '-h') {
      io.stdout.write(await helpForGroup(path));
    } else {
      throw new UsageError(`unrecognized arguments: ${rest.join(' ')}`, 'A command comes before its flags.');
    }
    return;
  }
  const { path, command, rest } = resolved;
  const values = parseArguments(rest, {
    command: path,
    arguments: [...command.arguments, ...globalArguments],
    ...(command.refused ? { refused: command.refused } : {}),
    defaults: defaultsFrom(io.env),
  });
  if (values.switch('_help')) {
    const { commandHelp } = await import('./help.ts');
    io.stdout.write(commandHelp(path, command));
    return;
  }
  await execute(command, values, io);
}

async function execute(command: Command, values: Values, io: AzIo): Promise<void> {
  const startedAt = performance.now();
  const expression = values.optional('_query');
  const query =
    expression === undefined ? undefined : await (await import('./query.ts')).compileQuery(expression);
  if (command.confirm && !values.switch('yes')) {
    const { confirmOrThrow } = await import('./prompt.ts');
    await confirmOrThrow(command.confirm, io);
  }

  const context = createContext(values, io);
  const result = await withProgress(io, !values.switch('_onlyErrors'), () => command.run(context));
  const shown = query && result !== undefined ? query(result) : result;
  const text = await formatResult(shown, {
    format: values.text('_output'),
    colour: wantsColour(io.stdout, io.env),
    queried: query !== undefined,
    table: command.table,
  });
  if (text) io.stdout.write(text);
  if (values.switch('_verbose')) {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(3);
    io.stderr.write(`Command ran in ${seconds} seconds.\n`);
  }
}

/** The API is looked for when a command first asks for it; some never do. */
function createContext(values: Values, io: AzIo): Context {
  let arm: Arm | undefined;
  return {
    values,
    io,
    get arm() {
      arm ??= connect(values, io);
      return arm;
    },
    warn(message) {
      if (values.switch('_onlyErrors')) return;
      io.stderr.write(
        wantsColour(io.stderr, io.env) ? `${YELLOW}${message}${PLAIN}\n` : `WARNING: ${message}\n`,
      );
    },
  };
}

function connect(values: Values, io: AzIo): Arm {
  const endpoint = findApi(io.env);
  const wanted = values.optional('_subscription')?.toLowerCase();
  if (wanted !== undefined && wanted !== endpoint.subscription.toLowerCase() && wanted !== 'postern') {
    throw new AzError(
      `The subscription of '${wanted}' does not exist. The control plane has ${endpoint.subscription} (Postern).`,
    );
  }
  return new Arm({
    subscription: endpoint.subscription,
    tenant: endpoint.tenant,
    transport: createTransport(endpoint),
    ...(values.switch('_debug') ? { trace: (line: string) => void io.stderr.write(`${line}\n`) } : {}),
  });
}

/** The environment variables by which Azure CLI takes defaults. */
function defaultsFrom(env: AzIo['env']): Readonly<Record<string, string | undefined>> {
  return {
    resourceGroup: env.AZURE_DEFAULTS_GROUP || undefined,
    location: env.AZURE_DEFAULTS_LOCATION || undefined,
    _output: env.AZURE_CORE_OUTPUT || undefined,
  };
}

async function helpForGroup(path: string): Promise<string> {
  const [{ groupHelp }, { groups }] = await Promise.all([import('./help.ts'), import('./commands/index.ts')]);
  const summary = groups.find(group => group.path === path)?.summary;
  return groupHelp(path, summary ?? "Postern's own az: Azure's commands for what Postern implements.");
}

async function versionText(): Promise<string> {
  const { versionInfo } = await import('./commands/root.ts');
  const info = versionInfo();
  return `postern        ${info.postern}\nfollows azure-cli ${info['azure-cli']}\n\nExtensions:\nazure-firewall (built in)\n`;
}

/** One message on standard error, nothing else; the stack only with --debug or where the fault is ours. */
function report(error: unknown, args: readonly string[], io: AzIo): number {
  const known = error instanceof AzError ? error : undefined;
  const debug = args.includes('--debug');
  const message = known
    ? known.message
    : `Postern's az failed: ${error instanceof Error ? error.stack : String(error)}`;
  io.stderr.write(wantsColour(io.stderr, io.env) ? `${RED}${message}${PLAIN}\n` : `${message}\n`);
  if (known?.hint) io.stderr.write(`${known.hint}\n`);
  if (debug && known) io.stderr.write(`${known.stack ?? ''}\n`);
  return known?.exitCode ?? 1;
}
