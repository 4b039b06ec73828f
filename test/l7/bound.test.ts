// Network rules that are bound to names: the kernel hands over what their FQDN sets match, and the engine asks the client
// which of the names it wants.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import tls from 'node:tls';
import type { NetworkRule } from '#ir/policy.ts';
import { ALL_IPV4 } from '#net/ipv4.ts';
import { eventually, ip, makeCertificates, rule, rules, serve, startBench } from './bench.ts';

const certificates = makeCertificates(['a.example.org', 'b.example.org']);
after(() => certificates[Symbol.dispose]());

const bound: NetworkRule = {
  ref: { policy: 'p', group: 'g', collection: 'c', rule: 'names' },
  action: 'Allow',
  protocols: ['TCP'],
  sources: [ALL_IPV4],
  destinations: [],
  destinationFqdns: ['a.example.org'],
  destinationPorts: [{ first: 443, last: 443 }],
};
/** What the clients of the bench believe to reach. */
const ADDRESS = ip('198.51.100.9');

test('the name of the rule is served, logged as a network rule; another name on its address is not', async () => {
  const server = tls.createServer(certificates, socket => {
    socket.on('error', () => undefined);
    socket.resume().on('end', () => socket.end());
    socket.write(socket.servername || 'nobody');
  });
  server.on('tlsClientError', () => undefined);
  await using listening = await serve(socket => server.emit('connection', socket));
  const known = new Set(['a.example.org']);
  await using bench = await startBench({
    port: 443,
    names: { 'a.example.org': ['192.0.2.1'], 'b.example.org': ['192.0.2.1'] },
    servers: { '192.0.2.1:443': listening.port },
    rules: rules([rule('Allow', 'web', ['b.example.org'])], { boundRules: [bound] }),
    hasName: (fqdn, address) => known.has(fqdn) && address === ADDRESS,
  });
  const connect = (servername?: string) => {
    const socket = tls.connect({
      ...{ host: '127.0.0.1', port: bench.port, ca: certificates.ca },
      ...(servername ? { servername } : { checkServerIdentity: () => undefined }),
    });
    socket.setEncoding('utf8');
    return socket;
  };
  const failure = async (servername?: string) => {
    const [error] = await once(connect(servername), 'error');
    return error.code;
  };

  const live = connect('a.example.org');
  assert.equal((await once(live, 'data'))[0], 'a.example.org');
  assert.equal(await failure('b.example.org'), 'ECONNRESET');
  assert.equal(await failure(), 'ECONNRESET');
  // The address is nobody's any more: now the application rules are asked.
  known.clear();
  const other = connect('b.example.org');
  assert.equal((await once(other, 'data'))[0], 'b.example.org');
  other.destroy();
  assert.deepEqual(
    bench.sink.records.map(record =>
      record.Type === 'AZFWNetworkRule' || record.Type === 'AZFWApplicationRule'
        ? [record.Type, record.Action, record.Rule, record.ActionReason]
        : record.Type,
    ),
    [
      ['AZFWNetworkRule', 'Allow', 'names', ''],
      ['AZFWNetworkRule', 'Deny', 'names', 'SNI is not a name of the network rule: b.example.org'],
      ['AZFWNetworkRule', 'Deny', 'names', 'SNI TLS extension was missing'],
      ['AZFWApplicationRule', 'Allow', 'web', ''],
    ],
  );
  const [first] = bench.sink.ofType('AZFWNetworkRule');
  assert.deepEqual(
    [first?.Protocol, first?.DestinationIp, first?.DestinationPort, first?.RuleCollectionGroup],
    ['TCP', '198.51.100.9', 443, 'g'],
  );

  await eventually('the other one is gone', () => bench.engine.statistics.open === 1);
  live.on('error', () => undefined);
  known.add('a.example.org');
  bench.engine.configure(rules([], { boundRules: [bound] }));
  assert.equal(bench.engine.statistics.open, 1, 'still allowed');
  bench.engine.configure(rules([], { boundRules: [{ ...bound, destinationFqdns: ['b.example.org'] }] }));
  await eventually('the connection is cut', () => bench.engine.statistics.open === 0);
});
