// The gateway of the packet tests: a NetfilterPlane told what to do by JSON lines (see agent.ts), and a stand-in
// for the L7 engine that says which address it was reached by. Log records come back as events.

import { createServer } from 'node:net';
import { NetfilterPlane, type NetfilterPlaneOptions } from '#dataplane/netfilter/netfilter-plane.ts';
import type { Program } from '#ir/program.ts';
import type { Ipv4Range } from '#net/ipv4.ts';
import { SystemNetlink } from '#netlink/kernel-netlink.ts';
import { openTransparentSocket } from '#netlink/transparent-socket.ts';
import { SystemNftRunner } from '#nft/runner.ts';
import { serve } from './agent.ts';

const PROXY_PORT = 15001;
const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`);
const options = JSON.parse(process.argv[2] ?? '{}') as Pick<
  NetfilterPlaneOptions,
  'interfaces' | 'threatRanges' | 'snatPorts'
> & { engine?: boolean };

const plane = new NetfilterPlane({
  ...options,
  runner: new SystemNftRunner(),
  netlink: new SystemNetlink(),
  log: { write: record => say({ record }) },
  proxyPort: PROXY_PORT,
  onProblem: problem => say({ problem }),
});

if (options.engine ?? true) {
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.on('data', data => socket.write(data));
    socket.write(`engine ${socket.localAddress}:${socket.localPort}\n`);
  });
  server.listen({ fd: openTransparentSocket('tcp', PROXY_PORT) });
}

serve({
  start: () => plane.start(),
  pid: () => process.pid,
  apply: async ({ program }: { program: Program }) => {
    const started = performance.now();
    await plane.apply(program);
    return { ms: performance.now() - started, ...plane.lastRevocation };
  },
  add: ({ fqdn, addresses, ttl }: { fqdn: string; addresses: number[]; ttl: number }) => {
    const started = performance.now();
    plane.add(fqdn, addresses, ttl);
    return performance.now() - started;
  },
  threats: ({ ranges }: { ranges: Ipv4Range[] }) => plane.setThreatRanges(ranges),
  close: ({ keep = false }: { keep?: boolean }) => plane.close({ keep }),
});
