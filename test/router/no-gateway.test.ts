// A gateway that cannot start: `up` and `status` say why, and what is mended comes into force by itself.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { firewall, publicIp } from './printed-rules.ts';
import { IN_FORCE, POSTERN, PUBLIC, RouterNet } from './router-net.ts';

const WHY = 'status 1: another gateway, with another state folder, runs in this network namespace';
const unavailable = await namespacesUnavailable();

describe('a gateway that cannot start', { skip: unavailable ?? false }, () => {
  it('is told with its last words until it can', async () => {
    await using router = await RouterNet.open({ internet: false });
    router.write('ip.json', publicIp('ip', PUBLIC[0]));
    router.write('firewall.json', firewall({}));
    const until = async (holds: () => boolean, what: string) => {
      for (let waited = 0; waited < 25_000 && !holds(); waited += 50) await sleep(50);
      assert.ok(holds(), `${what}: ${router.said}${router.complaints}`);
    };
    const other = router.net.spawn('router', [
      ...[POSTERN, 'gateway', '--control', '/nowhere', '--state', join(router.folder, 'other')],
      ...['--inside', 'in0', '--outside', 'out0'],
    ]);
    for (
      let tries = 0;
      (await router.net.exec('router', ['nft', 'list', 'table', 'inet', 'postern'])).status !== 0;
      tries += 1
    ) {
      assert.ok(tries < 50, 'the other gateway does not start');
      await sleep(100);
    }
    const started = router.up();
    await until(
      () => router.complaints.includes('starting it again'),
      'up does not say that the gateway ended',
    );
    assert.match(router.complaints, new RegExp(`^postern: the gateway ended with ${WHY}; `, 'm'));
    const text = await router.postern(['status']);
    assert.equal(text.status, 1);
    assert.match(text.stdout, new RegExp(`it ended with ${WHY} \\(`));
    const json = JSON.parse((await router.postern(['status', '-o', 'json'])).stdout);
    assert.equal(json.gatewayFault.text, WHY);
    await until(() => router.complaints.includes('not answered for 15 s'), 'up goes on in silence');
    assert.ok(router.complaints.includes(`(it ended with ${WHY})`));
    router.net.signal(other, 'SIGTERM');
    await started.catch(() => {});
    await until(() => router.said.includes(IN_FORCE), 'it is not tried again');
    assert.doesNotMatch((await router.postern(['status'])).stdout, /it ended with/);
    assert.equal((await router.postern(['down'])).status, 0);
  });

  it('is told in one line where nft cannot be run', async () => {
    await using router = await RouterNet.open({ internet: false });
    // In a mount namespace of its own nft is a file that cannot be run.
    const hide = 'mount --bind /dev/null "$(readlink -f "$(PATH=$PATH:/usr/sbin command -v nft)")"';
    const gateway = `${POSTERN} gateway --control /nowhere --state ${router.folder}/other --inside in0 --outside out0`;
    const { status, stderr } = await router.net.exec('router', [
      'unshare',
      '--mount',
      'sh',
      '-c',
      `${hide} && ${gateway}`,
    ]);
    assert.equal(stderr, 'postern gateway: cannot run nft: spawn nft EACCES\n');
    assert.equal(status, 1);
  });
});
