// Findings about names: a name server that cannot be asked, a client that asks another one than the firewall, rules by name that the
// firewall cannot keep, and QUIC, which names nothing that a firewall could read.

import { AZURE_DNS, formatIpv4 } from '#net/ipv4.ts';
import * as commands from './commands.ts';
import type { ExplainFacts, PreparedExplanation } from './explain.ts';
import { type Firewall, firewallAt } from './network.ts';
import { isQuic } from './refusal.ts';
import { walkBack } from './reply.ts';
import type { Finding } from './steps.ts';
import { type WayThere, walk } from './walk.ts';

const DNS_PORT = 53;

/** Whether the client gets an answer at all. */
export function dnsFindings(prepared: PreparedExplanation, { answer }: ExplainFacts): Finding[] {
  const { network, client, dnsServers = [], target } = prepared;
  const findings: Finding[] = [];
  const failed = answer !== undefined && answer.addresses.length === 0;
  for (const server of dnsServers) {
    if (server === AZURE_DNS) continue;
    const firewall = firewallAt(network, server);
    const { vnet } = client.place ?? {};
    if (firewall && !firewall.policy.dns.enableProxy) {
      findings.push({
        code: 'dns-proxy-off',
        severity: failed ? 'error' : 'warning',
        text: `${vnet?.name} names firewall ${firewall.name} as its DNS server, whose DNS proxy is off: it answers nothing.`,
        fix: [commands.enableDnsProxy(firewall)],
      });
      continue;
    }
    const packet = {
      protocol: 'UDP',
      source: client.address,
      destination: server,
      port: DNS_PORT,
    } as const;
    const target = { name: undefined, address: server, port: DNS_PORT };
    const asked = { target, sni: undefined, host: undefined, resolved: new Map(), threats: undefined };
    const there = walk(network, client, packet, { ...asked, namesInForce: () => undefined });
    const back = walkBack(network, client, there);
    const [why] = [...there.findings, ...back.findings].filter(({ severity }) => severity === 'error');
    if (!back.arrives)
      findings.push({
        code: 'dns-unreachable',
        severity: failed ? 'error' : 'warning',
        text: `The client's DNS server ${formatIpv4(server)} is not reached: ${why?.text ?? 'no way leads there and back'}`,
        fix: why?.fix ?? [],
      });
  }
  if (failed && findings.length === 0)
    findings.push({
      code: 'name-unresolved',
      severity: 'error',
      text: `${target.name} has no address for the client: ${answer.fault ?? 'the answer is empty'}.`,
      fix: ['Ask for a name that the DNS server of the client knows, or give its address with --resolve.'],
    });
  return findings;
}

/** Whether rules by name mean what their owner wants, on the way that was walked. */
export function nameFindings(
  prepared: PreparedExplanation,
  facts: ExplainFacts,
  address: number,
  there: WayThere,
): Finding[] {
  const { network, protocol, target } = prepared;
  const passed = there.steps.find(({ kind, details }) => kind === 'firewall' && details.side === 'inside');
  const firewall = network.firewalls.find(({ name }) => name === passed?.details.firewall);
  if (!firewall) return [];
  const findings: Finding[] = [];
  if (passed?.ok && isQuic({ protocol, destination: address, destinationPort: target.port }))
    findings.push({
      code: 'quic',
      severity: 'warning',
      text: 'UDP 443 is QUIC, which no firewall can filter by name: a network rule for addresses lets it pass, whatever name the client asks for.',
      fix: ['Deny UDP 443: clients fall back to TCP 443, where application rules judge the name.'],
    });
  return [...findings, ...fqdnRuleFindings(prepared, facts, address, firewall)];
}

function fqdnRuleFindings(
  { client, target, dnsServers }: PreparedExplanation,
  { namesInForce }: ExplainFacts,
  address: number,
  firewall: Firewall,
): Finding[] {
  const { policy } = firewall;
  const rules = policy.networkRules.filter(({ destinationFqdns }) => destinationFqdns.length > 0);
  if (rules.length === 0) return [];
  const findings: Finding[] = [];
  const usesFirewall = dnsServers?.includes(policy.privateAddress) ?? true;
  if (!policy.dns.enableProxy && !usesFirewall)
    findings.push({
      code: 'dns-proxy-off',
      severity: 'warning',
      text: `Firewall ${firewall.name} has network rules with FQDNs, and its DNS proxy is off: it cannot know which addresses its clients are given.`,
      fix: [commands.enableDnsProxy(firewall)],
    });
  const { name } = target;
  if (name === undefined) return findings;
  const vnet = client.place?.vnet;
  if (!usesFirewall && vnet)
    findings.push({
      code: 'client-dns',
      severity: rules.some(({ destinationFqdns }) => destinationFqdns.includes(name)) ? 'warning' : 'note',
      text: `The hosts of ${vnet.name} do not ask firewall ${firewall.name} for names, so its network rules with FQDNs may know other addresses than the client goes to.`,
      fix: [
        commands.useDnsOf(vnet, firewall),
        'Hosts take it over when they renew their DHCP lease, at the latest with a restart.',
      ],
    });
  const names = namesInForce?.(firewall)?.(address);
  if (names && !names.has(name) && rules.some(({ destinationFqdns }) => destinationFqdns.includes(name)))
    findings.push({
      code: 'name-unknown-to-firewall',
      severity: 'warning',
      text: `The running firewall ${firewall.name} does not know ${formatIpv4(address)} as an address of ${name}, so no network rule for that name covers it now.`,
      fix: [
        'Let the client ask the DNS of the firewall, or use an application rule, which judges the name itself.',
      ],
    });
  return findings;
}
