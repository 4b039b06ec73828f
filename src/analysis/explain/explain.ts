// The whole way of a flow and back, in the order in which packets meet it: who sends, which name server it asks, which route wins,
// what the firewall says, where it arrives, and how the reply comes back. In two stages, since between them somebody may ask a name
// server: `prepareExplanation` finds the client and the server it asks, `explain` does the rest. Pure.

import type { IpProtocol, NamesOfAddress, ThreatListing } from '#ir/decision.ts';
import { AZURE_DNS, formatIpv4, formatPrefix, isIanaPrivate, parseIpv4 } from '#net/ipv4.ts';
import {
  nameOfProtocol,
  parseProtocol,
  parseTarget,
  type Question,
  type QuestionFault,
  type ResolvedNames,
  type Target,
  understand,
} from '../question.ts';
import { dnsFindings, nameFindings } from './name-findings.ts';
import { type Firewall, type Network, placeOf } from './network.ts';
import { type WayBack, walkBack } from './reply.ts';
import type { Client, Finding, Packet, Step } from './steps.ts';
import { type WayThere, walk } from './walk.ts';

export interface PreparedExplanation {
  readonly network: Network;
  readonly client: Client;
  readonly target: Target;
  readonly protocol: IpProtocol;
  readonly question: Question;
  /** The name servers of the client; undefined where no document says which. */
  readonly dnsServers: readonly number[] | undefined;
}

/** What a name server answered, or why it did not. */
export interface NameAnswer {
  readonly addresses: readonly number[];
  /** Who said so, for people: `10.42.2.4 answers`. */
  readonly by: string;
  /** Instead of addresses. */
  readonly fault?: string;
}

export interface ExplainFacts {
  /** What the name of the target resolves to; absent where nobody could say. */
  readonly answer?: NameAnswer | undefined;
  /** Addresses of other names: for NAT rules, for network rules that name FQDNs. */
  readonly resolved: ResolvedNames;
  readonly namesInForce?: (firewall: Firewall) => NamesOfAddress | undefined;
  readonly threats?: ThreatListing | undefined;
}

export interface Explanation {
  /** Both ways. */
  readonly works: boolean;
  readonly arrives: boolean;
  readonly returns: boolean;
  /** Whether the reply passes what the request passed; true while there is no reply. */
  readonly symmetric: boolean;
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly steps: readonly Step[];
  readonly findings: readonly Finding[];
}

export type Prepared =
  | { readonly prepared: PreparedExplanation; readonly faults?: undefined }
  | { readonly prepared?: undefined; readonly faults: readonly QuestionFault[] };

export function prepareExplanation(network: Network, question: Question): Prepared {
  const faults: QuestionFault[] = [];
  const client = findClient(network, question.from);
  if (typeof client === 'string') faults.push({ field: 'from', message: client });
  const protocol = parseProtocol(question.protocol ?? 'tcp');
  if (protocol === undefined)
    faults.push({
      field: 'protocol',
      message: `'${question.protocol}' is no protocol; tcp, udp, icmp or a number from 0 to 255`,
    });
  const target =
    protocol === undefined ? undefined : parseTarget(hostToAddress(network, question.to), protocol);
  if (typeof target === 'string') faults.push({ field: 'to', message: target });
  if (typeof client === 'string' || protocol === undefined || typeof target !== 'object') return { faults };
  const [firewall] = network.firewalls;
  if (firewall) {
    // The rest of the question is judged where it is asked; what is wrong with it is said now.
    const to = { ...question, from: formatIpv4(client.address), to: hostToAddress(network, question.to) };
    const { faults: unclear } = understand(to, firewall.policy, new Map());
    if (unclear) return { faults: unclear };
  }
  const { place } = client;
  const servers = place?.vnet.dnsServers ?? [];
  const dnsServers = place === undefined ? undefined : servers.length > 0 ? servers : [AZURE_DNS];
  return { prepared: { network, client, target, protocol, question, dnsServers } };
}

function findClient(network: Network, text: string): Client | string {
  const host = network.hosts.find(({ name }) => name.toLowerCase() === text.toLowerCase());
  const address = host?.address ?? parseIpv4(text);
  if (address === undefined) {
    const names = network.hosts.map(({ name }) => name);
    return `'${text}' is no IPv4 address${names.length === 0 ? '' : ` and none of the hosts ${names.join(', ')}`}`;
  }
  const place =
    host === undefined || host.subnetId !== undefined ? placeOf(network, address, host?.subnetId) : undefined;
  const known = host ?? network.hosts.find(candidate => candidate.address === address);
  const insideOf = place === undefined && isIanaPrivate(address) ? network.gateway : undefined;
  if (place === undefined && insideOf === undefined && isIanaPrivate(address))
    return `no virtual network that is known holds ${text} (az network vnet list -o json prints them)`;
  return { address, place, host: known, insideOf };
}

/** `db:5432` for a host that is called so; a name with a dot is one for the name server. */
function hostToAddress({ hosts }: Network, text: string): string {
  const [, name = text, port = ''] = /^(.*?)(:\d+)?$/.exec(text) ?? [];
  const host = name.includes('.')
    ? undefined
    : hosts.find(candidate => candidate.name === name.toLowerCase());
  return host ? `${formatIpv4(host.address)}${port}` : text;
}

