// What a user is promised, as checks with real packets in a running lab: the demo prints them as its result table, the
// tests run each as a test. A check returns what was seen and throws when it is not what was promised.
// They expect the set-up of examples/egress.sh and the hosts that `prepareHosts` adds.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Background, Lab, Result } from './lab.ts';

export const GROUP = 'egress-rg';
export const FIREWALL = 'egress-fw';
/** In AzureCloud.eastus and AzureCloud.westus as published; both answer in the lab. */
export const EASTUS_ADDRESS = '20.42.0.10';
export const WESTUS_ADDRESS = '13.64.0.10';
export const WEB_ADDRESS = '10.42.1.80';
const FIREWALL_PRIVATE = '10.42.2.4';

/** The lab's Internet for the showcase: two sites on one address, and names that move at every question. */
export const INTERNET = {
  shared: [['cdn-one.example.net', 'cdn-two.example.net']],
  rotating: ['*.moving.example.org'],
  records: { 'intranet.example.org': { addresses: ['10.42.3.10'] } },
};

export interface Check {
  /** Heading it stands under. */
  readonly group: string;
  readonly title: string;
  readonly run: (lab: Lab) => Promise<string>;
}

export async function prepareHosts(lab: Lab): Promise<void> {
  const subnet = await subnetId(lab, 'aks-subnet');
  await ok(lab.command(['add-host', 'node-1', '--vnet-subnet-id', subnet]));
  await ok(lab.command(['add-host', 'web', '--vnet-subnet-id', subnet, '--private-ip', WEB_ADDRESS]));
  await ok(lab.command(['add-host', 'visitor', '--internet']));
}

export function subnetId(lab: Lab, name: string): Promise<string> {
  return lab.azOk(
    'network',
    'vnet',
    'subnet',
    'show',
    '-g',
    GROUP,
    '--vnet-name',
    'egress-vnet',
    '-n',
    name,
    '--query',
    'id',
    '-o',
    'tsv',
  );
}

export function publicIp(lab: Lab, name = 'egress-ip'): Promise<string> {
  return lab.azOk(
    'network',
    'public-ip',
    'show',
    '-g',
    GROUP,
    '-n',
    name,
    '--query',
    'ipAddress',
    '-o',
    'tsv',
  );
}

async function ok(result: Promise<Result>): Promise<Result> {
  const { status, stdout, stderr } = await result;
  assert.equal(status, 0, `status ${status}: ${stderr || stdout}`);
  return result;
}

interface Page {
  readonly status: number;
  readonly exit: number;
  readonly body: string;
  readonly error: string;
}

const CURL = ['curl', '-sS', '--max-time', '8', '-w', '\n%{http_code}'];

async function curl(lab: Lab, host: string, ...args: string[]): Promise<Page> {
  const { status, stdout, stderr } = await lab.exec(host, [...CURL, ...args]);
  const cut = stdout.lastIndexOf('\n');
  return {
    status: Number(stdout.slice(cut + 1)),
    exit: status,
    body: stdout.slice(0, cut),
    error: stderr.trim(),
  };
}

interface Whoami {
  readonly name: string;
  readonly server: string;
  readonly client: string;
}

async function whoami(lab: Lab, host: string, url: string, ...args: string[]): Promise<Whoami> {
  const page = await curl(lab, host, ...args, `${url}/whoami`);
  assert.equal(page.status, 200, `${url}: ${page.error || page.body}`);
  return JSON.parse(page.body) as Whoami;
}

async function resolve(lab: Lab, host: string, name: string): Promise<string> {
  const { stdout } = await lab.exec(host, ['dig', '+short', '+time=2', '+tries=2', name]);
  return stdout.trim().split('\n').at(-1) ?? '';
}

interface Echo {
  readonly echoed: boolean;
  readonly error: string | null;
}

const echo = (
  lab: Lab,
  host: string,
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
  timeoutMs = 2500,
) => lab.client<Echo>(host, 'echo', [protocol, address, String(port), String(timeoutMs)]);

const passes = async (lab: Lab, protocol: 'tcp' | 'udp', address: string, port: number) => {
  const { echoed, error } = await echo(lab, 'node-1', protocol, address, port);
  assert.ok(echoed, `${protocol} ${address}:${port} did not pass: ${error}`);
};

const isDropped = async (lab: Lab, protocol: 'tcp' | 'udp', address: string, port: number) => {
  const { echoed } = await echo(lab, 'node-1', protocol, address, port, 1200);
  assert.ok(!echoed, `${protocol} ${address}:${port} passed`);
};

