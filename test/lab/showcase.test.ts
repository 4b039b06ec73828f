// Everything the demo shows, as tests: the set-up of examples/egress.sh in a lab, then each promise with real packets.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandsOf, Lab, LabShell, ROOT } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';
import { AFTER, BEFORE, GROUP, INTERNET, prepareHosts } from '../support/showcase.ts';

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

  test('the commands of examples/egress.sh, with the host reaching the Internet directly before the route table', async () => {
    const shell = LabShell.open(lab);
    try {
      for (const command of commandsOf(readFileSync(join(ROOT, 'examples/egress.sh'), 'utf8'))) {
        if (command.startsWith('set ')) continue;
        if (command.includes('subnet update')) {
          await prepareHosts(lab);
          for (const check of BEFORE) await check.run(lab);
        }
        const result = await shell.run(command);
        assert.equal(result.status, 0, `${command}\n${result.stderr}`);
      }
    } finally {
      await shell.close();
    }
  });

  for (const { group, title, run } of AFTER) {
    test(`${group}: ${title}`, async t => {
      t.diagnostic(await run(lab));
    });
  }

  test('az group delete removes everything in the group', async () => {
    await lab.azOk('group', 'delete', '-n', GROUP, '--yes');
    assert.equal(await lab.azOk('group', 'exists', '-n', GROUP), 'false');
  });
});
