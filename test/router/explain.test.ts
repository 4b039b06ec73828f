// `postern explain` on a router: names asked of its own servers, what its gateway has loaded, and verdicts held against packets.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from '../support/lab.ts';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { applicationRule, firewall, networkRule, publicIp, webBehind } from './printed-rules.ts';
import { CLIENT, NODE, PUBLIC, RouterNet, UP, VISITOR } from './router-net.ts';

interface Explained {
  readonly works: boolean;
  readonly findings: readonly { readonly code: string }[];
  readonly steps: readonly { readonly text: string; readonly names?: readonly string[] }[];
}

describe('explain on a router', { skip: (await namespacesUnavailable()) ?? false }, () => {
  let router: RouterNet;

  before(async () => {
    router = await RouterNet.open({ user: true });
    const feed = join(router.folder, 'feed.txt');
    writeFileSync(feed, '93.184.2.66\n');
    router.write('ips.json', [publicIp('ip', PUBLIC[0])]);
    router.write(
      'firewall.json',
      firewall({
        publicIps: ['ip'],
        threatIntelMode: 'Deny',
        network: [
          networkRule('echo', {
            protocols: ['TCP', 'UDP'],
            destinationAddresses: ['93.184.2.0/24'],
            destinationPorts: ['9000'],
          }),
          networkRule('named', { destinationFqdns: ['one.example.com'], destinationPorts: ['9443'] }),
        ],
        application: [applicationRule('sites', ['two.example.com'])],
        nat: [webBehind('80')],
      }),
    );
    await router.up([...UP, '--threat-feed', feed]);
    await router.net.start('web', [NODE, join(ROOT, 'test/router/web-server.ts'), '8080'], 'ready');
  });
  after(async () => {
    await router?.close();
  });

  async function explain(from: string, to: string, ...more: string[]): Promise<Explained> {
    const args = ['explain', '--router', '--from', from, '--to', to, '-o', 'json', ...more];
    const { status, stdout, stderr } = await router.postern(args);
    assert.ok(status === 0 || status === 3, `${status}: ${stderr}`);
    assert.equal(stderr, '');
    const answer = JSON.parse(stdout) as Explained;
    assert.equal(status, answer.works ? 0 : 3);
    return answer;
  }

  const echoes = async (address: string, port: number, udp = false) =>
    (await router.echo(address, port, { udp })) !== '';

  const FLOWS: readonly (readonly [string, string, string, boolean, string, () => Promise<boolean>])[] = [
    ['a network rule', CLIENT, '93.184.2.1:9000', true, '', () => echoes('93.184.2.1', 9000)],
    ['no rule', CLIENT, '93.184.2.1:9001', false, 'denied', () => echoes('93.184.2.1', 9001)],
    [
      'threat intelligence',
      CLIENT,
      '93.184.2.66:9000',
      false,
      'threat-intel',
      () => echoes('93.184.2.66', 9000),
    ],
    ['a name in force', CLIENT, 'one.example.com:9443', true, '', () => echoes('93.184.1.1', 9443)],
    ['the address of that name', CLIENT, '93.184.1.1:9443', true, '', () => echoes('93.184.1.1', 9443)],
    [
      'an application rule',
      CLIENT,
      'two.example.com:443',
      true,
      '',
      async () => (await router.https('two.example.com', '93.184.1.2')) === 200,
    ],
    [
      'another name',
      CLIENT,
      'one.example.com:443',
      false,
      'denied',
      async () => (await router.https('one.example.com', '93.184.1.1')) === 200,
    ],
    [
      'DNAT',
      VISITOR,
      `${PUBLIC[0]}:80`,
      true,
      '',
      async () => (await router.curl('visitor', `http://${PUBLIC[0]}/`)).status === 0,
    ],
    [
      'a port without NAT rule',
      VISITOR,
      `${PUBLIC[0]}:81`,
      false,
      'no-nat-rule',
      async () => (await router.curl('visitor', `http://${PUBLIC[0]}:81/`)).status === 0,
    ],
  ];
  for (const [title, from, to, works, finding, happens] of FLOWS)
    it(title, async () => {
      const answer = await explain(from, to);
      const text = answer.steps.map(step => step.text).join('\n');
      assert.deepEqual(
        { works: answer.works, findings: answer.findings.map(({ code }) => code) },
        { works, findings: finding === '' ? [] : [finding] },
        text,
      );
      assert.equal(await happens(), works, `it is not as explained: ${text}`);
    });

  it('reads which names an address has from the rules that are loaded', async () => {
    const { steps } = await explain(CLIENT, '93.184.1.1:9443');
    assert.deepEqual(steps.find(({ names }) => names)?.names, ['one.example.com']);
  });

  it('names the address that stands for the private one of the files', async () => {
    const { steps } = await explain(VISITOR, `${PUBLIC[0]}:80`);
    assert.match(steps.map(({ text }) => text).join('\n'), /which sees 10\.42\.1\.1|it sees 10\.42\.1\.1/);
  });

  it('says so where no gateway is up', async () => {
    const { status, stderr } = await router.net.exec(
      'router',
      [join(ROOT, 'bin/postern'), 'explain', '--router', '--from', CLIENT, '--to', '1.2.3.4:80'],
      {
        env: { POSTERN_STATE: join(router.folder, 'other') },
      },
    );
    assert.equal(status, 1);
    assert.match(stderr, /No gateway is up on this machine .*Start it: .* up/);
  });
});