async function deniedReason(
  lab: Lab,
  matches: (record: Record<string, unknown>) => boolean,
): Promise<string> {
  const record = await lab.logged(record => record.Action === 'Deny' && matches(record));
  assert.ok(record, 'the denial is not in the log');
  return String(record.ActionReason);
}

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

const networkRule = (...args: string[]) => [
  'network',
  'firewall',
  'network-rule',
  ...args,
  '-g',
  GROUP,
  '-f',
  FIREWALL,
];

export const CHANGES: readonly Check[] = [
  {
    group: 'DNS',
    title: '1,000 new names, connected to in the tick of the answer: no SYN lost',
    run: async lab => {
      const names = Array.from({ length: 1000 }, (_, i) => `n${i}.moving.example.org`);
      await lab.azOk(
        ...networkRule(
          'create',
          '--collection-name',
          'race',
          '--priority',
          '200',
          '--action',
          'Allow',
          '--name',
          'moving',
          '--protocols',
          'TCP',
        ),
        ...['--source-addresses', '*', '--destination-ports', '7000', '--destination-fqdns', ...names],
      );
      try {
        const seen = await lab.client<{ answered: number; connected: number; retransmitted: number }>(
          'node-1',
          'race',
          [FIREWALL_PRIVATE, 'moving.example.org', '1000', '7000'],
          { timeoutMs: 60_000 },
        );
        assert.deepEqual({ ...seen }, { answered: 1000, connected: 1000, retransmitted: 0 });
      } finally {
        await lab.azOk(...networkRule('collection', 'delete', '--name', 'race'));
      }
      return '1,000 connected, 0 retransmitted';
    },
  },
  {
    group: 'Changes',
    title: 'a rule added is in force, and removed it cuts what it allowed, within 1 s',
    run: async lab => {
      await isDropped(lab, 'tcp', WESTUS_ADDRESS, 9100);
      await lab.azOk(
        ...networkRule(
          'create',
          '--collection-name',
          'extra',
          '--priority',
          '210',
          '--action',
          'Allow',
          '--name',
          'west',
          '--protocols',
          'TCP',
        ),
        ...[
          '--source-addresses',
          '*',
          '--destination-ports',
          '9100',
          '--destination-addresses',
          'AzureCloud.westus',
        ],
      );
      const stream = await lab.background('node-1', 'stream', [WESTUS_ADDRESS, '9100', '10']);
      await sleep(500);
      await lab.azOk(...networkRule('collection', 'delete', '--name', 'extra'));
      const removedAt = Date.now();
      await sleep(1500);
      const seen = await stream.stop<{ lost: number; lostAt: number[] }>();
      assert.equal(seen.lost, 10, `${seen.lost} of 10 connections were cut`);
      const slowest = Math.max(...seen.lostAt) - removedAt;
      assert.ok(slowest < 1000, `the last was cut after ${slowest} ms`);
      return `10 of 10 cut, ${Math.max(0, slowest)} ms after the command`;
    },
  },
  {
    group: 'Changes',
    title: 'a rule replaced under load loses no allowed connection',
    run: async lab => {
      const stream: Background = await lab.background('node-1', 'stream', [EASTUS_ADDRESS, '9000', '200']);
      for (const port of ['9200', '9201', '9202']) {
        await lab.azOk(
          ...networkRule(
            'create',
            '--collection-name',
            `load-${port}`,
            '--priority',
            port.slice(1),
            '--action',
            'Allow',
            '--name',
            'r',
          ),
          ...[
            '--protocols',
            'TCP',
            '--source-addresses',
            '*',
            '--destination-ports',
            port,
            '--destination-addresses',
            '*',
          ],
        );
        await lab.azOk(...networkRule('collection', 'delete', '--name', `load-${port}`));
      }
      const seen = await stream.stop<{ open: number; lost: number; echoes: number }>();
      assert.equal(seen.lost, 0);
      assert.equal(seen.open, 200);
      return `200 connections, ${seen.echoes} echoes, none lost over 6 commits`;
    },
  },
  {
    group: 'Twenty public IPs',
    title: '400 connections to one address use all of them',
    run: async lab => {
      for (let i = 2; i <= 20; i += 1) {
        await lab.azOk(
          'network',
          'public-ip',
          'create',
          '-g',
          GROUP,
          '-n',
          `egress-ip-${i}`,
          '--sku',
          'Standard',
        );
        await lab.azOk(
          'network',
          'firewall',
          'ip-config',
          'create',
          '-g',
          GROUP,
          '-f',
          FIREWALL,
          '-n',
          `ipconfig-${i}`,
          '--public-ip-address',
          `egress-ip-${i}`,
        );
      }
      const address = await resolve(lab, 'node-1', 'ghcr.io');
      await lab.azOk(
        ...networkRule(
          'create',
          '--collection-name',
          'spread',
          '--priority',
          '220',
          '--action',
          'Allow',
          '--name',
          'http',
          '--protocols',
          'TCP',
        ),
        ...['--source-addresses', '*', '--destination-ports', '80', '--destination-addresses', address],
      );
      const seen = await lab.client<{ clients: Record<string, number>; failed: number }>('node-1', 'many', [
        address,
        '80',
        '400',
        'ghcr.io',
      ]);
      const counts = Object.values(seen.clients);
      assert.equal(seen.failed, 0);
      assert.equal(counts.length, 20, `${counts.length} addresses were used`);
      assert.ok(Math.max(...counts) <= 60, `one address took ${Math.max(...counts)} of 400`);
      return `all 20, ${Math.min(...counts)} to ${Math.max(...counts)} each`;
    },
  },
  {
    group: 'Twenty public IPs',
    title: 'addresses that are not neighbours serve as well',
    run: async lab => {
      for (const i of [5, 6, 12]) {
        await lab.azOk(
          'network',
          'firewall',
          'ip-config',
          'delete',
          '-g',
          GROUP,
          '-f',
          FIREWALL,
          '-n',
          `ipconfig-${i}`,
        );
      }
      const address = await resolve(lab, 'node-1', 'ghcr.io');
      const seen = await lab.client<{ clients: Record<string, number>; failed: number }>('node-1', 'many', [
        ...[address, '80', '400', 'ghcr.io'],
      ]);
      assert.equal(seen.failed, 0);
      assert.equal(Object.keys(seen.clients).length, 17);
      return 'all 17 that are left';
    },
  },
  {
    group: 'Private destinations',
    title: 'by network rule a server sees the host itself, by application rule the firewall',
    run: async lab => {
      await prepareDataSubnet(lab);
      await lab.azOk(
        ...networkRule(
          'create',
          '--collection-name',
          'data',
          '--priority',
          '230',
          '--action',
          'Allow',
          '--name',
          'r',
        ),
        ...[
          '--protocols',
          'TCP',
          '--source-addresses',
          '*',
          '--destination-addresses',
          '10.42.3.0/24',
          '--destination-ports',
          '8080',
        ],
      );
      await lab.azOk(
        ...[
          'network',
          'firewall',
          'application-rule',
          'create',
          '-g',
          GROUP,
          '-f',
          FIREWALL,
          '--collection-name',
          'intranet',
        ],
        ...[
          '--priority',
          '230',
          '--action',
          'Allow',
          '--name',
          'r',
          '--protocols',
          'http=80',
          '--source-addresses',
          '*',
        ],
        ...['--target-fqdns', 'intranet.example.org'],
      );
      const servers = [
        await lab.background('db', 'web', ['8080', 'data']),
        await lab.background('db', 'web', ['80', 'intranet']),
      ];
      const pages = [
        await curl(lab, 'node-1', 'http://10.42.3.10:8080/'),
        await curl(lab, 'node-1', 'http://intranet.example.org/'),
      ];
      for (const server of servers) await server.stop();
      const [byNetworkRule = '', byApplicationRule = ''] = pages.map(
        ({ body }) => /"client":"([^"]*)"/.exec(body)?.[1] ?? '',
      );
      assert.match(byNetworkRule, /^10\.42\.1\./);
      assert.equal(byApplicationRule, FIREWALL_PRIVATE);
      return `${byNetworkRule} and ${byApplicationRule}`;
    },
  },
];

/** A second subnet, with the firewall between it and aks-subnet both ways, and a host in it. */
async function prepareDataSubnet(lab: Lab): Promise<void> {
  const hop = ['--next-hop-type', 'VirtualAppliance', '--next-hop-ip-address', FIREWALL_PRIVATE];
  const route = (name: string, prefix: string) =>
    lab.azOk(
      'network',
      'route-table',
      'route',
      'create',
      '-g',
      GROUP,
      '--route-table-name',
      'egress-routes',
      '-n',
      name,
      '--address-prefix',
      prefix,
      ...hop,
    );
  await lab.azOk(
    'network',
    'vnet',
    'subnet',
    'create',
    '-g',
    GROUP,
    '--vnet-name',
    'egress-vnet',
    '-n',
    'data-subnet',
    '--address-prefix',
    '10.42.3.0/24',
    '--route-table',
    'egress-routes',
  );
  await route('to-aks', '10.42.1.0/24');
  await route('to-data', '10.42.3.0/24');
  await ok(
    lab.command([
      'add-host',
      'db',
      '--vnet-subnet-id',
      await subnetId(lab, 'data-subnet'),
      '--private-ip',
      '10.42.3.10',
    ]),
  );
}
