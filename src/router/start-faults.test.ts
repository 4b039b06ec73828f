// What the system refuses is told by the flag to mend; what nobody expects keeps its stack.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { ConfigFault } from './folder-source.ts';
import { faultsOfStart } from './start-faults.ts';

const options = { apiListen: '127.0.0.1', apiPort: 8443 };

function listenError(port: number, host: string): Promise<unknown> {
  return new Promise(resolve => createServer().once('error', resolve).listen(port, host));
}

test('a port that is taken, and an address of another machine', async t => {
  const holder = createServer();
  t.after(() => holder.close());
  await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', () => resolve()));
  const { port } = holder.address() as AddressInfo;
  assert.deepEqual(faultsOfStart(await listenError(port, '127.0.0.1'), { ...options, apiPort: port }), [
    `--api-port ${port}: another program listens on 127.0.0.1 port ${port} already.`,
  ]);
  assert.deepEqual(faultsOfStart(await listenError(0, '192.0.2.1'), { ...options, apiListen: '192.0.2.1' }), [
    '--api-listen 192.0.2.1: no interface of this machine has this address.',
  ]);
});

test('a folder that cannot be made', () => {
  assert.throws(
    () => mkdirSync('/dev/null/state'),
    error => /ENOTDIR.*\/dev\/null\/state/.test(faultsOfStart(error, options)?.join() ?? ''),
  );
});

test('faults of the files are told as they are, and a mistake of ours is not explained away', () => {
  assert.deepEqual(faultsOfStart(new ConfigFault(['a', 'b']), options), ['a', 'b']);
  assert.equal(faultsOfStart(new TypeError('x is not a function'), options), undefined);
});
