// The firewall of the kernel test, all of it real: NetfilterPlane, L7Engine and DnsProxy, put together as in a gateway, with a
// scripted upstream that knows the names of the test's world. Told what to do by JSON lines (see ../netfilter/agent.ts).
// What differs from a gateway: denials are logged without a limit on their rate, and connections of the policy before are
// forgotten, so that each policy judges its packets alone.

import { DnsProxy } from '#dataplane/dns/dns-proxy.ts';
import { ScriptedUpstream } from '#dataplane/dns/scripted-upstream.ts';
import { L7Engine } from '#dataplane/l7/engine.ts';
import { NetfilterPlane } from '#dataplane/netfilter/netfilter-plane.ts';
import { Gateway } from '#gateway/gateway.ts';
import type { Program } from '#ir/program.ts';
import { formatIpv4, type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import { SystemNetlink } from '#netlink/kernel-netlink.ts';
import { FLAG_ACK, FLAG_REQUEST, nfMessage } from '#netlink/messages.ts';
import { NetlinkSocket } from '#netlink/netlink-socket.ts';
import { type NftRunner, SystemNftRunner } from '#nft/runner.ts';
import type { LogRecord } from '#telemetry/records.ts';
import { serve } from '../netfilter/agent.ts';
import { LINK, SENTINEL } from './addresses.ts';
import { addressesOfName, addressOf, THREAT_RANGES, threats } from './world.ts';

/** Both the kernel and the engine can allow by a network rule. */
export type Logged = LogRecord & { readonly byEngine?: boolean };

const PROXY_PORT = 15_001;
const CONNTRACK_DELETE = (1 << 8) | 2;
const SENTINEL_SOURCES = [SENTINEL.source, SENTINEL.outsideSource].map(formatIpv4);
/** Longer than a repeated denial is kept out of the log. */
const REPEAT_MS = 60_000;

let records: Logged[] = [];
/** Source ports of the sentinels seen last, from inside and from outside. */
const sentinelPorts = [0, 0];
const problems: string[] = [];
let ahead = 0;
const log = {
  write: (record: LogRecord) => {
    const side = 'SourceIp' in record ? SENTINEL_SOURCES.indexOf(record.SourceIp) : -1;
    if ('SourcePort' in record && side >= 0) sentinelPorts[side] = record.SourcePort;
    else records.push(record);
  },
};
const engineLog = { write: (record: LogRecord) => log.write({ ...record, byEngine: true } as Logged) };
const report = (message: string) => {
  problems.push(message);
};

const nft = new SystemNftRunner();
const runner: NftRunner = {
  run: script => nft.run(script.replaceAll(/limit rate \d+\/second burst \d+ packets (?=log)/g, '')),
};

const upstream = new ScriptedUpstream('127.0.0.1', ({ packet }) => {
  const name = (packet.questions?.[0]?.name ?? '').toLowerCase();
  const addresses = addressesOfName(name);
  return addresses.length === 0
    ? ({ rcode: 'NXDOMAIN' } as never)
    : { answers: addresses.map(data => ({ type: 'A' as const, name, ttl: 3600, data })) };
});
await upstream.open();

let plane: NetfilterPlane | undefined;
const dns = new DnsProxy({
  log,
  threats,
  defaultServers: [addressOf('127.0.0.1')],
  upstreamPort: upstream.port,
  sets: { add: (fqdn, addresses, ttlSeconds) => plane?.add(fqdn, addresses, ttlSeconds) },
  report,
});
const own: Ipv4Range[] = mergeRanges(
  [LINK.gatewayInside, LINK.gatewayOutside].map(addressOf).map(first => ({ first, last: first })),
);
const engine = new L7Engine({
  resolver: dns.resolver(),
  log: engineLog,
  threats,
  hasName: (fqdn, address) => plane?.hasName(fqdn, address) ?? false,
  forbiddenAddresses: () => own,
  report,
});
await engine.listen(PROXY_PORT);
plane = new NetfilterPlane({
  interfaces: { inside: ['inside'], outside: 'outside', insidePrefixes: [] },
  runner,
  netlink: new SystemNetlink(),
  log,
  proxyPort: PROXY_PORT,
  proxied: engine,
  threats,
  threatRanges: THREAT_RANGES,
  now: () => performance.now() + ahead,
  onProblem: report,
});
const running = plane;
const gateway = new Gateway({
  netfilter: running,
  configureL7: program => engine.configure(program),
  configureDns: async program => {
    await dns.start({ address: program.privateAddress, port: 53 });
    await dns.configure({
      servers: [],
      enableProxy: program.dns.enableProxy,
      watched: program.watchedFqdns,
      threatIntel: program.threatIntel,
    });
  },
  last: { applied: () => {}, failed: () => {} },
});

const netlink = new NetlinkSocket();
/** Every connection that the namespace knows. */
function forgetConnections(): void {
  const sequence = netlink.nextSequence();
  netlink.send(nfMessage({ type: CONNTRACK_DELETE, flags: FLAG_REQUEST | FLAG_ACK, sequence }));
  netlink.acknowledgements('forgetting connections', sequence, sequence);
}

await running.start();

serve({
  apply: async ({ program }: { program: Program }) => {
    ahead += REPEAT_MS;
    forgetConnections();
    await gateway.apply(program);
    // NAT targets that are names come into force in turn, after they have been resolved.
    await running.start();
    records = [];
    return { problems: problems.splice(0) };
  },
  /** Everything logged since `apply`, once the sentinels of that source port are in the log. */
  drain: async ({ port, timeoutMs = 4000 }: { port: number; timeoutMs?: number }) => {
    const end = performance.now() + timeoutMs;
    const isComplete = () => sentinelPorts.every(seen => seen === port);
    while (!isComplete() && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 1));
    const drained = records;
    records = [];
    return {
      complete: isComplete(),
      lost: running.lostLogs,
      problems: problems.splice(0),
      records: drained.filter(
        ({ Type }) => Type !== 'AZFWDnsQuery' && Type !== 'AZFWInternalFqdnResolutionFailure',
      ),
    };
  },
});
