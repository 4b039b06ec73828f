// The main job, from nothing to nothing: builds the architecture in a lab, types the az commands, shows what passes and
// what does not, asks the rules and tries the answers, and takes everything down. `--keep` leaves the lab running for a look around.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateFolder } from '#state/state-folder.ts';
import { commandsOf, Lab, LabShell, ROOT, run } from '../test/support/lab.ts';
import {
  AFTER,
  BEFORE,
  type Check,
  FIREWALL,
  GROUP,
  INTERNET,
  OFFLINE,
  POLICY,
  prepareHosts,
  prepareTeam,
  TEAM,
} from '../test/support/showcase.ts';
import { readArguments } from './read-arguments.ts';

const USAGE = `Usage: npm run demo [-- --keep]

Builds a cluster subnet behind an egress firewall in network namespaces, types az commands, shows what passes and what does
not, and takes everything down.

  --keep   leaves the lab running for a look around, and says how to remove it

Status 0: all as promised; 1: something was not; 2: nothing was done; 130: interrupted.
`;

const { keep } = readArguments(USAGE, { options: { keep: { type: 'boolean', default: false } } }).values;
const tty = process.stdout.isTTY === true;
const paint = (code: number, text: string) => (tty ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = (text: string) => paint(1, text);
const dim = (text: string) => paint(2, text);
const green = (text: string) => paint(32, text);
const red = (text: string) => paint(31, text);
const say = (text = '') => process.stdout.write(`${text}\n`);

/** Set by Ctrl-C: nothing more is begun, and what there is is taken down as always. */
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!interrupted) say('\nInterrupted: removing everything.');
    interrupted = true;
  });
}

class Interrupted extends Error {}

function goOn(): void {
  if (interrupted) throw new Interrupted();
}

const TITLE_WIDTH = Math.max(...[...BEFORE, ...AFTER, ...POLICY].map(({ title }) => title.length));
const started = performance.now();
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

interface Row {
  readonly ok: boolean;
}

const rows: Row[] = [];
let group = '';

