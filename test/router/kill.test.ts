// Fail closed: whatever is killed, at any moment and under load, no packet reaches a server that the rules had not
// allowed, and flows that a network rule allowed go on. What is counted is counted at the servers.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../support/lab.ts';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { applicationRule, firewall, networkRule, publicIp } from './printed-rules.ts';
import { IN_FORCE, NODE, POSTERN, PUBLIC, RouterNet, UP } from './router-net.ts';

const ALLOWED = { address: '93.184.2.9', port: 9000 };
const SITE = { site: 'two.example.com', siteAddress: '93.184.1.2' };
const DENIED = [
  { address: '93.184.3.9', port: 9000 },
  { address: '93.184.3.10', port: 443 },
  { address: '93.184.3.11', port: 80 },
];
/** Where packets from the router may go: the allowed echo server, the site, and DNS. */
const COUNTERS = `table inet witness {
  counter forbidden { }
  counter unmasked { }
  counter allowed { }
  chain seen {
    type filter hook prerouting priority raw;
    iifname != "wan" accept
    meta nfproto ipv6 accept
    ip saddr != { ${PUBLIC.join(', ')} } counter name unmasked
    ip daddr != { ${ALLOWED.address}, ${SITE.siteAddress}, 8.8.8.8 } counter name forbidden
    ip daddr ${ALLOWED.address} counter name allowed
  }
}`;

/** What this test allows, and any number of rules beside it. */
const rules = (more = 0) =>
  firewall({
    network: [
      networkRule('echo', { destinationAddresses: [ALLOWED.address], destinationPorts: ['9000'] }),
      ...Array.from({ length: more }, (_, index) =>
        networkRule(`n${index}`, {
          destinationAddresses: [`93.185.${index >> 8}.${index & 255}`],
          destinationPorts: ['7'],
        }),
      ),
    ],
    application: [applicationRule('sites', [SITE.site])],
  });

interface Load {
  opened: number;
  answered: number;
  tried: number;
  deniedAnswers: number;
  siteAnswers: number;
  longestSilenceMs: number;
  broken: number;
}

const unavailable = await namespacesUnavailable();