export function explain(prepared: PreparedExplanation, facts: ExplainFacts): Explanation {
  const { client, target, protocol, question } = prepared;
  const steps: Step[] = [sourceStep(client)];
  const head = {
    from: client.host?.name ?? formatIpv4(client.address),
    to: question.to,
    protocol: nameOfProtocol(protocol),
  };
  const answer = target.name === undefined ? undefined : facts.answer;
  const dns = target.name === undefined ? [] : dnsFindings(prepared, facts);
  if (target.name !== undefined) steps.push(nameStep(prepared, answer));
  if (answer && answer.addresses.length === 0)
    return { ...head, works: false, arrives: false, returns: false, symmetric: true, steps, findings: dns };

  const addresses = answer?.addresses ?? [target.address ?? standIn(prepared, facts.resolved)];
  const ways = addresses.map(address => wayTo(prepared, facts, address));
  const chosen = ways.find(({ back }) => !back.arrives) ?? ways[0];
  if (!chosen) throw new Error('a target has an address');
  const { there, back } = chosen;
  const broken = ways.filter(way => !way.back.arrives).length;
  const others: Finding[] =
    broken > 0 && broken < ways.length
      ? [
          {
            code: 'addresses-differ',
            severity: 'note',
            text: `${target.name} has ${ways.length} addresses, of which ${broken} ${broken === 1 ? 'does' : 'do'} not work; this is ${formatIpv4(chosen.address)}.`,
            fix: [],
          },
        ]
      : [];
  return {
    ...head,
    works: back.arrives,
    arrives: there.end.kind !== 'lost',
    returns: back.arrives,
    symmetric: back.symmetric,
    steps: [...steps, ...there.steps, ...back.steps],
    findings: [
      ...there.findings,
      ...back.findings,
      ...dns,
      ...nameFindings(prepared, facts, chosen.address, there),
      ...others,
    ].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)),
  };
}

const SEVERITIES: readonly Finding['severity'][] = ['error', 'warning', 'note'];

function wayTo(
  { network, client, target, protocol, question }: PreparedExplanation,
  { resolved, namesInForce = () => undefined, threats }: ExplainFacts,
  address: number,
): { readonly address: number; readonly there: WayThere; readonly back: WayBack } {
  const packet: Packet = { protocol, source: client.address, destination: address, port: target.port };
  const { sni, host } = question;
  const there = walk(network, client, packet, { target, sni, host, resolved, namesInForce, threats });
  return { address, there, back: walkBack(network, client, there) };
}

/** An address that nobody has, for a name whose address nobody said. */
function standIn({ network, question, client }: PreparedExplanation, resolved: ResolvedNames): number {
  const [firewall] = network.firewalls;
  const asked =
    firewall && understand({ ...question, from: formatIpv4(client.address) }, firewall.policy, resolved);
  return asked?.asked?.standIn ?? parseIpv4('192.0.2.1') ?? 0;
}

function sourceStep({ address, place, host, insideOf }: Client): Step {
  const own = host ? `${host.name} (${formatIpv4(address)})` : formatIpv4(address);
  const where = place
    ? `in ${place.vnet.name}/${place.subnet.name} (${formatPrefix(place.subnet.prefix)})`
    : insideOf
      ? `inside of gateway ${insideOf.name}; its route to the gateway is its own`
      : 'on the Internet';
  return {
    way: 'there',
    kind: 'source',
    ok: true,
    text: `${own} ${where}`,
    details: {
      host: host?.name ?? null,
      address: formatIpv4(address),
      vnet: place?.vnet.name ?? null,
      subnet: place?.subnet.name ?? null,
      subnetPrefix: place ? formatPrefix(place.subnet.prefix) : null,
    },
  };
}

function nameStep(
  { network, client, target, dnsServers }: PreparedExplanation,
  answer: NameAnswer | undefined,
): Step {
  const server = dnsServers?.map(address => {
    if (address === AZURE_DNS) return `Azure DNS (${formatIpv4(address)})`;
    const firewall = network.firewalls.find(({ policy }) => policy.privateAddress === address);
    return firewall ? `firewall ${firewall.name} (${formatIpv4(address)})` : formatIpv4(address);
  });
  const asks =
    server === undefined
      ? 'the name server of the client is its own'
      : `asks ${server.join(' or ')}, ${client.place?.vnet.dnsServers.length ? `the DNS of ${client.place.vnet.name}` : 'as its VNet names no other'}`;
  const answered = !answer
    ? 'nobody said which address it has (--resolve NAME=ADDRESS), so it stands at one that nobody has'
    : answer.fault !== undefined
      ? `${answer.by}: ${answer.fault}`
      : `${answer.by} ${answer.addresses.map(formatIpv4).join(', ')}`;
  return {
    way: 'there',
    kind: 'name',
    ok: !answer || answer.addresses.length > 0,
    text: `${target.name}: ${asks}; ${answered}`,
    details: {
      name: target.name,
      servers: dnsServers?.map(formatIpv4) ?? null,
      addresses: answer?.addresses.map(formatIpv4) ?? [],
      fault: answer?.fault ?? null,
    },
  };
}
