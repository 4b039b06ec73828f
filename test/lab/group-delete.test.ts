// Two groups that look the same: each firewall has its own log, and goes with its group, whatever in there refers to what.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Lab, ROOT, run } from '../support/lab.ts';
import { Network } from '../support/network.ts';
import { noNamespaces } from '../support/privileges.ts';

const SITE = 'http://site.example.org';
const WEB = '--protocols http=80 --source-addresses * --target-fqdns';

describe('groups in a lab', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let east: Network;
  let west: Network;

  before(async () => {
    lab = await Lab.up({ name: `groups-${process.pid}` });
    east = new Network(lab, 'east-rg');
    west = new Network(lab, 'west-rg');
    for (const [net, host] of [
      [east, 'east-app'],
      [west, 'west-app'],
    ] as const) {
      await net.build();
      await net.open();
      await net.addHost(host, 'apps');
    }
  });
  after(async () => {
    await lab?.down();
  });

  test('each firewall has its log', async () => {
    for (const [net, host] of [
      [east, 'east-app'],
      [west, 'west-app'],
    ] as const)
      assert.equal(await net.whoami(SITE, host), undefined);
    await east.rule('application', 'web', 100, `${WEB} *.example.org`);
    const denied = (...flags: string[]) =>
      run([join(ROOT, 'bin/postern'), 'logs', '--denied', '-o', 'json', ...flags], {
        env: { ...lab.env, POSTERN_LAB: lab.name },
      });
    const first = await denied();
    assert.equal(first.stderr, 'Other firewalls have logs of their own: --firewall west-rg.fw\n');
    const second = await denied('--firewall', 'west-rg.fw');
    for (const { stdout } of [first, second])
      assert.match(stdout, /"Fqdn":"site\.example\.org".*"Default Action"/);
    assert.notEqual(first.stdout, second.stdout);
  });

  test('a group is deleted with firewall, route table, network and hosts, whatever refers to what; the other stays', async () => {
    await lab.azOk('group', 'delete', '-n', west.group, '--yes', '--no-wait');
    for (
      let tries = 0;
      tries < 50 && (await lab.azOk('group', 'exists', '-n', west.group)) === 'true';
      tries++
    );
    assert.equal(await lab.azOk('group', 'exists', '-n', west.group), 'false');
    const gone = await lab.exec('west-app', ['true']);
    assert.match(gone.stderr, /no host 'west-app'/);
    assert.equal((await east.whoami(SITE, 'east-app'))?.client, await east.publicIp('ip1'));
    // The name, the prefixes and the address are free again.
    await west.build();
    await west.open();
  });
});
