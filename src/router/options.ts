// What `postern up` was told, checked before anything is touched: interfaces exist, addresses parse, the folder is there.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type PolicyOptionFlag, policyOptionsOf } from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { type Ipv4Range, parseIpv4, parsePrefix } from '#net/ipv4.ts';

export interface UpArguments {
  readonly config: string;
  readonly inside: readonly string[];
  readonly outside?: string;
  readonly insidePrefix: readonly string[];
  readonly publicIp: readonly string[];
  readonly dnsServer: readonly string[];
  readonly sshFrom: readonly string[];
  readonly threatFeed: readonly string[];
  readonly apiPort: string;
  /** Absent: loopback. */
  readonly apiListen?: string;
  /** Absent: true, as commander gives `--no-...` flags. */
  readonly azureLimits?: boolean;
  readonly inheritedNatRules?: boolean;
  readonly bindNetworkFqdns?: boolean;
  readonly infrastructureFqdns?: readonly string[];
}

export interface UpOptions {
  readonly config: string;
  readonly inside: readonly string[];
  readonly outside: string;
  readonly insidePrefixes: readonly string[];
  /** `PUBLIC=LOCAL` pairs, as given. */
  readonly publicIps: readonly string[];
  /** Asked where the firewall names none; never empty. */
  readonly dnsServers: readonly string[];
  /** `PREFIX` or `PREFIX:PORT`, as given. */
  readonly sshFrom: readonly string[];
  readonly threatFeeds: readonly string[];
  readonly apiPort: number;
  readonly apiListen: string;
  /** Named on the command line, and so allowed to be another than loopback. */
  readonly apiNamed: boolean;
  readonly policyOptions: PolicyOptions;
}

export interface Machine {
  /** Names of its network interfaces. */
  readonly interfaces: readonly string[];
  /** What /etc/resolv.conf names. */
  readonly dnsServers: readonly string[];
}

/** All faults at once, each naming its flag. */
export function checkUpArguments(
  given: UpArguments,
  machine: Machine,
): {
  readonly options: UpOptions;
  readonly faults: readonly string[];
} {
  const faults: string[] = [];
  const outside = given.outside ?? given.inside[0] ?? '';
  const config = resolve(given.config);
  if (!statSync(config, { throwIfNoEntry: false })?.isDirectory())
    faults.push(`--config ${given.config}: there is no such folder.`);
  for (const [flag, name] of [
    ...given.inside.map(name => ['--inside', name] as const),
    ['--outside', outside] as const,
  ]) {
    if (!machine.interfaces.includes(name))
      faults.push(
        `${flag} ${name}: there is no such interface; this machine has ${machine.interfaces.join(', ')}.`,
      );
  }
  if (given.inside.length > 1 && given.inside.includes(outside)) {
    faults.push(`--outside ${outside}: with several inside interfaces the outside one must be another.`);
  }
  for (const prefix of given.insidePrefix) {
    if (!parsePrefix(prefix))
      faults.push(`--inside-prefix ${prefix}: expected a prefix such as 10.42.0.0/16.`);
  }
  for (const pair of given.publicIp) {
    const [address = '', local = '', ...rest] = pair.split('=');
    if (rest.length > 0 || parseIpv4(address) === undefined || parseIpv4(local) === undefined) {
      faults.push(`--public-ip ${pair}: expected ADDRESS=LOCAL, such as 20.1.2.3=10.0.0.4.`);
    }
  }
  for (const address of given.dnsServer) {
    if (parseIpv4(address) === undefined)
      faults.push(`--dns-server ${address}: expected an IPv4 address, such as 10.0.0.2.`);
  }
  if (given.dnsServer.length === 0 && machine.dnsServers.length === 0)
    faults.push('/etc/resolv.conf names no IPv4 name server: say --dns-server ADDRESS.');
  for (const access of given.sshFrom) {
    if (!parseSshFrom(access))
      faults.push(`--ssh-from ${access}: expected a prefix such as 10.0.0.0/8, or 10.0.0.0/8:2222.`);
  }
  for (const file of given.threatFeed) {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile())
      faults.push(`--threat-feed ${file}: there is no such file.`);
  }
  if (given.apiListen !== undefined && parseIpv4(given.apiListen) === undefined)
    faults.push(`--api-listen ${given.apiListen}: expected an IPv4 address.`);
  const apiPort = Number(given.apiPort);
  if (!/^\d{1,5}$/.test(given.apiPort) || apiPort > 65535)
    faults.push(`--api-port ${given.apiPort}: expected a port, or 0 for any free one.`);
  const policy = policyOptionsOf(policyFlagsOf(given));
  faults.push(...policy.faults);
  const options = {
    config,
    inside: given.inside,
    outside,
    insidePrefixes: given.insidePrefix,
    publicIps: given.publicIp,
    dnsServers: given.dnsServer.length > 0 ? given.dnsServer : machine.dnsServers,
    sshFrom: given.sshFrom,
    threatFeeds: given.threatFeed.map(file => resolve(file)),
    apiPort,
    apiListen: given.apiListen ?? '127.0.0.1',
    apiNamed: given.apiListen !== undefined,
    policyOptions: policy.options,
  };
  return { options, faults };
}

function policyFlagsOf(given: UpArguments): Readonly<Record<PolicyOptionFlag, unknown>> {
  return {
    'no-azure-limits': given.azureLimits === false,
    'bind-network-fqdns': given.bindNetworkFqdns === true,
    'no-inherited-nat-rules': given.inheritedNatRules === false,
    'infrastructure-fqdns': given.infrastructureFqdns,
  };
}

export function parseSshFrom(
  text: string,
): { readonly sources: Ipv4Range; readonly port: number } | undefined {
  const [, prefix = '', port = '22'] = /^([^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const sources = parsePrefix(prefix);
  return sources && Number(port) >= 1 && Number(port) <= 65_535 ? { sources, port: Number(port) } : undefined;
}
