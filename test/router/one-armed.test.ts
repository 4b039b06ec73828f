// A router with one interface behind a 1:1 NAT, as a cloud VM is: the machine only has 10.42.2.4, another one translates
// the public IP to it and back. Sources in private prefixes are inside, all others outside.
//
//   node 10.42.1.4 -- 10.42.1.1 ┐                    ┌ 52.186.0.4 -- 52.186.0.1 internet -- 52.186.1.1 -- visitor
//                               cloud (routes, 1:1 NAT)
//   web 10.42.3.50 -- 10.42.3.1 ┘        └ 10.42.2.1 -- 10.42.2.4 router

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from '../support/lab.ts';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { applicationRule, firewall, networkRule, publicIp, webBehind } from './printed-rules.ts';
import { CLIENT, NODE, PUBLIC, RouterNet, VISITOR, WEB } from './router-net.ts';

const LOCAL = '10.42.2.4';
const NAT = `table ip cloud {
  chain in {
    type nat hook prerouting priority dstnat;
    iifname "wan0" ip daddr ${PUBLIC[0]} dnat to ${LOCAL}
  }
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "wan0" ip saddr ${LOCAL} snat to ${PUBLIC[0]}
    oifname "wan0" counter drop
  }
}`;

const unavailable = await namespacesUnavailable();

describe('a router with one interface behind a 1:1 NAT', { skip: unavailable ?? false }, () => {
  let router: RouterNet;

  before(async () => {
    router = await RouterNet.openOneArmed();
    await router.net.ok('cloud', ['nft', '-f', '-'], { input: NAT });
    router.write('ip.json', publicIp('ip', PUBLIC[0]));
    // As wide as rules can be: what does not answer from outside must not depend on their sources.
    router.write(
      'firewall.json',
      firewall({
        privateAddress: LOCAL,
        network: [
          networkRule('echo', {
            sourceAddresses: ['*'],
            destinationAddresses: ['*'],
            destinationPorts: ['9000'],
          }),
        ],
        application: [
          applicationRule('sites', ['two.example.com']),
          applicationRule('odd', ['two.example.com'], { protocols: [{ protocolType: 'Https', port: 8443 }] }),
        ],
        nat: [webBehind('8080')],
      }),
    );
    await router.up(['--inside', 'eth0', '--public-ip', `${PUBLIC[0]}=${LOCAL}`, '--dns-server', '8.8.8.8']);
    await router.net.start('web', [NODE, join(ROOT, 'test/router/web-server.ts'), '8080'], 'ready');
  });

  after(async () => {
    await router?.close();
  });

  it('says nothing about addresses, since all are where they should be', () => {
    assert.doesNotMatch(router.said, /No (inside )?interface|no interface/);
    assert.equal(router.complaints, '');
  });

  it('from inside, network rules, application rules and DNS work, and servers see the public IP', async () => {
    assert.equal(await router.echo('93.184.2.9', 9000), 'hello');
    assert.equal(await router.echo('93.184.2.9', 9001), '');
    assert.equal(await router.dig(`@${LOCAL}`, 'two.example.com'), '93.184.1.2');
    assert.equal(await router.https('two.example.com', '93.184.1.2'), 200);
    assert.equal(await router.https('bad.example.com', '93.184.1.2'), 0);
    await new Promise(resolve => setTimeout(resolve, 300));
    const seen = router.journal();
    assert.ok(seen.length >= 3);
    for (const { client, server } of seen) assert.equal(client, PUBLIC[0], `at ${server}`);
  });

  it('from outside a NAT rule leads to the server inside', async () => {
    const page = await router.curl('visitor', `http://${PUBLIC[0]}:8080/`);
    assert.equal(page.stdout, `${LOCAL}\n`, page.stderr);
    await router.logged(
      ({ Type, SourceIp }) => Type === 'AZFWNatRule' && SourceIp === VISITOR,
      'NAT decision',
    );
  });

  it('from outside 53, 80, 443, application ports, allowed ports and the API do not answer', async () => {
    const api = Number(/:(\d+), state/.exec(router.said)?.[1]);
    assert.ok(api > 0, router.said);
    for (const port of [22, 53, 80, 443, 8443, 9000, api])
      assert.equal(
        await router.echo(PUBLIC[0], port, { host: 'visitor', timeoutMs: 400 }),
        '',
        `TCP ${port}`,
      );
    assert.equal(await router.echo(PUBLIC[0], 53, { host: 'visitor', udp: true, timeoutMs: 400 }), '');
    // With a route that hands the router any packet, it is no way through either.
    await router.net.ok('visitor', ['ip', 'route', 'add', '10.42.0.0/16', 'via', '52.186.1.1']);
    await router.net.ok('internet', ['ip', 'route', 'add', '10.42.0.0/16', 'via', PUBLIC[0]]);
    for (const [target, port] of [
      [LOCAL, 53],
      [LOCAL, 80],
      [WEB, 9000],
      [CLIENT, 443],
    ] as const)
      assert.equal(
        await router.echo(target, port, { host: 'visitor', timeoutMs: 400 }),
        '',
        `${target}:${port}`,
      );
  });

  it('SSH to the machine itself answers only whom --ssh-from names', async () => {
    const { process: up } = await router.status();
    await router.net.start('router', [NODE, join(ROOT, 'test/router/web-server.ts'), '22'], 'ready');
    assert.equal((await router.curl('node', '--max-time', '1', `http://${LOCAL}:22/`)).stdout, '');
    await router.kill(up, 'TERM');
    while ((await router.status()).process !== null) await new Promise(resolve => setTimeout(resolve, 100));
    await router.up([
      ...['--inside', 'eth0', '--public-ip', `${PUBLIC[0]}=${LOCAL}`, '--dns-server', '8.8.8.8'],
      ...['--ssh-from', `${CLIENT}/32`],
    ]);
    assert.equal((await router.curl('node', `http://${LOCAL}:22/`)).stdout, `${CLIENT}\n`);
    assert.equal((await router.curl('web', '--max-time', '1', `http://${LOCAL}:22/`)).stdout, '');
    assert.equal((await router.curl('visitor', '--max-time', '1', `http://${PUBLIC[0]}:22/`)).stdout, '');
  });
});
