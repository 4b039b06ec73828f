// Who polls a change hears that no gateway answers, and why, instead of waiting for ever.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatOperationName } from '#arm/async-operation.ts';
import { startControlPlane } from './control-plane.ts';

const SUBSCRIPTION = '/subscriptions/00000000-0000-4000-8000-000000000001';
const NETWORK = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network`;
const ID = `${NETWORK}/azureFirewalls/fw`;

test('the operation of a change that no gateway takes ends with its last words', async t => {
  const stateDir = mkdtempSync(join(tmpdir(), 'postern-control-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  const control = await startControlPlane({
    stateDir,
    gatewayPatienceMs: 300,
    gatewayLastWords: () => 'status 1: the kernel has no tproxy',
  });
  t.after(() => control.close());
  control.store.put({
    id: `${NETWORK}/publicIPAddresses/ip`,
    name: 'ip',
    type: 'Microsoft.Network/publicIPAddresses',
    location: 'eastus',
    properties: { ipAddress: '20.1.2.3' },
  });
  control.store.put({
    id: ID,
    name: 'fw',
    type: 'Microsoft.Network/azureFirewalls',
    location: 'eastus',
    properties: {
      provisioningState: 'Updating',
      sku: { name: 'AZFW_VNet', tier: 'Standard' },
      ipConfigurations: [
        {
          name: 'config',
          properties: {
            privateIPAddress: '10.42.2.4',
            publicIPAddress: { id: `${NETWORK}/publicIPAddresses/ip` },
            subnet: { id: `${NETWORK}/virtualNetworks/v/subnets/AzureFirewallSubnet` },
          },
        },
      ],
    },
  });
  const poll = async () => {
    const path = `${SUBSCRIPTION}/providers/Microsoft.Network/locations/eastus/operations/${formatOperationName([ID])}`;
    return get(stateDir, `${path}?api-version=2024-05-01`);
  };
  await control.settle(ID, 0);
  assert.equal((await poll()).status, 'InProgress');
  let answer = await poll();
  for (let waited = 0; waited < 5000 && answer.status === 'InProgress'; waited += 50) {
    await sleep(50);
    answer = await poll();
  }
  assert.equal(answer.status, 'Failed');
  assert.match(
    answer.error?.message ?? '',
    /^no gateway has answered for 0\.3 s; .* Its last words: status 1: the kernel has no tproxy$/,
  );
  assert.equal(control.store.get(ID)?.document.properties.provisioningState, 'Failed');
});

function get(stateDir: string, path: string): Promise<{ status: string; error?: { message: string } }> {
  const token = readFileSync(join(stateDir, 'token'), 'utf8').trim();
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: join(stateDir, 'api.sock'), path, headers: { authorization: `Bearer ${token}` } },
      answer => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.once('end', () => resolve(JSON.parse(text)));
      },
    );
    asked.once('error', reject).end();
  });
}
