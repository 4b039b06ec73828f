// What `postern gateway` was told about its machine; everything about rules comes over the control channel.

import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { GatewayInterfaces, ManagementAccess } from '#dataplane/data-plane.ts';
import { type Ipv4Prefix, parseIpv4, parsePrefix } from '#net/ipv4.ts';

export interface GatewayOptions {
  readonly mode: 'serve' | 'closed' | 'remove';
  readonly control: string;
  readonly state: string;
  readonly logs: string;
  readonly firewall: string;
  readonly interfaces: GatewayInterfaces;
  /** Asked when the policy names no servers. */
  readonly dnsServers: readonly number[];
  readonly threatFeeds: readonly string[];
}

interface Given {
  readonly control?: string;
  readonly state: string;
  readonly logs?: string;
  readonly firewall: string;
  readonly inside: readonly string[];
  readonly outside?: string;
  readonly insidePrefix: readonly string[];
  readonly dnsServer: readonly string[];
  readonly threatFeed: readonly string[];
  readonly sshFrom: readonly string[];
  readonly closed: boolean;
  readonly remove: boolean;
}

/** Azure DNS, which answers in every VNet (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16). */
const AZURE_DNS = '168.63.129.16';

/** RFC 1918 and RFC 6598: what is inside when a one-armed gateway is told nothing else. */
const PRIVATE_PREFIXES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

const collect = (value: string, previous: readonly string[]) => [...previous, value];

export class OptionFault extends Error {
  override readonly name = 'OptionFault';
}

export function gatewayCommand(): Command {
  return new Command('postern gateway')
    .description(
      'The data plane alone: enforces what the control plane says, and the last rules while nobody says anything.',
    )
    .option('--control <socket>', 'Unix socket of the control plane')
    .requiredOption('--state <folder>', 'where the last program and the previous settings are kept')
    .option('--logs <folder>', 'where decisions are logged (default: logs in the state folder)')
    .option('--firewall <name>', 'which firewall to serve, where the control plane has several', '')
    .option('--inside <interface>', 'interface that workloads send to; repeat for several', collect, [])
    .option('--outside <interface>', 'interface towards the Internet (default: the inside one)')
    .option(
      '--inside-prefix <prefix>',
      'one interface: sources in here are inside (default: private ranges)',
      collect,
      [],
    )
    .option(
      '--dns-server <address>',
      `resolver to ask when the policy names none (default: ${AZURE_DNS})`,
      collect,
      [],
    )
    .option('--threat-feed <file>', 'networks or names to deny or alert on, one a line', collect, [])
    .option(
      '--ssh-from <prefix[:port]>',
      'sources that may reach SSH on this machine itself (default: nobody; port 22)',
      collect,
      [],
    )
    .option('--closed', 'load rules that forward nothing, and exit', false)
    .option('--remove', 'remove all rules and restore the settings, and exit', false);
}

export function parseGatewayOptions(args: readonly string[]): GatewayOptions {
  const given = gatewayCommand()
    .exitOverride()
    .parse([...args], { from: 'user' })
    .opts() as Given;
  const mode = given.remove ? 'remove' : given.closed ? 'closed' : 'serve';
  if (mode === 'serve' && given.control === undefined)
    throw new OptionFault('--control is missing: the Unix socket of the control plane');
  if (mode !== 'remove' && given.inside.length === 0)
    throw new OptionFault('--inside is missing: the interface that workloads send to');
  const outside = given.outside ?? given.inside[0] ?? '';
  if (mode !== 'remove') for (const name of [...given.inside, outside]) requireInterface(name);
  return {
    mode,
    control: given.control ?? '',
    state: given.state,
    logs: given.logs ?? join(given.state, 'logs'),
    firewall: given.firewall,
    interfaces: {
      inside: given.inside,
      outside,
      insidePrefixes: (given.insidePrefix.length > 0 ? given.insidePrefix : PRIVATE_PREFIXES).map(
        requirePrefix,
      ),
      management: given.sshFrom.map(requireManagement),
    },
    dnsServers: (given.dnsServer.length > 0 ? given.dnsServer : [AZURE_DNS]).map(text =>
      requireAddress('--dns-server', text),
    ),
    threatFeeds: given.threatFeed,
  };
}

function requireInterface(name: string): void {
  // A link without address is not in the list, so only a name that the kernel does not know at all is refused by nft later.
  if (!/^[^\s/"]{1,15}$/.test(name))
    throw new OptionFault(
      `'${name}' is not a name of an interface; this machine has ${Object.keys(networkInterfaces()).join(', ')}`,
    );
}

function requirePrefix(text: string): Ipv4Prefix {
  const prefix = parsePrefix(text);
  if (!prefix) throw new OptionFault(`--inside-prefix ${text}: expected a prefix such as 10.42.0.0/16`);
  return prefix;
}

function requireManagement(text: string): ManagementAccess {
  const [, prefix = '', port = '22'] = /^([^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const sources = parsePrefix(prefix);
  if (!sources || Number(port) < 1 || Number(port) > 65_535)
    throw new OptionFault(`--ssh-from ${text}: expected a prefix such as 10.0.0.0/8, or 10.0.0.0/8:2222`);
  return { sources, port: Number(port) };
}

function requireAddress(flag: string, text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new OptionFault(`${flag} ${text}: expected an IPv4 address`);
  return address;
}
