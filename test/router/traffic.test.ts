// What the rules of the files do to real packets on a router with two inside interfaces and one outside.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../support/lab.ts';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { applicationRule, firewall, networkRule, publicIp, webBehind } from './printed-rules.ts';
import { CLIENT, DNS, NODE, PUBLIC, RouterNet, UP, VISITOR, WEB } from './router-net.ts';

const unavailable = await namespacesUnavailable();

for (const user of [false, true]) {
  const skip = unavailable ?? (!user && process.getuid?.() !== 0 ? 'needs root' : false);
  describe(`packets on a router, in ${user ? 'a user namespace' : 'plain namespaces'}`, { skip }, () => {
    let router: RouterNet;
    let feed: string;

    before(async () => {
      router = await RouterNet.open({ user });
      feed = join(router.folder, 'feed.txt');
      writeFileSync(feed, '# nothing yet\n');
      router.write('ips.json', [publicIp('ip', PUBLIC[0]), publicIp('ip2', PUBLIC[1])]);
      router.write(
        'firewall.json',
        firewall({
          publicIps: ['ip', 'ip2'],
          threatIntelMode: 'Deny',
          network: [
            networkRule('echo', {
              protocols: ['TCP', 'UDP', 'ICMP'],
              destinationAddresses: ['93.184.2.0/24'],
              destinationPorts: ['9000'],
            }),
            networkRule('named', { destinationFqdns: ['one.example.com'], destinationPorts: ['9443'] }),
            networkRule('web', { destinationAddresses: [WEB], destinationPorts: ['8080'] }),
            networkRule('download', { destinationAddresses: ['93.184.4.4'], destinationPorts: ['80'] }),
            networkRule('upload', { destinationAddresses: [VISITOR], destinationPorts: ['8080'] }),
          ],
          application: [applicationRule('sites', ['two.example.com', 'feed.example.com'])],
          nat: [webBehind('80')],
        }),
      );
      await router.up([...UP, '--threat-feed', feed]);
      for (const host of ['web', 'visitor'])
        await router.net.start(host, [NODE, join(ROOT, 'test/router/web-server.ts'), '8080'], 'ready');
    });

    after(async () => {
      await router?.close();
    });

    it('says which address stands for the private one of the files', async () => {
      assert.match(router.said, /private address 10\.42\.2\.4; 10\.42\.1\.1 stands for it/);
    });

    it('a network rule allows what it names over TCP and UDP, from public addresses only', async () => {
      assert.equal(await router.echo('93.184.2.9', 9000), 'hello');
      assert.equal(await router.echo('93.184.2.9', 9000, { udp: true }), 'hello');
      // The Internet writes its journal in batches.
      await sleep(300);
      const seen = router.journal().filter(({ server }) => server === '93.184.2.9');
      assert.equal(seen.length, 2);
      for (const { client } of seen) assert.ok(PUBLIC.includes(client as '52.186.0.4'), String(client));
      await router.logged(
        ({ Type, Rule, Protocol }) => Type === 'AZFWNetworkRule' && Rule === 'echo' && Protocol === 'UDP',
        'allowed datagram',
      );
    });

    it('everything else is denied by default, and logged so', async () => {
      assert.equal(await router.echo('93.184.2.9', 9001), '');
      assert.equal(await router.echo('93.184.3.9', 9000, { udp: true }), '');
      assert.deepEqual(
        router.journal().filter(({ serverPort, server }) => serverPort === 9001 || server === '93.184.3.9'),
        [],
      );
      const record = await router.logged(
        ({ DestinationPort }) => DestinationPort === 9001,
        'denied connection',
      );
      assert.deepEqual([record.Action, record.ActionReason, record.Rule], ['Deny', 'Default Action', '']);
    });

    it('a rule for a name opens the addresses of the name', async () => {
      assert.equal(await router.echo('93.184.1.1', 9443), 'hello');
      assert.equal(await router.echo('93.184.1.2', 9443), '');
    });

    it('DNS answers on the address that stands for the private one, over UDP and TCP, and nowhere else', async () => {
      assert.equal(await router.dig(`@${DNS}`, 'one.example.com'), '93.184.1.1');
      assert.equal(await router.dig('+tcp', `@${DNS}`, 'two.example.com'), '93.184.1.2');
      assert.match(
        await router.dig('@10.42.3.1', 'one.example.com'),
        /no servers could be reached|timed out/,
      );
    });

    it('an application rule lets HTTPS and HTTP to its name pass, and nothing else', async () => {
      assert.equal(await router.https('two.example.com', '93.184.1.2'), 200);
      assert.equal(await router.https('bad.example.com', '93.184.1.2'), 0);
      const page = await router.curl(
        'node',
        ...['-i', '--resolve', 'bad.example.com:80:93.184.1.2', 'http://bad.example.com/'],
      );
      assert.match(page.stdout, /^HTTP\/1\.1 470 /);
      assert.match(page.stdout, /Action: Deny\. Reason: No rule matched\. Proceeding with default action\./);
      const good = await router.curl(
        'node',
        ...['-o', '/dev/null', '-w', '%{http_code}', '--resolve', 'two.example.com:80:93.184.1.2'],
        'http://two.example.com/',
      );
      assert.equal(good.stdout, '200');
      await router.logged(
        ({ Type, Rule, Fqdn }) =>
          Type === 'AZFWApplicationRule' && Rule === 'sites' && Fqdn === 'two.example.com',
        'allowed site',
      );
      const denied = await router.logged(
        ({ Fqdn, Protocol }) => Fqdn === 'bad.example.com' && Protocol === 'HTTPS',
        'denied site',
      );
      assert.equal(denied.Action, 'Deny');
    });

    it('a NAT rule leads from the public IP to a server inside; every other port is silent', async () => {
      const page = await router.curl('visitor', `http://${PUBLIC[0]}/`);
      assert.equal(page.stdout, '10.42.1.1\n', page.stderr);
      for (const port of [22, 53, 443, 8080]) {
        assert.equal(
          await router.echo(PUBLIC[0], port, { host: 'visitor', timeoutMs: 400 }),
          '',
          `port ${port} answers`,
        );
      }
      await router.logged(
        ({ Type, SourceIp, Rule }) => Type === 'AZFWNatRule' && SourceIp === VISITOR && Rule === 'web',
        'NAT decision',
      );
    });

    it('between two inside networks the source stays', async () => {
      const page = await router.curl('node', `http://${WEB}:8080/`);
      assert.equal(page.stdout, `${CLIENT}\n`, page.stderr);
      assert.equal(await router.echo(WEB, 8081), '');
    });

    it("the API answers on loopback only, and SSH to the router is nobody's", async () => {
      const listening = await router.net.ok('router', ['ss', '-Hltn']);
      const others = listening.stdout
        .split('\n')
        .map(line => line.trim().split(/\s+/)[3] ?? '')
        .filter(at => at !== '' && !at.startsWith('127.0.0.1:') && at !== `${DNS}:53`);
      // The L7 engine takes any address; the packet rules hand it only what they judged.
      for (const at of others) {
        const port = Number(at.split(':').at(-1));
        assert.match(await router.echo(DNS, port, { timeoutMs: 400 }), /^(error ECONN\w+)?$/, at);
        assert.equal(await router.echo(PUBLIC[0], port, { host: 'visitor', timeoutMs: 400 }), '', at);
      }
    });

    /** Path MTU that a namespace has learned for a destination; undefined when none. */
    const learnedMtu = async (host: string, destination: string, source: string) => {
      const { stdout } = await router.net.ok(host, ['ip', 'route', 'get', destination, 'from', source]);
      return /\bmtu (\d+)/.exec(stdout)?.[1];
    };

    it('path MTU: a download whose way narrows to 1,280 bytes behind the router', async () => {
      // Only the router's side is narrow: the client asks for full segments, and the server must learn better.
      await router.net.ok('router', ['ip', 'link', 'set', 'in0', 'mtu', '1280']);
      try {
        const got = await router.curl(
          'node',
          ...['--max-time', '10', '-o', '/dev/null', '-w', '%{http_code} %{size_download}'],
          'http://93.184.4.4/bytes/3000000',
        );
        assert.equal(got.stdout, '200 3000000', got.stderr);
        const learned = await Promise.all(
          PUBLIC.map(address => learnedMtu('internet', address, '93.184.4.4')),
        );
        assert.ok(learned.includes('1280'), `the server learned ${learned.join(' and ')}`);
      } finally {
        await router.net.ok('router', ['ip', 'link', 'set', 'in0', 'mtu', '1500']);
      }
    });

    it('path MTU: an upload whose way narrows to 1,280 bytes somewhere on the Internet', async () => {
      await router.net.ok('internet', ['ip', 'link', 'set', 'far', 'mtu', '1280']);
      const upload = join(router.folder, 'upload');
      writeFileSync(upload, Buffer.alloc(3_000_000));
      const got = await router.curl(
        'node',
        ...['--max-time', '10', '-o', '/dev/null', '-w', '%{http_code} %{size_upload}', '-H', 'Expect:'],
        ...['--data-binary', `@${upload}`, `http://${VISITOR}:8080/`],
      );
      assert.equal(got.stdout, '200 3000000', got.stderr);
      assert.equal(
        await learnedMtu('node', VISITOR, CLIENT),
        '1280',
        'the error of the hop has not reached the client',
      );
    });

    it('IPv6 is not forwarded, and logged', async () => {
      const { net } = router;
      for (const [host, device, address] of [
        ['node', 'eth0', 'fd00:1::4/64'],
        ['router', 'in0', 'fd00:1::1/64'],
        ['router', 'out0', 'fd00:2::1/64'],
        ['internet', 'wan', 'fd00:2::2/64'],
      ] as const)
        await net.ok(host, ['ip', 'address', 'add', address, 'dev', device, 'nodad']);
      await net.ok('node', ['ip', '-6', 'route', 'add', 'default', 'via', 'fd00:1::1']);
      await net.ok('router', ['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1']);
      // What static neighbours make certain: the packet reaches the router, whose rules let no discovery through.
      const { stdout } = await net.ok('router', ['ip', '-j', 'link', 'show', 'dev', 'in0']);
      const [link] = JSON.parse(stdout) as { address: string }[];
      await net.ok('node', `ip -6 neigh replace fd00:1::1 lladdr ${link?.address} dev eth0`.split(' '));
      const ping = await net.exec('node', ['ping', '-6', '-c', '2', '-W', '1', 'fd00:2::2']);
      assert.notEqual(ping.status, 0);
      await router.logged(
        ({ SourceIp, Action }) => SourceIp === 'fd00:1::4' && Action === 'Deny',
        'denied IPv6 packet',
      );
    });

    it('a threat feed denies an address and a name as soon as the file says so', async () => {
      assert.equal(await router.echo('93.184.2.66', 9000), 'hello');
      assert.equal(await router.https('feed.example.com', '93.184.1.3'), 200);
      writeFileSync(feed, '93.184.2.66\nfeed.example.com\n');
      await sleep(2500);
      assert.equal(await router.echo('93.184.2.66', 9000), '');
      assert.equal(await router.https('feed.example.com', '93.184.1.3'), 0);
      assert.equal(await router.echo('93.184.2.9', 9000), 'hello');
      await router.logged(
        ({ Type, DestinationIp }) => Type === 'AZFWThreatIntel' && DestinationIp === '93.184.2.66',
        'threat of an address',
      );
      await router.logged(
        ({ Type, Fqdn }) => Type === 'AZFWThreatIntel' && String(Fqdn).startsWith('feed.example.com'),
        'threat of a name',
      );
    });

    it('status says what is in force', async () => {
      const { status, stdout } = await router.postern(['status']);
      assert.equal(status, 0);
      assert.match(stdout, /Firewall\s+fw\n/);
      assert.match(stdout, /Rules\s+5 network, 1 application, 1 NAT; in force since/);
      assert.match(stdout, new RegExp(`Files\\s+${router.config}, read`));
      assert.match(
        (await router.postern(['logs', '--denied'])).stdout,
        new RegExp(CLIENT.replaceAll('.', '\\.')),
      );
    });
  });
}
