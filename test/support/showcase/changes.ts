// What a change of rules does, and does not do, to traffic that runs.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Background } from '../lab.ts';
import {
  type Check,
  EASTUS_ADDRESS,
  FIREWALL_PRIVATE,
  isDropped,
  networkRule,
  WESTUS_ADDRESS,
} from './kit.ts';

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
];
