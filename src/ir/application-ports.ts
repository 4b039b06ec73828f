// The ports that application rules make special. Worked out once for a set of rules, since every flow asks.

import type { ResolvedPolicy } from './policy.ts';

/** The rules that look at names. */
export type NamedRules = Pick<ResolvedPolicy, 'applicationRules' | 'infrastructureRules'>;

/** Ports on which the L7 engine answers whatever the rules say (https://learn.microsoft.com/azure/firewall/firewall-faq). */
const ALWAYS_APPLICATION_PORTS = [80, 443, 1433] as const;
const HTTPS_PORT = 443;

interface NamedPorts {
  readonly application: ReadonlySet<number>;
  readonly tls: ReadonlySet<number>;
}

const known = new WeakMap<NamedRules, NamedPorts>();

/** TCP ports the L7 engine answers on: 80, 443, 1433 and every port an application rule names, in order. */
export function applicationPortsOf(rules: NamedRules): number[] {
  return [...portsOf(rules).application].sort((a, b) => a - b);
}

export function isApplicationPort(rules: NamedRules, port: number): boolean {
  return portsOf(rules).application.has(port);
}

/** Ports on which a bound network rule looks for an SNI: 443, and those that application rules name for Https. */
export function tlsPortsOf(rules: NamedRules): ReadonlySet<number> {
  return portsOf(rules).tls;
}

function portsOf(rules: NamedRules): NamedPorts {
  const before = known.get(rules);
  if (before) return before;
  const application = new Set<number>(ALWAYS_APPLICATION_PORTS);
  const tls = new Set<number>([HTTPS_PORT]);
  for (const list of [rules.applicationRules, rules.infrastructureRules]) {
    for (const rule of list) {
      for (const { protocol, port } of rule.protocols) {
        application.add(port);
        if (protocol === 'Https') tls.add(port);
      }
    }
  }
  const ports = { application, tls };
  known.set(rules, ports);
  return ports;
}
