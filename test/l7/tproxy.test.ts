// Real packets: a client whose connections netfilter's TPROXY hands to the transparent engine, and a server beyond.
// Everything happens in namespaces; as root the whole file runs once more as an ordinary user.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { LogRecord } from '#telemetry/records.ts';
import { namespacesUnavailable, openRoutedPath } from '../support/namespaces.ts';
import { AS_NOBODY } from '../support/privileges.ts';
import { eventually, makeCertificates } from './bench.ts';

const NODE = join(import.meta.dirname, '../../scripts/node');
const unavailable = await namespacesUnavailable();

/** Only what TPROXY needs; the real ruleset is the netfilter part's. */
const RULESET = `table ip l7test {
  chain pre {
    type filter hook prerouting priority mangle; policy accept;
    iifname "inside" tcp dport { 80, 443 } meta mark set 1 tproxy to :15001 accept
  }
}`;

describe('the transparent engine behind TPROXY', { skip: unavailable ?? false }, () => {
  const certificates = makeCertificates(['a.example.org', 'b.example.org']);
  chmodSync(dirname(certificates.caFile), 0o755);
  after(() => certificates[Symbol.dispose]());
  const keyFile = join(dirname(certificates.caFile), 'key.pem');

  it('serves allowed names wherever the client thought to connect, refuses others, logs both', async () => {
    await using net = await openRoutedPath();
    await net.ok('gateway', ['ip', 'rule', 'add', 'fwmark', '1', 'lookup', '100']);
    await net.ok('gateway', ['ip', 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', '100']);
    await net.ok('gateway', ['nft', RULESET]);
    await net.start(
      'server',
      [NODE, join(import.meta.dirname, 'server-process.ts'), certificates.caFile, keyFile],
      'ready',
    );
    const gateway = net.spawn('gateway', [NODE, join(import.meta.dirname, 'gateway-process.ts')]);
    let output = '';
    let errors = '';
    gateway.stdout?.on('data', chunk => {
      output += chunk;
    });
    gateway.stderr?.on('data', chunk => {
      errors += chunk;
    });
    await eventually('the engine is ready', () => output.includes('ready\n'), 10_000);

    const curl = (url: string, address: string) => {
      const { hostname } = new URL(url);
      const resolve = `${hostname}:${url.startsWith('https') ? 443 : 80}:${address}`;
      return net.exec('client', [
        ...['curl', '-sS', '--max-time', '5', '--cacert', certificates.caFile],
        ...['--resolve', resolve, url],
      ]);
    };
    const served = await curl('https://a.example.org/', '192.0.2.2');
    assert.equal(served.stdout, 'at 192.0.2.1 from 198.51.100.1 for nobody\n', served.stderr);
    // No server at all stands at the address the client chose.
    const nowhere = await curl('https://b.example.org/', '203.0.113.77');
    assert.equal(nowhere.stdout, 'at 192.0.2.2 from 198.51.100.1 for nobody\n', nowhere.stderr);
    const plain = await curl('http://a.example.org/', '203.0.113.77');
    assert.equal(plain.stdout, 'at 192.0.2.1 from 198.51.100.1 for 10.42.1.4\n', plain.stderr);

    const denied = await curl('https://www.example.com/', '192.0.2.1');
    assert.equal(denied.status, 35, denied.stderr);
    const noSni = await curl('https://192.0.2.1/', '192.0.2.1');
    assert.equal(noSni.status, 35, noSni.stderr);
    const refused = await curl('http://www.example.com/', '192.0.2.1');
    assert.equal(refused.stdout, 'Action: Deny. Reason: No rule matched. Proceeding with default action.');
    assert.equal((await curl('https://loop.example.org/', '192.0.2.1')).status, 35);

    const records = output
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Extract<LogRecord, { Type: 'AZFWApplicationRule' }>);
    assert.deepEqual(
      records.map(
        r => `${r.SourceIp} ${r.Protocol}:${r.DestinationPort} ${r.Fqdn} ${r.Action} ${r.ActionReason}`,
      ),
      [
        '10.42.1.4 HTTPS:443 a.example.org Allow ',
        '10.42.1.4 HTTPS:443 b.example.org Allow ',
        '10.42.1.4 HTTP:80 a.example.org Allow ',
        '10.42.1.4 HTTPS:443 www.example.com Deny Default Action',
        '10.42.1.4 HTTPS:443  Deny SNI TLS extension was missing',
        '10.42.1.4 HTTP:80 www.example.com Deny Default Action',
        '10.42.1.4 HTTPS:443 loop.example.org Deny The name resolves to an address that is never connected to',
      ],
    );

    // The engine's own port answers nobody.
    const direct = await net.exec('client', ['curl', '-sS', '--max-time', '5', 'http://10.42.1.1:15001/']);
    // Status 7 or 56: the reset arrives before or after curl takes the connection for open.
    assert.match(String(direct.status), /^(7|56)$/, direct.stderr);
    assert.equal(errors, '');
  });

  const nobody = AS_NOBODY.length > 0 ? false : 'this is the run as an ordinary user';
  it('does so for an ordinary user too', { skip: nobody }, async () => {
    const [program = '', ...args] = [...AS_NOBODY, NODE, '--test', import.meta.filename];
    const env = { ...process.env, HOME: '/tmp', NODE_TEST_CONTEXT: undefined };
    const { stdout } = await promisify(execFile)(program, args, { timeout: 60_000, env });
    assert.match(stdout, /pass 1\n/);
    assert.match(stdout, /fail 0\n/);
  });
});
