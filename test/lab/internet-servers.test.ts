// The lab's Internet as a program, between plain namespaces: `client` is a host of the lab, `internet` owns every address
// but the lab's own, and `other` is a public address of the lab that traffic passes the Internet to reach.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Result, ROOT, readJsonLines } from '../support/lab.ts';
import { Namespaces, namespacesUnavailable, untilPrinted } from '../support/namespaces.ts';

const NODE = join(ROOT, 'scripts/node');
const CLIENT = '52.186.0.4';
const OTHER = '52.186.1.4';
const SITE = '151.101.1.6';
const CONFIG = {
  records: {
    'many.example.org': { addresses: Array.from({ length: 100 }, (_, index) => `192.0.2.${index + 1}`) },
    'gone.example.org': { rcode: 'NXDOMAIN' },
  },
  shared: [['one.example.net', 'two.example.net']],
  rotating: ['moving.example.org'],
  regions: { eastus: ['20.42.0.0/17'] },
  resolvers: { '9.9.9.9': 'silent' },
};

const unavailable = await namespacesUnavailable();

for (const user of [false, true]) {
  const skip = unavailable ?? (!user && process.getuid?.() !== 0 ? 'needs root' : false);
  describe(`the Internet of a lab, in ${user ? 'a user namespace' : 'plain namespaces'}`, { skip }, () => {
    let state: string;
    let net: Namespaces;
    let internet: ChildProcess;

    const client = (
      command: readonly string[],
      options: { input?: string; timeoutMs?: number } = {},
    ): Promise<Result> => net.exec('client', command, { timeoutMs: 10_000, ...options });
    const dig = async (...args: string[]) =>
      (await client(['dig', '+time=1', '+tries=1', ...args])).stdout.trim();
    const curl = (...args: string[]) =>
      client(['curl', '-sS', '--max-time', '5', '--cacert', join(state, 'ca.pem'), ...args]);
    const support = async <T>(name: string, ...args: string[]): Promise<T> => {
      const { stdout, stderr } = await client([NODE, join(ROOT, 'test', name), ...args], {
        timeoutMs: 30_000,
      });
      return JSON.parse(stdout.trim().split('\n').at(-1) || JSON.stringify({ error: stderr })) as T;
    };
    const journal = async () => {
      await sleep(100);
      return readJsonLines(join(state, 'internet.jsonl'));
    };

    before(async () => {
      state = mkdtempSync(join(tmpdir(), 'postern-internet-'));
      writeFileSync(join(state, 'config.json'), JSON.stringify(CONFIG));
      net = await Namespaces.open(['client', 'internet', 'other'], { user });
      await net.link('client', 'eth0', `${CLIENT}/24`, 'internet', 'lab', '52.186.0.1/24');
      await net.link('other', 'eth0', `${OTHER}/24`, 'internet', 'far', '52.186.1.1/24');
      await net.ok('client', ['ip', 'route', 'add', 'default', 'via', '52.186.0.1']);
      await net.ok('other', ['ip', 'route', 'add', 'default', 'via', '52.186.1.1']);
      await net.ok('internet', ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
      await net.ok('internet', ['ip', 'route', 'add', 'local', '0.0.0.0/0', 'dev', 'lo', 'table', 'main']);
      internet = await net.start(
        'internet',
        [join(ROOT, 'bin/postern'), 'internet', '--config', join(state, 'config.json'), '--state', state],
        'ready',
      );
    });

    after(async () => {
      await net?.close();
      rmSync(state, { recursive: true, force: true });
    });

    it('every address answers DNS, over UDP and TCP, with the address that was asked', async () => {
      const first = await dig('+short', '@8.8.8.8', 'mcr.microsoft.com');
      assert.match(first, /^\d+\.\d+\.\d+\.\d+$/);
      assert.equal(await dig('+short', '@168.63.129.16', 'mcr.microsoft.com'), first);
      assert.equal(await dig('+short', '+tcp', `@${SITE}`, 'mcr.microsoft.com'), first);
      assert.notEqual(await dig('+short', '@8.8.8.8', 'ghcr.io'), first);
    });

    it('tells who asks', async () => {
      assert.equal(await dig('@208.67.222.222', 'ANY', 'myip.opendns.com', '+short'), CLIENT);
      assert.equal(await dig('@208.67.222.222', '+notcp', 'A', 'myip.opendns.com', '+short'), CLIENT);
    });

    it('answers as configured: many addresses, no such name, a CDN, names that move, a region, a dead resolver', async () => {
      assert.equal((await dig('+short', '@8.8.8.8', 'many.example.org')).split('\n').length, 100);
      assert.match(await dig('@8.8.8.8', 'gone.example.org'), /status: NXDOMAIN/);
      assert.equal(
        await dig('+short', '@8.8.8.8', 'one.example.net'),
        await dig('+short', '@8.8.8.8', 'two.example.net'),
      );
      const moved = await dig('+short', '@8.8.8.8', 'moving.example.org');
      assert.notEqual(await dig('+short', '@8.8.8.8', 'moving.example.org'), moved);
      assert.match(await dig('+short', '@8.8.8.8', 'aks-1.hcp.eastus.azmk8s.io'), /^20\.42\./);
      assert.match(await dig('@9.9.9.9', 'mcr.microsoft.com'), /no servers could be reached|timed out/);
    });

    it('serves HTTP for any name at any address, and says what it saw', async () => {
      const page = await curl('--resolve', `github.com:80:${SITE}`, '-D', '-', 'http://github.com/whoami');
      assert.match(page.stdout, new RegExp(`x-lab-server: ${SITE}`, 'i'));
      const seen = JSON.parse(page.stdout.split('\r\n\r\n')[1] ?? '');
      assert.deepEqual(
        [seen.name, seen.server, seen.client, seen.protocol],
        ['github.com', SITE, CLIENT, 'http'],
      );
      assert.match((await curl(`http://${SITE}/`)).stdout, /Hello from 151\.101\.1\.6/);
    });

    for (const [version, protocol] of [
      ['--http1.1', 'https'],
      ['--http2', 'h2'],
    ] as const) {
      it(`serves TLS with a certificate for the name (${protocol})`, async () => {
        const { stdout, stderr } = await curl(
          version,
          '--resolve',
          `mcr.microsoft.com:443:${SITE}`,
          'https://mcr.microsoft.com/whoami',
        );
        assert.equal(stderr, '');
        const seen = JSON.parse(stdout);
        assert.deepEqual(
          [seen.name, seen.sni, seen.server, seen.serverPort, seen.client, seen.protocol],
          ['mcr.microsoft.com', 'mcr.microsoft.com', SITE, 443, CLIENT, protocol],
        );
      });

      it(`streams downloads and uploads (${protocol})`, async () => {
        const bytes = await curl(
          version,
          '-o',
          '/dev/null',
          '-w',
          '%{size_download}',
          `https://${SITE}/bytes/30000001`,
        );
        assert.equal(bytes.stdout, '30000001');
        const body = 'words '.repeat(100_000);
        const echoed = await client(
          [
            'curl',
            '-sS',
            version,
            '--max-time',
            '5',
            '--cacert',
            join(state, 'ca.pem'),
            '--data-binary',
            '@-',
            `https://${SITE}/echo`,
          ],
          { input: body },
        );
        assert.ok(echoed.stdout === body, `${echoed.stdout.length} bytes came back: ${echoed.stderr}`);
      });
    }

    it('shows a certificate for the address where no name is given', async () => {
      const args = [
        'openssl',
        's_client',
        '-connect',
        `${SITE}:443`,
        '-CAfile',
        join(state, 'ca.pem'),
        '-verify_return_error',
      ];
      const nameless = await client([...args, '-noservername', '-verify_ip', SITE], { input: '' });
      assert.match(nameless.stdout, /Verify return code: 0 \(ok\)/);
      const named = await client(
        [...args, '-servername', 'a.example.org', '-verify_hostname', 'a.example.org'],
        { input: '' },
      );
      assert.match(named.stdout, /Verify return code: 0 \(ok\)/);
    });

    it('becomes an echo after an Upgrade', async () => {
      const script = `printf 'GET /upgrade HTTP/1.1\\r\\nHost: a.example\\r\\nConnection: Upgrade\\r\\nUpgrade: test\\r\\n\\r\\n'; sleep 0.3; echo spoken; sleep 0.3`;
      const talk = await client([
        'bash',
        '-c',
        `exec 3<>/dev/tcp/${SITE}/80; (${script}) >&3; timeout 0.5 cat <&3`,
      ]);
      assert.match(talk.stdout, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
      assert.match(talk.stdout, /\r\n\r\nspoken\n$/);
    });

    it('echoes on every other port, from the address that was asked', async () => {
      for (const [protocol, port] of [
        ['tcp', 9000],
        ['tcp', 22],
        ['udp', 1194],
        ['udp', 443],
      ] as const) {
        const { echoed, error } = await support<{ echoed: boolean; error: string | null }>(
          'support/clients/echo.ts',
          protocol,
          '20.42.0.10',
          String(port),
        );
        assert.ok(echoed, `${protocol} ${port}: ${error}`);
      }
      const seen = (await journal()).find(entry => entry.protocol === 'udp' && entry.serverPort === 1194);
      assert.deepEqual([seen?.client, seen?.server], [CLIENT, '20.42.0.10']);
    });

    it('tells the time', async () => {
      const reply = await support<{ ok: boolean; stratum: number; offsetMs: number }>(
        'support/clients/sntp.ts',
        '91.189.91.157',
      );
      assert.ok(reply.ok);
      assert.equal(reply.stratum, 2);
      assert.ok(Math.abs(reply.offsetMs) < 1000);
    });

    it('only forwards what is for an address of the lab', async () => {
      const server = net.spawn('other', [
        NODE,
        join(ROOT, 'test/support/clients/web.ts'),
        '8080',
        'not the Internet',
      ]);
      await untilPrinted(server, 'ready', 5000);
      assert.match((await curl(`http://${OTHER}:8080/`)).stdout, /not the Internet/);
      server.stdin?.end();
    });

    it('shows its journal to tests', async () => {
      const { stdout } = await curl(
        '--resolve',
        `internet.lab:80:${SITE}`,
        'http://internet.lab/journal?since=1',
      );
      const page = JSON.parse(stdout);
      assert.ok(page.entries.some((entry: { name?: string }) => entry.name === 'mcr.microsoft.com'));
      assert.ok(page.counts.dns > 0 && page.next > page.entries.length);
    });

    it('takes a new configuration, and keeps the old one when the new one is faulty', async () => {
      const reload = async (config: unknown) => {
        writeFileSync(join(state, 'config.json'), JSON.stringify(config));
        net.signal(internet, 'SIGHUP');
        await sleep(300);
      };
      await reload({ ...CONFIG, records: { 'new.example.org': { addresses: ['192.0.2.33'] } } });
      assert.equal(await dig('+short', '@8.8.8.8', 'new.example.org'), '192.0.2.33');
      await reload({ ttlSeconds: 'soon' });
      assert.equal(await dig('+short', '@8.8.8.8', 'new.example.org'), '192.0.2.33');
    });

    it('survives clients that break every rule', async () => {
      const nasty = [
        `for i in $(seq 50); do head -c 3000 /dev/urandom > /dev/udp/${SITE}/53; head -c 100 /dev/urandom > /dev/udp/${SITE}/123; done`,
        `for port in 53 80 443; do head -c 100000 /dev/urandom > /dev/tcp/${SITE}/$port; printf '' > /dev/tcp/${SITE}/$port; done`,
        `printf '\\x16\\x03\\x01\\x00\\x05\\x01\\x00\\x00' > /dev/tcp/${SITE}/443`,
        `printf 'GET http://[ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' > /dev/tcp/${SITE}/80`,
        `printf 'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' > /dev/tcp/${SITE}/80`,
      ];
      for (const script of nasty) await client(['bash', '-c', `(${script}) 2>/dev/null; true`]);
      assert.equal(internet.exitCode, null);
      assert.match((await curl(`https://${SITE}/whoami`)).stdout, /"protocol":"h2"/);
    });

    it('holds 5,000 connections at once', async () => {
      const crowd = await support<{ open: number; echoed: number; error: string | null }>(
        'lab/internet-crowd.ts',
        SITE,
        '9000',
        '5000',
      );
      assert.deepEqual(crowd, { open: 5000, echoed: 5000, error: null });
    });

    it('refuses a network in which not every address is local, and leaves it alone', async () => {
      const config = join(state, 'empty.json');
      writeFileSync(config, '{}');
      const command = [
        join(ROOT, 'bin/postern'),
        'internet',
        '--config',
        config,
        '--state',
        join(state, 'other'),
      ];
      const { status, stderr } = await net.exec('other', command, { timeoutMs: 10_000 });
      assert.equal(status, 1);
      assert.match(stderr, /8\.8\.8\.8 is not local here/);
      assert.equal((await net.ok('other', ['nft', 'list', 'ruleset'])).stdout, '');
    });

    it('ends on SIGTERM and takes its rules with it', async () => {
      const closed = new Promise(resolve => internet.once('close', resolve));
      net.signal(internet, 'SIGTERM');
      assert.equal(await closed, 0);
      const rules = await net.ok('internet', ['nft', 'list', 'ruleset']);
      assert.doesNotMatch(rules.stdout, /postern_internet/);
      assert.ok(readFileSync(join(state, 'internet.jsonl'), 'utf8').endsWith('\n'));
    });
  });
}
