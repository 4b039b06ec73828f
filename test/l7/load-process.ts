// The engine alone in a process, so that its memory can be measured while clients and servers live in another.
// Argument: the port on loopback where the only server listens. Answers each IPC message with its memory and counts.

import net from 'node:net';
import { L7Engine } from '#dataplane/l7/engine.ts';
import { ip, rule, rules } from './bench.ts';

const serverPort = Number(process.argv[2]);
const engine = new L7Engine({
  resolver: { resolve: async () => [ip('192.0.2.1')] },
  log: { write: () => undefined },
  forbiddenAddresses: () => [],
  hasName: () => false,
  mode: () => ({ address: ip('198.51.100.9'), port: 80 }),
  connect: () => net.connect({ host: '127.0.0.1', port: serverPort, allowHalfOpen: true, noDelay: true }),
});
engine.configure(rules([rule('Allow', 'org', ['*.example.org'])]));
const { port } = await engine.listen();

process.on('message', () => {
  globalThis.gc?.();
  process.send?.({ rss: process.memoryUsage().rss, ...engine.statistics });
});
process.on('disconnect', () => process.exit());
process.send?.({ port });