async function show(lab: Lab, checks: readonly Check[]): Promise<void> {
  for (const check of checks) {
    goOn();
    if (check.group !== group) {
      group = check.group;
      say(`\n  ${bold(group)}`);
    }
    const title = check.title.padEnd(TITLE_WIDTH);
    try {
      const [seen = '', ...more] = (await check.run(lab)).split('\n');
      rows.push({ ok: true });
      say(`    ${green('ok')}   ${title}  ${dim(seen)}`);
      for (const line of more.flatMap(wrap)) say(`           ${dim(line)}`);
    } catch (error) {
      goOn();
      rows.push({ ok: false });
      say(`    ${red('FAIL')} ${title}  ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
  }
}

const WIDEST = 120;

/** Long lines in pieces that end between words. */
function wrap(line: string): string[] {
  const pieces = [''];
  for (const word of line.split(/(?<= )/)) {
    const last = pieces.length - 1;
    if (`${pieces[last]}${word}`.trimEnd().length <= WIDEST) pieces[last] += word;
    else pieces.push(`    ${word}`);
  }
  return pieces;
}

/** What must be the same after the demo as before. */
function hostState(): string {
  const look = (...command: string[]) => {
    const { stdout } = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' });
    return stdout ?? '';
  };
  return JSON.stringify([
    look('ip', 'netns'),
    look('ip', '-br', 'link'),
    look('ip', 'rule'),
    process.getuid?.() === 0 ? look('nft', 'list', 'ruleset') : '',
  ]);
}

/** `beforeRoutes` is done when only the association of the route table is missing. */
async function typeCommands(lab: Lab, script: string, beforeRoutes: () => Promise<void>): Promise<void> {
  const shell = LabShell.open(lab);
  try {
    for (const command of commandsOf(readFileSync(join(ROOT, script), 'utf8'))) {
      goOn();
      const isAz = /\baz /.test(command);
      if (command.includes('--route-table') && command.includes('subnet update')) await beforeRoutes();
      if (command.startsWith('set ')) continue;
      const result = await shell.run(command);
      if (isAz)
        say(`  ${dim(seconds(result.ms).padStart(6))}  ${command.replaceAll(/\n\s*/g, '\n            ')}`);
      if (result.status !== 0)
        throw new Error(`${command}\nended with status ${result.status}: ${result.stderr.trim()}`);
    }
  } finally {
    await shell.close();
  }
}

/** One line for each place and reason: ten refused connections to one place tell nothing new. */
function distinct(log: string): string[] {
  const lines = new Map<string, string>();
  for (const line of log.trimEnd().split('\n')) {
    const key = line.slice(line.indexOf('->'));
    if (!lines.has(key)) lines.set(key, line);
  }
  return [...lines.values()].slice(0, 10);
}

async function showLab(lab: Lab): Promise<void> {
  say(
    `${dim(seconds(performance.now() - started).padStart(8))}  lab up: a workstation, an Internet, no link to this machine's network`,
  );
  say(`\n${bold("Azure's commands, typed in the lab's workstation (examples/egress.sh)")}`);
  await typeCommands(lab, 'examples/egress.sh', async () => {
    await prepareHosts(lab);
    await show(lab, BEFORE);
    say(`\n${bold('The route table comes into force')}`);
  });
  say(`\n${bold('What passes and what does not, seen from a host in aks-subnet')}`);
  await show(lab, AFTER);
  say(`\n${bold('What the firewall logged (postern logs --denied)')}`);
  const logs = await run([join(ROOT, 'bin/postern'), 'logs', '--denied', '-n', '1000', '--lab', lab.name], {
    env: lab.env,
  });
  for (const line of distinct(`${logs.stdout}${logs.stderr}`)) say(`  ${line}`);
  say(`\n${bold('A second firewall, with a policy and its parent (examples/policy.sh)')}`);
  await typeCommands(lab, 'examples/policy.sh', () => prepareTeam(lab));
  say(`\n${bold('Asked of the rules with postern decide --policy store, then tried with packets')}`);
  await show(lab, POLICY);
  say(`\n${bold('The same questions without any firewall, on examples/policy-repository')}`);
  await show(lab, OFFLINE);
}

function sayHowToLookAround(lab: Lab): void {
  say(`\nThe lab stays, in ${lab.folder}. Look around:`);
  say('  bin/postern lab --name demo shell            az, dig and curl in the workstation');
  say('  bin/postern lab --name demo exec node-1 -- curl -sS https://mcr.microsoft.com/');
  say(`  bin/postern lab --name demo shell -c 'az network firewall show -g ${GROUP} -n ${FIREWALL}'`);
  say('  bin/postern lab --name demo down             removes everything');
}

async function takeDown(lab: Lab, before: string): Promise<void> {
  const groups = interrupted ? [] : [GROUP, TEAM];
  const deleted = await Promise.all(groups.map(name => lab.az('group', 'delete', '-n', name, '--yes')));
  const down = await lab.down();
  const faults = [...deleted, down]
    .filter(result => result && result.status !== 0)
    .map(result => result?.stderr);
  if (hostState() !== before) faults.push("this machine's namespaces, links or rules differ");
  rows.push({ ok: faults.length === 0 });
  const what = interrupted ? 'lab down' : 'az group delete, lab down';
  if (faults.length === 0) say(`\n${green('ok')}   ${what}: this machine is as it was before`);
  else say(`\n${red('FAIL')} ${what}: ${faults.join('; ')}`);
}

async function main(): Promise<number> {
  const before = hostState();
  say(
    bold('Postern demo: a cluster subnet behind an egress firewall, with real packets in network namespaces'),
  );
  const config = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  let lab: Lab | undefined;
  try {
    writeFileSync(join(config, 'internet.json'), JSON.stringify(INTERNET));
    // A lab that stays is one of the user's own, for every command to find and for lab down to remove.
    const place = keep ? { state: stateFolder() } : {};
    lab = await Lab.up({ name: 'demo', internet: join(config, 'internet.json'), ...place });
    await showLab(lab);
  } catch (error) {
    if (!interrupted) {
      rows.push({ ok: false });
      say(red(`\n${error instanceof Error ? error.message : error}`));
    }
  } finally {
    if (lab && keep && !interrupted) sayHowToLookAround(lab);
    else if (lab) await takeDown(lab, before);
    rmSync(config, { recursive: true, force: true });
  }
  if (interrupted) return 130;
  const failed = rows.filter(row => !row.ok).length;
  const verdict =
    failed === 0
      ? green(`All ${rows.length} as promised`)
      : red(`${failed} of ${rows.length} NOT as promised`);
  say(`\n${verdict}, ${seconds(performance.now() - started)}.`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
