// What passes and what does not, with the rules of examples/egress.sh as they are.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab.ts';
import {
  type Check,
  curl,
  deniedReason,
  EASTUS_ADDRESS,
  echo,
  FIREWALL_PRIVATE,
  GROUP,
  isDropped,
  passes,
  publicIp,
  resolve,
  WESTUS_ADDRESS,
  whoami,
} from './kit.ts';

const AKS_NAMES = [
  'mcr.microsoft.com',
  'eastus.data.mcr.microsoft.com',
  'management.azure.com',
  'login.microsoftonline.com',
  'packages.microsoft.com',
  'acs-mirror.azureedge.net',
];

/** Before the route table is associated: the host goes straight out. */
export const BEFORE: readonly Check[] = [
  {
    group: 'Without the route table',
    title: 'https://github.com from a node reaches the Internet directly',
    run: async lab => {
      const seen = await whoami(lab, 'node-1', 'https://github.com');
      assert.notEqual(seen.client, await publicIp(lab));
      return `served, the site sees ${seen.client}`;
    },
  },
];

export const CHECKS: readonly Check[] = [
  ...AKS_NAMES.map(
    (name): Check => ({
      group: 'What the cluster needs',
      title: `https://${name}`,
      run: async lab => {
        const seen = await whoami(lab, 'node-1', `https://${name}`);
        assert.equal(seen.name, name);
        return `served, the site sees ${seen.client}`;
      },
    }),
  ),
  {
    group: 'What the cluster needs',
    title: 'http://mcr.microsoft.com (port 80 is in the rule too)',
    run: async lab => {
      const seen = await whoami(lab, 'node-1', 'http://mcr.microsoft.com');
      return `served, the site sees ${seen.client}`;
    },
  },
  {
    group: 'What the cluster needs',
    title: 'UDP 1194 and TCP 9000 to an address of AzureCloud.eastus',
    run: async lab => {
      await passes(lab, 'udp', EASTUS_ADDRESS, 1194);
      await passes(lab, 'tcp', EASTUS_ADDRESS, 9000);
      return `echoed by ${EASTUS_ADDRESS}`;
    },
  },
  {
    group: 'What the cluster needs',
    title: 'time from ntp.ubuntu.com',
    run: async lab => {
      const reply = await lab.client<{
        ok: boolean;
        stratum: number;
        offsetMs: number;
        error: string | null;
      }>('node-1', 'sntp', ['ntp.ubuntu.com']);
      assert.ok(reply.ok, `no valid SNTP answer: ${reply.error}`);
      return `stratum ${reply.stratum}, offset ${reply.offsetMs} ms`;
    },
  },
  {
    group: 'What the cluster needs',
    title: 'TCP 443 to ghcr.io and the Docker registry, by network rule',
    run: async lab => {
      for (const name of ['ghcr.io', 'docker.io', 'registry-1.docker.io'])
        await whoami(lab, 'node-1', `https://${name}`);
      return 'served';
    },
  },
  {
    group: 'What it does not need',
    title: 'https://github.com',
    run: async lab => {
      const page = await curl(lab, 'node-1', 'https://github.com/');
      assert.notEqual(page.exit, 0, 'it was served');
      return `refused: ${await deniedReason(lab, record => record.Fqdn === 'github.com')}`;
    },
  },
  {
    group: 'What it does not need',
    title: 'http://example.com',
    run: async lab => {
      const page = await curl(lab, 'node-1', 'http://example.com/');
      assert.equal(page.status, 470);
      assert.equal(page.body, 'Action: Deny. Reason: No rule matched. Proceeding with default action.');
      await deniedReason(lab, record => record.Fqdn === 'example.com');
      return 'HTTP 470, and the page says that no rule matched';
    },
  },
  {
    group: 'What it does not need',
    title: 'UDP 1194 and TCP 9000 to AzureCloud.westus',
    run: async lab => {
      await isDropped(lab, 'udp', WESTUS_ADDRESS, 1194);
      await isDropped(lab, 'tcp', WESTUS_ADDRESS, 9000);
      return `dropped: ${await deniedReason(lab, record => record.DestinationIp === WESTUS_ADDRESS)}`;
    },
  },
  {
    group: 'What it does not need',
    title: 'NTP elsewhere, SSH to ghcr.io',
    run: async lab => {
      await isDropped(lab, 'udp', await resolve(lab, 'node-1', 'pool.ntp.org'), 123);
      await isDropped(lab, 'tcp', await resolve(lab, 'node-1', 'ghcr.io'), 22);
      return 'dropped';
    },
  },
  {
    group: 'Tricks',
    title: "SNI mcr.microsoft.com at another site's address never reaches the other site",
    run: async lab => {
      const foreign = await resolve(lab, 'node-1', 'evil.example.net');
      const seen = await whoami(
        lab,
        'node-1',
        'https://mcr.microsoft.com',
        '--connect-to',
        `mcr.microsoft.com:443:${foreign}:443`,
      );
      assert.notEqual(seen.server, foreign);
      return `connected to ${foreign}, answered by ${seen.server}`;
    },
  },
  {
    group: 'Tricks',
    title: 'TLS without SNI',
    run: async lab => {
      const address = await resolve(lab, 'node-1', 'mcr.microsoft.com');
      const page = await curl(lab, 'node-1', '-k', `https://${address}/`);
      assert.notEqual(page.exit, 0, 'it was served');
      const reason = await deniedReason(lab, record => record.Protocol === 'HTTPS' && record.Fqdn === '');
      assert.match(reason, /SNI/);
      return `refused: ${reason}`;
    },
  },
  {
    group: 'Tricks',
    title: 'another Host on the second request of a connection',
    run: async lab => {
      const address = await resolve(lab, 'node-1', 'mcr.microsoft.com');
      const seen = await lab.client<{ statuses: number[] }>('node-1', 'keepalive', [
        address,
        'mcr.microsoft.com',
        'evil.example.net',
      ]);
      assert.deepEqual(seen.statuses, [200, 470]);
      return 'first 200, second 470';
    },
  },
  {
    group: 'Addresses',
    title: 'servers see only the public IP of the firewall',
    run: async lab => {
      const address = await publicIp(lab);
      for (const url of ['https://mcr.microsoft.com', 'https://ghcr.io'])
        assert.equal((await whoami(lab, 'node-1', url)).client, address);
      return address;
    },
  },
  {
    group: 'From outside',
    title: 'the NAT rule serves a web server of aks-subnet',
    run: async lab => {
      const web = await lab.background('web', 'web', ['80', 'page-of-the-cluster']);
      try {
        const page = await curl(lab, 'visitor', `http://${await publicIp(lab)}/`);
        assert.equal(page.status, 200, page.error);
        assert.match(page.body, /page-of-the-cluster/);
        assert.match(page.body, /10\.42\.2\./, 'the web server must see a private address of the firewall');
      } finally {
        await web.stop();
      }
      return 'served';
    },
  },
  {
    group: 'From outside',
    title: 'no other port answers: 22, 53, 443, 8080, and UDP 53',
    run: async lab => {
      const address = await publicIp(lab);
      const tries = await Promise.all([
        ...[22, 53, 443, 8080].map(port => echo(lab, 'visitor', 'tcp', address, port, 1200)),
        echo(lab, 'visitor', 'udp', address, 53, 1200),
      ]);
      for (const { error } of tries) assert.equal(error, 'timeout');
      return 'silence';
    },
  },
  {
    group: 'DNS',
    title: 'the firewall answers over UDP and TCP for hosts whose VNet names it',
    run: async lab => {
      await lab.azOk(
        'network',
        'vnet',
        'update',
        '-g',
        GROUP,
        '-n',
        'egress-vnet',
        '--dns-servers',
        FIREWALL_PRIVATE,
      );
      await untilNameserver(lab, FIREWALL_PRIVATE);
      const udp = await lab.exec('node-1', ['dig', '+short', '+time=2', 'mcr.microsoft.com']);
      const tcp = await lab.exec('node-1', ['dig', '+short', '+tcp', '+time=2', 'mcr.microsoft.com']);
      assert.match(udp.stdout, /^\d+\.\d+\.\d+\.\d+\n$/);
      assert.equal(udp.stdout, tcp.stdout);
      await whoami(lab, 'node-1', 'https://mcr.microsoft.com');
      return udp.stdout.trim();
    },
  },
];

async function untilNameserver(lab: Lab, server: string): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { stdout } = await lab.exec('node-1', ['cat', '/etc/resolv.conf']);
    if (stdout.includes(`nameserver ${server}`)) return;
    await sleep(100);
  }
  assert.fail(`the host does not use ${server} as its DNS server`);
}
