// The main job, from nothing to nothing: builds the architecture in a lab, types the az commands, shows what passes and
// what does not, and takes everything down. `--keep` leaves the lab running for a look around.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandsOf, Lab, LabShell, ROOT } from '../test/support/lab.ts';
import {
  BEFORE,
  CHANGES,
  CHECKS,
  type Check,
  FIREWALL,
  GROUP,
  INTERNET,
  prepareHosts,
} from '../test/support/showcase.ts';

const keep = process.argv.includes('--keep');
const tty = process.stdout.isTTY === true;
const paint = (code: number, text: string) => (tty ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = (text: string) => paint(1, text);
const dim = (text: string) => paint(2, text);
const green = (text: string) => paint(32, text);
const red = (text: string) => paint(31, text);
const say = (text = '') => process.stdout.write(`${text}\n`);

const TITLE_WIDTH = 76;
const started = performance.now();
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

interface Row {
  readonly ok: boolean;
}

const rows: Row[] = [];
let group = '';

async function show(lab: Lab, checks: readonly Check[]): Promise<void> {
  for (const check of checks) {
    if (check.group !== group) {
      group = check.group;
      say(`\n  ${bold(group)}`);
    }
    const title =
      check.title.length > TITLE_WIDTH
        ? `${check.title.slice(0, TITLE_WIDTH - 3)}...`
        : check.title.padEnd(TITLE_WIDTH);
    try {
      const seen = await check.run(lab);
      rows.push({ ok: true });
      say(`    ${green('ok')}   ${title}  ${dim(seen)}`);
    } catch (error) {
      rows.push({ ok: false });
      say(`    ${red('FAIL')} ${title}  ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
  }
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

async function typeCommands(lab: Lab): Promise<void> {
  const shell = LabShell.open(lab);
  try {
    for (const command of commandsOf(readFileSync(join(ROOT, 'examples/egress.sh'), 'utf8'))) {
      const isAz = /\baz /.test(command);
      if (command.includes('--route-table egress-routes') && command.includes('subnet update')) {
        await prepareHosts(lab);
        await show(lab, BEFORE);
        say(`\n${bold('The route table comes into force')}`);
      }
      if (command.startsWith('set ')) continue;
      const result = await shell.run(command);
      if (isAz) say(`  ${dim(seconds(result.ms).padStart(6))}  ${command.replaceAll(/\s*\\\n\s*/g, ' ')}`);
      if (result.status !== 0)
        throw new Error(`${command}\nended with status ${result.status}: ${result.stderr.trim()}`);
    }
  } finally {
    await shell.close();
  }
}

/** The last few lines that differ in where they lead and why, since ten refused connections to one place tell nothing new. */
function distinct(log: string): string[] {
  const lines = new Map(
    log
      .trimEnd()
      .split('\n')
      .map(line => [line.slice(line.indexOf('->')), line]),
  );
  return [...lines.values()].slice(-8);
}

async function main(): Promise<number> {
  const before = hostState();
  say(
    bold('Postern demo: a cluster subnet behind an egress firewall, with real packets in network namespaces'),
  );
  const config = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  writeFileSync(join(config, 'internet.json'), JSON.stringify(INTERNET));
  const lab = await Lab.up({ name: 'demo', internet: join(config, 'internet.json') });
  const stop = () => {
    void lab.down().then(() => process.exit(130));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    say(
      `${dim(seconds(performance.now() - started).padStart(8))}  lab up: a workstation, an Internet, no link to this machine's network`,
    );
    say(`\n${bold("Azure's commands, typed in the lab's workstation (examples/egress.sh)")}`);
    await typeCommands(lab);
    say(`\n${bold('What passes and what does not, seen from a host in aks-subnet')}`);
    await show(lab, [...CHECKS, ...CHANGES]);
    say(`\n${bold('What the firewall logged (postern logs --denied)')}`);
    const logs = spawnSync(join(ROOT, 'bin/postern'), ['logs', '--denied', '--lab', 'demo'], {
      encoding: 'utf8',
      env: { ...process.env, ...lab.env },
    });
    for (const line of distinct(`${logs.stdout}${logs.stderr}`)) say(`  ${line}`);
    if (keep) {
      say(`\nThe lab stays. Look around, with ${bold(`POSTERN_STATE=${lab.state}`)} in the environment:`);
      say('  bin/postern lab --name demo shell            az, dig and curl in the workstation');
      say('  bin/postern lab --name demo exec node-1 -- curl -sS https://mcr.microsoft.com/');
      say(`  bin/postern lab --name demo shell -c 'az network firewall show -g ${GROUP} -n ${FIREWALL}'`);
      say('  bin/postern lab --name demo down             removes everything');
    }
  } catch (error) {
    rows.push({ ok: false });
    say(red(`\n${error instanceof Error ? error.message : error}`));
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    if (!keep) {
      const deleted = await lab.az('group', 'delete', '-n', GROUP, '--yes');
      const down = await lab.down();
      const clean = deleted.status === 0 && down.status === 0 && hostState() === before;
      rows.push({ ok: clean });
      say(
        `\n${clean ? green('ok') : red('FAIL')}   az group delete, lab down: this machine is as it was before${clean ? '' : ` (${deleted.stderr}${down.stderr})`}`,
      );
    }
    rmSync(config, { recursive: true, force: true });
  }
  const failed = rows.filter(row => !row.ok).length;
  say(
    `\n${failed === 0 ? green(`All ${rows.length} as promised`) : red(`${failed} of ${rows.length} NOT as promised`)}, ${seconds(performance.now() - started)}.`,
  );
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
