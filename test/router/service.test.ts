// The systemd units: systemd finds nothing wrong with them, and the router works with no more rights than they leave it.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT, run } from '../support/lab.ts';
import { namespacesUnavailable, untilPrinted } from '../support/namespaces.ts';
import { applicationRule, firewall, networkRule, publicIp } from './printed-rules.ts';
import { DNS, IN_FORCE, POSTERN, PUBLIC, RouterNet, UP } from './router-net.ts';

const UNITS = join(ROOT, 'packaging');
const unitText = (name: string) => readFileSync(join(UNITS, name), 'utf8');
const settingOf = (unit: string, key: string) =>
  new RegExp(`^${key}=(.*)$`, 'm').exec(unitText(unit))?.[1] ?? assert.fail(`${unit} has no ${key}`);

/** `CAP_NET_ADMIN CAP_NET_RAW` as setpriv takes a bounding set. */
const boundingSet = (unit: string) =>
  [
    '-all',
    ...settingOf(unit, 'CapabilityBoundingSet')
      .split(' ')
      .map(name => `+${name.slice(4).toLowerCase()}`),
  ].join();

const noSystemd =
  (await run(['sh', '-c', 'command -v systemd-analyze'])).status === 0 ? false : 'no systemd-analyze here';

it('systemd-analyze verify finds nothing', { skip: noSystemd }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-units-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['postern.service', 'postern-closed.service']) {
    cpSync(join(UNITS, name), join(folder, name));
    // Checked are the programs and documents of this checkout, which stands where it stands.
    const text = unitText(name).replaceAll('/opt/postern/', `${ROOT}/`);
    writeFileSync(join(folder, name), text);
  }
  const { status, stderr, stdout } = await run([
    ...['systemd-analyze', 'verify', '--man=no'],
    ...[join(folder, 'postern.service'), join(folder, 'postern-closed.service')],
  ]);
  // Units of this machine are loaded with ours, and may have faults of their own.
  const ours = `${stdout}${stderr}`.split('\n').filter(line => line.includes('postern'));
  assert.deepEqual(ours, []);
  assert.ok(status === 0 || ours.length === 0);
});

const asRoot = process.getuid?.() === 0;
const skip =
  (await namespacesUnavailable()) ?? (asRoot ? false : 'needs root, whose rights are taken away one by one');

describe('the rights that the units leave', { skip }, () => {
  it('are enough to close, to run, to change rules and to give everything back', async () => {
    await using router = await RouterNet.open();
    router.write('ip.json', publicIp('ip', PUBLIC[0]));
    const rules = (port: string) =>
      firewall({
        network: [networkRule('echo', { destinationAddresses: ['93.184.2.9'], destinationPorts: [port] })],
        application: [applicationRule('sites', ['two.example.com'])],
      });
    router.write('firewall.json', rules('9000'));
    const untouched = await router.kernelState();
    const gateway = join(router.folder, 'state/router/gateway');
    const interfaces = ['--inside', 'in0', '--inside', 'in1', '--outside', 'out0'];
    const limited = (unit: string, command: readonly string[]) => [
      ...['setpriv', '--bounding-set', boundingSet(unit), '--no-new-privs', '--', POSTERN],
      ...command,
    ];
    await router.net.ok(
      'router',
      limited('postern-closed.service', ['gateway', '--closed', '--state', gateway, ...interfaces]),
      { env: router.env },
    );
    const up = router.net.spawn(
      'router',
      limited('postern.service', ['up', '--keep', '--config', router.config, ...UP]),
      router.env,
    );
    up.stdout?.on('data', chunk => {
      router.said += chunk;
    });
    await untilPrinted(up, IN_FORCE, 20_000);
    assert.equal(await router.echo('93.184.2.9', 9000), 'hello');
    assert.equal(await router.https('two.example.com', '93.184.1.2'), 200);
    assert.equal(await router.dig(`@${DNS}`, 'two.example.com'), '93.184.1.2');
    await router.logged(({ Rule }) => Rule === 'echo', 'decision');
    router.write('firewall.json', rules('9001'));
    for (let tries = 0; (await router.echo('93.184.2.9', 9001)) !== 'hello'; tries += 1)
      assert.ok(tries < 5, 'the change is not in force');
    const { process: pid } = await router.status();
    await router.kill(pid, 'TERM');
    await new Promise(resolve => up.once('close', resolve));
    assert.equal(await router.echo('93.184.2.9', 9001), 'hello', 'a stop leaves the rules in force');
    assert.equal(await router.echo('93.184.2.9', 9000), '');
    assert.equal((await router.postern(['down'])).status, 0);
    assert.equal(await router.kernelState(), untouched);
  });
});
