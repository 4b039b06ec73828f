// `postern lab ...`: reads the command line, runs one of the lab's commands, and turns errors into words and a status.

import { policyOptionsOf } from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { commandName } from '#state/command-name.ts';
import { DEFAULT_LAB, labName } from '#state/state-folder.ts';
import { LabError, type LabFiles, labFiles } from './lab-files.ts';
import { nameOption, requireUp } from './lab-process.ts';
import { type Invocation, parseInvocation, UsageError } from './usage.ts';

export async function runLab(args: readonly string[]): Promise<number> {
  try {
    const invocation = parseInvocation(args);
    if ('help' in invocation) {
      process.stdout.write(invocation.help);
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

async function run(invocation: Invocation, files: LabFiles): Promise<number> {
  const { command, positionals, values, rest } = invocation;
  const text = (key: string) => (typeof values[key] === 'string' ? values[key] : undefined);
  const { 'threat-feed': feeds } = values;
  const threatFeeds: readonly string[] = Array.isArray(feeds) ? feeds : [];
  const expectHost = command === 'exec' || command === 'add-host';
  const [host = ''] = positionals;
  if (positionals.length > (expectHost ? 1 : 0))
    throw new UsageError(`'${positionals.at(-1)}' is one word too many for ${command}.`);
  if (expectHost && host === '') throw new UsageError(`${command} needs the name of a host.`);
  if (rest !== undefined && command !== 'exec') throw new UsageError(`${command} takes nothing after '--'.`);
  const { options, faults } = policyOptionsOf(values);
  if (faults.length > 0) throw new UsageError(faults.join('\n'));
  switch (command) {
    case 'up':
      return up(files, { internetFile: text('internet'), threatFeeds, policyOptions: options });
    case 'status':
      return status(files, text('output') ?? 'table');
    case 'down': {
      const { takeDown } = await import('./down.ts');
      process.stdout.write(`${await takeDown(files)}\n`);
      return 0;
    }
    case 'shell': {
      const { runInNamespace, shellCommand } = await import('./enter.ts');
      requireUp(files);
      return runInNamespace(files, 'workstation', shellCommand(files, text('command')));
    }
    case 'exec': {
      if (rest === undefined || rest.length === 0)
        throw new UsageError(`exec needs -- and a command: ${commandName()} lab exec ${host} -- COMMAND...`);
      const { runInNamespace } = await import('./enter.ts');
      return runInNamespace(files, host, rest);
    }
    case 'add-host':
      return addHost(files, host, text('vnet-subnet-id'), text('private-ip'), values.internet === true);
    case 'daemon': {
      const { runDaemon } = await import('./daemon.ts');
      return runDaemon(files, { threatFeeds, policyOptions: options });
    }
  }
}

async function up(
  files: LabFiles,
  options: {
    readonly internetFile: string | undefined;
    readonly threatFeeds: readonly string[];
    readonly policyOptions: PolicyOptions;
  },
): Promise<number> {
  const startedAt = performance.now();
  const { bringUp } = await import('./up.ts');
  const lab = await bringUp(files, options);
  const option = nameOption(files);
  const postern = commandName();
  const az = files.name === DEFAULT_LAB ? `${postern} az` : `POSTERN_LAB=${files.name} ${postern} az`;
  process.stdout.write(
    [
      `The lab '${lab.name}' is up after ${((performance.now() - startedAt) / 1000).toFixed(1)} s, with no link to this machine's network.`,
      `  workstation  ${lab.workstation}, with az, dig and curl:   ${postern} lab shell${option}`,
      `  Internet     every name and every public address answers, trusted through the lab's own CA`,
      `  API          ${lab.api} in the workstation; from here: ${az}`,
      `  state        ${lab.folder}`,
      `  the end      ${postern} lab down${option}`,
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
