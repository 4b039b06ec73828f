// Which source address a server sees: many public IPs, and private destinations.

import assert from 'node:assert/strict';
import type { Lab } from '../lab.ts';
import {
  type Check,
  curl,
  FIREWALL,
  FIREWALL_PRIVATE,
  GROUP,
  networkRule,
  ok,
  resolve,
  subnetId,
} from './kit.ts';

export const ADDRESSES: readonly Check[] = [
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
