// Two groups with the same names and the same address space in one lab: each has its own network, firewall and log.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Lab, ROOT } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';

const GROUPS = ['one-rg', 'two-rg'];

describe('two firewalls of the same name', { skip: noNamespaces() }, () => {
  let lab: Lab;

  before(async () => {
    lab = await Lab.up({ name: `two-${process.pid}` });
    for (const group of GROUPS) {
      const typed = await lab.shell(`cd ${ROOT} && GROUP=${group} && . examples/egress.sh`);
      assert.equal(typed.status, 0, typed.stderr);
      const subnet = await lab.azOk(
        'network',
        'vnet',
        'subnet',
        'show',
        '-g',
        group,
        '--vnet-name',
        'egress-vnet',
        '-n',
        'aks-subnet',
        '--query',
        'id',
        '-o',
        'tsv',
      );
      const added = await lab.command(['add-host', `node-${group}`, '--vnet-subnet-id', subnet]);
      assert.equal(added.status, 0, added.stderr);
    }
  });
  after(async () => {
    await lab?.down();
  });

  const clientSeen = async (group: string) => {
    const { status, stdout, stderr } = await lab.exec(`node-${group}`, [
      'curl',
      '-sS',
      '--max-time',
      '5',
      'https://mcr.microsoft.com/whoami',
    ]);
    assert.equal(status, 0, stderr);
    return (JSON.parse(stdout) as { client: string }).client;
  };

  test('each host leaves by the public IP of its own firewall', async () => {
    for (const group of GROUPS) {
      const address = await lab.azOk(
        'network',
        'public-ip',
        'show',
        '-g',
        group,
        '-n',
        'egress-ip',
        '--query',
        'ipAddress',
        '-o',
        'tsv',
      );
      assert.equal(await clientSeen(group), address);
    }
  });

  test('a rule of one says nothing about the other', async () => {
    await lab.azOk(
      'network',
      'firewall',
      'application-rule',
      'create',
      '-g',
      'one-rg',
      '-f',
      'egress-fw',
      '--collection-name',
      'more',
      '--priority',
      '200',
      '--action',
      'Allow',
      '-n',
      'r',
      '--protocols',
      'https=443',
      '--source-addresses',
      '*',
      '--target-fqdns',
      'github.com',
    );
    const statuses = await Promise.all(
      GROUPS.map(
        async group =>
          (await lab.exec(`node-${group}`, ['curl', '-sS', '--max-time', '5', 'https://github.com/'])).status,
      ),
    );
    assert.equal(statuses[0], 0);
    assert.notEqual(statuses[1], 0);
  });

  test('when one group is deleted the other goes on', async () => {
    await lab.azOk('group', 'delete', '-n', 'one-rg', '--yes');
    assert.match(await clientSeen('two-rg'), /^\d+\./);
  });
});
