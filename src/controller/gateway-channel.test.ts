// Gateways that end in the middle of a word must not take the control plane with them.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '#ir/program.ts';
import { SocketGatewayChannel } from './gateway-channel.ts';

/** Larger than what a socket takes at once. */
const programOf = (revision: string) =>
  ({
    revision,
    firewallId: '/fw',
    applicationRules: [],
    padding: revision.repeat(4_000_000),
  }) as unknown as Program;

test('a gateway that is gone while a program is on its way to it', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-channel-'));
  const path = join(folder, 'gateway.sock');
  const channel = await SocketGatewayChannel.listen(path);
  t.after(async () => {
    await channel.close();
    rmSync(folder, { recursive: true });
  });
  const statuses: string[] = [];
  channel.onStatus((_, { revision }) => void statuses.push(revision));
  channel.desire('/fw', programOf('a'));
  for (let round = 0; round < 10; round += 1) {
    const socket = connect(path);
    socket.on('error', () => {});
    await new Promise<void>(resolve => socket.once('connect', () => resolve()));
    socket.write('{"type":"hello","firewall":""}\n');
    await new Promise(resolve => socket.once('data', resolve));
    socket.destroy();
    channel.desire('/fw', programOf(String(round)));
    await sleep(10);
  }
  const survivor = connect(path);
  t.after(() => survivor.destroy());
  survivor.on('data', () => {});
  survivor.write('{"type":"hello","firewall":""}\n');
  survivor.write('{"type":"status","revision":"9","state":"Applied"}\n');
  for (let waited = 0; waited < 2000 && statuses.length === 0; waited += 20) await sleep(20);
  assert.deepEqual(statuses, ['9']);
});
