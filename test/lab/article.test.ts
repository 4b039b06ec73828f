// The commands of the AKS egress article, word for word, in the lab's shell, by a user without privileges.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { articleCommands } from '../support/article.ts';
import { Lab, LabShell, ROOT } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';

const ARTICLE = join(ROOT, '../shared/reference/article.txt');
const skip = noNamespaces() || (existsSync(ARTICLE) ? false : 'no copy of the article beside this checkout');

describe("the article's commands, unchanged", { skip }, () => {
  let lab: Lab;
  let shell: LabShell;

  before(async () => {
    lab = await Lab.up({ name: `article-${process.pid}`, unprivileged: true });
    shell = LabShell.open(lab);
  });
  after(async () => {
    await shell?.close();
    await lab?.down();
  });

  test('every command up to the association of the route table ends with status 0 and says nothing on stderr', async () => {
    const commands = articleCommands(readFileSync(ARTICLE, 'utf8'), command =>
      command.includes('subnet update'),
    );
    assert.equal(commands.filter(command => command.includes('az ')).length, 19);
    for (const command of commands) {
      const result = await shell.run(command);
      assert.equal(result.status, 0, `${command}\n${result.stderr}`);
      assert.equal(result.stderr, '', command);
    }
  });

  test('the firewall addresses were read into the variables', async () => {
    const { stdout } = await shell.run('echo "$FWPRIVATE_IP $FWPUBLIC_IP"');
    assert.match(stdout, /^10\.42\.2\.4 \d+\.\d+\.\d+\.\d+\n$/);
  });

  test('a host in the subnet is governed by the rules that were typed', async () => {
    const id = await shell.run(
      'az network vnet subnet show -g $RG --vnet-name $VNET_NAME -n $AKSSUBNET_NAME --query id -o tsv',
    );
    const added = await lab.command(['add-host', 'node-1', '--vnet-subnet-id', id.stdout.trim()]);
    assert.equal(added.status, 0, added.stderr);
    const served = await lab.exec('node-1', ['curl', '-sS', '--max-time', '8', 'https://mcr.microsoft.com/']);
    assert.equal(served.status, 0, served.stderr);
    const refused = await lab.exec('node-1', ['curl', '-sS', '--max-time', '8', 'https://github.com/']);
    assert.notEqual(refused.status, 0);
  });

  test("the workstation's own address, as the article asks for it", async () => {
    const { stdout } = await shell.run('dig @resolver1.opendns.com ANY myip.opendns.com +short');
    const address = await shell.run(
      "ip -4 -o addr show scope global | sed -E 's/.* inet ([0-9.]+).*/\\1/' | head -1",
    );
    assert.equal(stdout, address.stdout);
  });
});
