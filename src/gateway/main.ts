// `postern gateway`: makes the parts of the data plane, wires them, and obeys the control channel until it is told to
// stop. However it ends, the last rules stay in force in the kernel, so that no service manager and no crash can open
// the network; `--remove` alone takes them away. No decision is made here.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { DnsProxy } from '#dataplane/dns/dns-proxy.ts';
import { L7Engine } from '#dataplane/l7/engine.ts';
import { limitsFor } from '#dataplane/l7/services.ts';
import { HostSettings } from '#dataplane/netfilter/host-settings.ts';
import { installClosed, removeLeftovers } from '#dataplane/netfilter/leftovers.ts';
import { NetfilterPlane } from '#dataplane/netfilter/netfilter-plane.ts';
import { ThreatFeeds } from '#dataplane/threat/threat-feeds.ts';
import type { Program } from '#ir/program.ts';
import { type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import { raiseFileLimit } from '#netlink/file-limit.ts';
import { SystemNetlink } from '#netlink/kernel-netlink.ts';
import { NftError, SystemNftRunner } from '#nft/runner.ts';
import { removeProcessFile } from '#state/process-file.ts';
import { FileSink } from '#telemetry/file-sink.ts';
import { ControlClient } from './control-client.ts';
import { Gateway } from './gateway.ts';
import { LastProgram } from './last-program.ts';
import { markRemoved, pidFile, takeLock, wasRemovedSince } from './lock.ts';
import { type GatewayOptions, OptionFault, parseGatewayOptions } from './options.ts';
import { OwnAddresses } from './own-addresses.ts';
import { forgetBoot, forgetOtherBoot, SETTINGS_FILE } from './settings-memory.ts';
import { watchTable } from './table-watch.ts';

const DNS_PORT = 53;
/** Two for each of the L7 engine's 16,384 connections, and a quarter for the rest. */
const OPEN_FILES = 44_000;

// Who reads this may have been killed; the gateway goes on with the last rules all the same.
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners('error').on('error', () => {});
}

const report = (message: string) => process.stderr.write(`postern gateway: ${message}\n`);

export async function runGateway(args: readonly string[]): Promise<number> {
  let options: GatewayOptions;
  try {
    options = parseGatewayOptions(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof OptionFault)) throw error;
    report(error.message);
    return 2;
  }
  const folder = options.state;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  // Not all ways to become root have these on the path.
  process.env.PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  if (options.mode === 'closed') return close(options);
  const lock = await takeLock(folder, { replaceable: options.mode === 'serve' });
  if (!lock) {
    report('another gateway, with another state folder, runs in this network namespace');
    return 1;
  }
  try {
    return await (options.mode === 'remove' ? remove(options) : serve(options));
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    report(error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message);
    removeProcessFile(pidFile(folder));
    // What was opened before would keep the process alive; all of it, the lock too, goes with the process.
    process.exit(1);
  } finally {
    removeProcessFile(pidFile(folder));
    await lock.release();
  }
}

/** Removes what a killed gateway left: table, routing rule, settings. */
async function remove(options: GatewayOptions): Promise<number> {
  forgetOtherBoot(options.state);
  await removeLeftovers(new SystemNftRunner(), settingsOf(options));
  new LastProgram(options.state, () => new Date()).forget();
  forgetBoot(options.state);
  markRemoved(options.state);
  return 0;
}

/** Loads rules that forward nothing, and leaves them. */
async function close(options: GatewayOptions): Promise<number> {
  forgetOtherBoot(options.state);
  await installClosed(new SystemNftRunner(), options.interfaces);
  return 0;
}

const settingsOf = (options: GatewayOptions) =>
  new HostSettings({ memory: join(options.state, SETTINGS_FILE) });

