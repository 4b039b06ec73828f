// Everything the demo shows, as tests: the set-up of examples/egress.sh in a lab, then each promise with real packets.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandsOf, Lab, LabShell, ROOT } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';
import {
  AFTER,
  BEFORE,
  GROUP,
  INTERNET,
  OFFLINE,
  POLICY,
  prepareHosts,
  prepareTeam,
  TEAM,
} from '../support/showcase.ts';

describe('the egress firewall in the lab', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-showcase-'));
    const internet = join(folder, 'internet.json');
    writeFileSync(internet, JSON.stringify(INTERNET));
    lab = await Lab.up({ name: `show-${process.pid}`, internet });
  });
  after(async () => {
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  /** `beforeRoutes` is done when only the association of the route table is missing. */
  async function typeCommands(script: string, beforeRoutes: () => Promise<void>): Promise<void> {
    const shell = LabShell.open(lab);
    try {
      for (const command of commandsOf(readFileSync(join(ROOT, script), 'utf8'))) {
        if (command.startsWith('set ')) continue;
        if (command.includes('subnet update')) await beforeRoutes();
        const result = await shell.run(command);
        assert.equal(result.status, 0, `${command}\n${result.stderr}`);
      }
    } finally {
      await shell.close();
    }
  }

  test('the commands of examples/egress.sh, with the host reaching the Internet directly before the route table', () =>
    typeCommands('examples/egress.sh', async () => {
      await prepareHosts(lab);
      for (const check of BEFORE) await check.run(lab);
    }));

  for (const { group, title, run } of AFTER) {
    test(`${group}: ${title}`, async t => {
      t.diagnostic(await run(lab));
    });
  }

  test('the commands of examples/policy.sh', () =>
    typeCommands('examples/policy.sh', () => prepareTeam(lab)));

  for (const { group, title, run } of [...POLICY, ...OFFLINE]) {
    test(`${group}: ${title}`, async t => {
      t.diagnostic(await run(lab));
    });
  }

  test('az group delete removes everything in the groups', async () => {
    for (const group of [GROUP, TEAM]) {
      await lab.azOk('group', 'delete', '-n', group, '--yes');
      assert.equal(await lab.azOk('group', 'exists', '-n', group), 'false');
    }
  });
});