describe('whatever is killed, nothing opens', { skip: unavailable ?? false }, () => {
  let router: RouterNet;
  let untouched: string;
  let feed: string;

  const seen = async (): Promise<Record<string, number>> => {
    const { stdout } = await router.net.ok('internet', [
      'nft',
      '-j',
      'list',
      'counters',
      'table',
      'inet',
      'witness',
    ]);
    const items = JSON.parse(stdout).nftables as { counter?: { name: string; packets: number } }[];
    return Object.fromEntries(
      items.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])),
    );
  };
  const startLoad = (): Promise<ChildProcess> =>
    router.net.start(
      'node',
      [
        NODE,
        join(ROOT, 'test/router/load-client.ts'),
        JSON.stringify({ allowed: ALLOWED, denied: DENIED, ...SITE }),
      ],
      'ready',
    );
  const endLoad = async (load: ChildProcess): Promise<Load> => {
    let said = '';
    load.stdout?.on('data', chunk => {
      said += chunk;
    });
    const closed = new Promise(resolve => load.once('close', resolve));
    load.stdin?.end();
    await closed;
    return JSON.parse(said.trim().split('\n').at(-1) ?? '') as Load;
  };
  const assertClosed = async (load: Load) => {
    const counted = await seen();
    assert.equal(counted.forbidden, 0, 'packets reached servers that no rule allows');
    assert.equal(counted.unmasked, 0, 'packets left with an address of the inside');
    assert.equal(load.deniedAnswers, 0, 'a target that no rule allows has answered');
    assert.equal(load.broken, 0, 'the flow that a network rule allows was cut');
    assert.ok(load.tried > 100 && load.answered > 20, JSON.stringify(load));
  };
  const untilInForce = async () => {
    for (let waited = 0; waited < 10_000; waited += 100) {
      if ((await router.status()).inForce) return;
      await sleep(100);
    }
    assert.fail(`not in force again; ${router.complaints}`);
  };

  before(async () => {
    router = await RouterNet.open();
    feed = join(router.folder, 'feed.txt');
    untouched = await router.kernelState();
    await router.net.ok('internet', ['nft', '-f', '-'], { input: COUNTERS });
    router.write('ip.json', publicIp('ip', PUBLIC[0]));
    router.write('firewall.json', rules());
  });

  after(async () => {
    await router?.close();
  });

  it('before the first rules: the closed ruleset of the boot forwards nothing, and up opens it', async () => {
    const state = join(router.folder, 'state/router/gateway');
    // As a machine that forwards by itself: without the closed rules every packet would pass.
    await router.net.ok('router', ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    untouched = await router.kernelState();
    const closed = [
      'gateway',
      '--closed',
      '--state',
      state,
      '--inside',
      'in0',
      '--inside',
      'in1',
      '--outside',
      'out0',
    ];
    await router.net.ok('router', [POSTERN, ...closed]);
    assert.equal(await router.echo(ALLOWED.address, ALLOWED.port), '');
    assert.equal(await router.https(SITE.site, SITE.siteAddress), 0);
    assert.deepEqual(Object.values(await seen()), [0, 0, 0]);
    writeFileSync(feed, '');
    await router.up([...UP, '--threat-feed', feed]);
    assert.equal(await router.echo(ALLOWED.address, ALLOWED.port), 'hello');
    assert.equal(await router.https(SITE.site, SITE.siteAddress), 200);
  });

  it('the gateway, while rules change: its flows go on, nothing else passes, and it is started again', async () => {
    const load = await startLoad();
    for (let round = 0; round < 3; round += 1) {
      await sleep(400);
      const { gatewayProcess } = await router.status();
      // In the middle of a change, as like as not.
      router.write('firewall.json', rules(300 * (round + 1)));
      await sleep(200 + 40 * round);
      await router.kill(gatewayProcess);
      await sleep(300);
      await untilInForce();
    }
    const result = await endLoad(load);
    await assertClosed(result);
    assert.ok(result.longestSilenceMs < 3000, `the flow was silent for ${result.longestSilenceMs} ms`);
    assert.equal(await router.https(SITE.site, SITE.siteAddress), 200);
  });

  it('the control plane: the gateway enforces the last rules alone; a gateway without it starts with them', async () => {
    const load = await startLoad();
    await sleep(300);
    const { process: up, gatewayProcess } = await router.status();
    await router.kill(up);
    await sleep(300);
    assert.equal(await router.echo(ALLOWED.address, ALLOWED.port), 'hello');
    assert.equal(await router.https(SITE.site, SITE.siteAddress), 200, 'the L7 engine still serves');
    assert.equal(await router.dig('@10.42.1.1', 'two.example.com'), SITE.siteAddress, 'DNS still answers');
    // It has something to say, and nobody reads it any more.
    rmSync(feed);
    await sleep(1000);
    assert.equal((await router.status()).gatewayProcess, gatewayProcess, 'the gateway ended with its reader');
    await router.kill(gatewayProcess);
    await sleep(300);
    assert.equal(
      await router.echo(ALLOWED.address, ALLOWED.port),
      'hello',
      'the kernel alone keeps the rules',
    );
    assert.equal(await router.https(SITE.site, SITE.siteAddress), 0);
    const state = join(router.folder, 'state/router');
    const alone = router.net.spawn('router', [
      POSTERN,
      'gateway',
      ...[
        '--control',
        join(state, 'gateway.sock'),
        '--state',
        join(state, 'gateway'),
        '--logs',
        join(state, 'logs'),
      ],
      ...UP,
    ]);
    for (let tries = 0; (await router.https(SITE.site, SITE.siteAddress)) !== 200; tries += 1) {
      assert.ok(tries < 10, 'a gateway without control plane does not enforce its last rules');
      await sleep(200);
    }
    await assertClosed(await endLoad(load));
    assert.equal(alone.exitCode, null);
  });

  it('everything at once; up takes over from the gateway that is left, and down leaves nothing', async () => {
    const load = await startLoad();
    await sleep(300);
    const first = await router.up();
    const { process: up, gatewayProcess } = await router.status();
    await Promise.all([router.kill(up), router.kill(gatewayProcess)]);
    await sleep(500);
    assert.notEqual(first.exitCode ?? first.signalCode, null);
    assert.equal((await router.postern(['status'])).status, 1);
    await router.up();
    await untilInForce();
    const again = await router.status();
    await router.kill(again.process);
    await assertClosed(await endLoad(load));
    const down = await router.postern(['down']);
    assert.equal(down.status, 0, down.stderr);
    assert.equal(await router.kernelState(), untouched);
    // A gateway that the killed router had just started again finds that it is not wanted any more.
    const running = async () => (await router.net.exec('router', ['ps', '-eo', 'args'])).stdout;
    for (let waited = 0; waited < 3000 && /main\.ts (up|gateway)/.test(await running()); waited += 100)
      await sleep(100);
    assert.doesNotMatch(await running(), /main\.ts (up|gateway)/);
    assert.equal(await router.kernelState(), untouched);
    assert.match((await router.postern(['down'])).stdout, /Nothing is up/);
  });

  it('rules that another program flushes are put back, and routing with them', async () => {
    await router.up();
    await router.net.ok('router', ['nft', 'flush', 'ruleset']);
    await router.net.ok('router', ['ip', 'rule', 'del', 'priority', '20559']);
    await sleep(1000);
    await untilInForce();
    assert.equal(await router.echo('93.184.3.9', 9000), '');
    assert.equal(await router.echo(ALLOWED.address, ALLOWED.port), 'hello');
    assert.equal(await router.https(SITE.site, SITE.siteAddress), 200);
    assert.match(router.complaints, /nft table inet postern was removed by another program/);
    assert.equal((await router.postern(['down'])).status, 0);
    assert.equal(await router.kernelState(), untouched);
  });

  it("detached: up returns when the rules are in force; a service manager's stop keeps them, down takes them", async () => {
    const detached = await router.postern(['up', '--config', router.config, ...UP, '--keep', '--detach']);
    assert.equal(detached.status, 0, detached.stderr);
    assert.match(detached.stdout, new RegExp(IN_FORCE));
    const again = await router.postern(['up', '--config', router.config, ...UP]);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /already up \(process \d+\)/);
    const { process: up } = await router.status();
    await router.kill(up, 'TERM');
    for (let waited = 0; (await router.status()).process !== null && waited < 50; waited += 1)
      await sleep(100);
    assert.equal(await router.echo(ALLOWED.address, ALLOWED.port), 'hello');
    assert.equal(await router.echo('93.184.3.9', 9000), '');
    assert.equal((await router.postern(['down'])).status, 0);
    assert.equal(await router.kernelState(), untouched);
  });
});