async function serve(options: GatewayOptions): Promise<number> {
  outliveReaders();
  const files = raiseFileLimit(OPEN_FILES);
  if (wasRemovedSince(options.state, performance.timeOrigin)) {
    report('the rules were taken away while it started, so it ends');
    return 0;
  }
  forgetOtherBoot(options.state);
  const log = new FileSink({ path: join(options.logs, 'firewall.jsonl'), report });
  const threats = new ThreatFeeds({ files: options.threatFeeds, report });
  await threats.start();
  let netfilter: NetfilterPlane | undefined;
  const dns = new DnsProxy({
    log,
    threats,
    defaultServers: options.dnsServers,
    sets: { add: (fqdn, addresses, ttlSeconds) => netfilter?.add(fqdn, addresses, ttlSeconds) },
    report,
  });
  const l7 = new L7Engine({
    resolver: dns.resolver(),
    log,
    threats,
    hasName: (fqdn, address) => netfilter?.hasName(fqdn, address) ?? false,
    forbiddenAddresses: ownAddresses,
    limits: limitsFor(files),
    report,
  });
  const { port: proxyPort } = await l7.listen();
  const netlink = new SystemNetlink();
  const plane = new NetfilterPlane({
    interfaces: options.interfaces,
    runner: new SystemNftRunner(),
    netlink,
    log,
    proxyPort,
    proxied: l7,
    threats,
    threatRanges: threats.ranges(),
    settings: settingsOf(options),
    onProblem: report,
  });
  netfilter = plane;
  threats.onChange(() => {
    l7.judgeAgain();
    plane.setThreatRanges(threats.ranges()).catch(error => report(`threat feeds: ${error}`));
  });
  const last = new LastProgram(options.state, () => new Date());
  const own = new OwnAddresses();
  let publicAddresses: readonly number[] = [];
  function ownAddresses(): readonly Ipv4Range[] {
    return mergeRanges(
      [...own.list(), ...publicAddresses].map(address => ({ first: address, last: address })),
    );
  }
  const gateway = new Gateway({
    netfilter: plane,
    configureL7: program => {
      publicAddresses = [...program.publicIps.map(({ address }) => address), program.privateAddress];
      l7.configure(program);
    },
    configureDns: program => configureDns(dns, program),
    last,
  });
  await plane.start();
  const previous = last.read();
  if (previous)
    await gateway
      .apply(previous)
      .catch(error => report(`the last rules could not be loaded, nothing is forwarded: ${error.message}`));
  const client = new ControlClient({
    path: options.control,
    firewall: options.firewall,
    apply: program => gateway.apply(program),
  });
  // Whoever supervises the gateway starts it again after a failure, and a start puts everything back.
  const ended = Promise.withResolvers<number>();
  const unwatch = watchTable({
    netlink,
    onGone: what => {
      report(`${what} was removed by another program.`);
      ended.resolve(1);
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.resolve(0));
  const status = await ended.promise;
  unwatch();
  // Closed at once, whichever part is gone; ending takes its time.
  if (status !== 0) await close(options).catch(error => report(error.message));
  client.close();
  await dns.close();
  await l7.close();
  await plane.close({ keep: true });
  threats.close();
  await log.close();
  return status;
}

async function configureDns(dns: DnsProxy, program: Program): Promise<void> {
  const ruleOf = new Map<string, Program['decisions'][number]['rule']>();
  for (const { decision, destinations = [] } of program.netfilter.networkClauses) {
    const rule = program.decisions[decision]?.rule;
    for (const destination of destinations) {
      if (destination.kind === 'fqdn' && rule && !ruleOf.has(destination.fqdn))
        ruleOf.set(destination.fqdn, rule);
    }
  }
  await dns.start({ address: program.privateAddress, port: DNS_PORT });
  await dns.configure({
    servers: program.dns.servers,
    enableProxy: program.dns.enableProxy,
    watched: program.watchedFqdns,
    threatIntel: program.threatIntel,
    ruleOf: fqdn => ruleOf.get(fqdn) ?? null,
  });
}
