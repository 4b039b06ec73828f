// The second opinion: what Azure's documents mean, read straight from the ARM JSON as texts, rule by rule, slowly. It shares
// no code with the model, the compiler or `decide`, looks nothing up in an index and merges nothing, so that a fault there
// cannot be a fault here too. Documents are taken to be valid. Order of judgement: threat intelligence, then all DNAT rules,
// all network rules, all application rules, infrastructure rules; within a type parent before child, groups, collections and
// rules in their order (https://learn.microsoft.com/azure/firewall/rule-processing).

import type { Flow } from '#ir/decision.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import { IANA, type Question, type Rule, servicesOf, WrittenPolicy } from './oracle-documents.ts';
import {
  isPort,
  isWithin,
  isWithinAny,
  type Json,
  list,
  nameFits,
  protocolName,
  texts,
} from './oracle-text.ts';
import { addressesOfName, NAMES, SERVICE_TAGS, THREAT_ADDRESSES, THREAT_NAMES } from './world.ts';

export type { Question } from './oracle-documents.ts';

/** What the oracle asks of a flow: addresses as text, protocols by name. */
interface Packet {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly from: 'inside' | 'outside';
  readonly claim?: Flow['claim'];
}

const NEVER = ['0.0.0.0/8', '127.0.0.0/8', '168.63.129.16', '169.254.0.0/16', '224.0.0.0/3'];

/** The verdict as text; see verdict.ts for the words. */
export function judge(question: Question, flow: Flow): string {
  return new Oracle(question).judge({
    protocol: protocolName(flow.protocol),
    source: formatIpv4(flow.source),
    destination: formatIpv4(flow.destination),
    port: flow.destinationPort,
    from: flow.from,
    ...(flow.claim && { claim: flow.claim }),
  });
}

class Oracle {
  readonly #written: WrittenPolicy;

  constructor(question: Question) {
    this.#written = new WrittenPolicy(question);
  }

  judge(packet: Packet): string {
    const own = this.#written.ownAddresses();
    if (own.all.includes(packet.source)) return 'Deny - ForbiddenAddress';
    if (packet.from === 'inside' && isWithinAny(packet.source, NEVER)) return 'Deny - ForbiddenAddress';
    if (this.#isThreat(packet)) return 'Deny - ThreatIntel';
    for (const rule of this.#written.rules('nat'))
      if (this.#natMatches(rule, packet)) return this.#translation(rule);
    if (packet.from === 'outside') return 'Deny - NoNatRule';
    const asksDns = packet.port === 53 && (packet.protocol === 'TCP' || packet.protocol === 'UDP');
    if (this.#written.dnsProxy() && asksDns && packet.destination === own.privateIp) return 'Allow local';
    if (own.all.includes(packet.destination)) return 'Deny - ForbiddenAddress';
    if (isWithinAny(packet.destination, NEVER)) return 'Deny - ForbiddenAddress';
    for (const rule of this.#written.rules('network')) {
      const how = this.#networkMatches(rule, packet);
      if (how === 'no') continue;
      if (rule.action === 'Deny') return `Deny ${rule.ref} RuleMatched`;
      if (how === 'by name' && this.#mustSayName(packet))
        return this.#isThreatName(packet) ? 'Deny - ThreatIntel' : bound(rule, packet);
      const snat = this.#snat(packet.destination);
      if (snat === 'PublicIp' && packet.protocol !== 'TCP' && packet.protocol !== 'UDP')
        return `Deny ${rule.ref} ProtocolNotTranslated`;
      return `Allow forward ${rule.ref} snat ${snat}`;
    }
    if (packet.protocol !== 'TCP') return 'Deny - DefaultAction';
    if (!this.#isApplicationPort(packet.port)) return 'Deny - DefaultAction';
    if (!packet.claim) return 'Pending';
    if (this.#isThreatName(packet)) return 'Deny - ThreatIntel';
    return this.#judgeName(packet, packet.claim);
  }

  #judgeName(packet: Packet, { protocol, fqdn, port }: NonNullable<Packet['claim']>): string {
    if (fqdn === undefined) return `Deny - ${protocol === 'Http' ? 'HostMissing' : 'SniMissing'}`;
    if (port !== undefined && port !== packet.port) return 'Deny - HostPortMismatch';
    for (const rule of this.#written.rules('application')) {
      if (!this.#applicationMatches(rule, packet, protocol, fqdn)) continue;
      return rule.action === 'Deny' ? `Deny ${rule.ref} RuleMatched` : `Allow proxy ${rule.ref}`;
    }
    const built =
      (protocol === 'Http' && packet.port === 80) || (protocol === 'Https' && packet.port === 443);
    if (built && this.#written.options.infrastructureFqdns.some(text => nameFits(text, fqdn)))
      return 'Allow proxy InfrastructureRuleCollection';
    return 'Deny - DefaultAction';
  }

  // What a rule asks of a packet.

  #natMatches({ json }: Rule, packet: Packet): boolean {
    const protocols = texts(json.protocols ?? json.ipProtocols).map(text => text.toLowerCase());
    const target = typeof json.translatedFqdn === 'string' ? json.translatedFqdn : '';
    return (
      (packet.protocol === 'TCP' || packet.protocol === 'UDP') &&
      (protocols.includes(packet.protocol.toLowerCase()) || protocols.includes('any')) &&
      this.#isSource(json, packet.source) &&
      texts(json.destinationAddresses).some(text => isWithin(packet.destination, text)) &&
      texts(json.destinationPorts).some(text => isPort(packet.port, text)) &&
      (target === '' || addressesOfName(target.toLowerCase()).length > 0)
    );
  }

  #networkMatches({ json }: Rule, packet: Packet): 'no' | 'by address' | 'by name' {
    const protocols = texts(json.protocols ?? json.ipProtocols).map(text => text.toLowerCase());
    const ports = texts(json.destinationPorts);
    const onPort = ports.some(text => isPort(packet.port, text));
    const named = protocols.includes(packet.protocol.toLowerCase());
    const any = protocols.includes('any');
    let service: boolean;
    if (packet.protocol === 'TCP' || packet.protocol === 'UDP') service = (named || any) && onPort;
    // Any shrinks to TCP and UDP as soon as a port is given.
    else if (packet.protocol === 'ICMP') service = named || (any && ports.includes('*'));
    else service = any && ports.includes('*');
    if (!service || !this.#isSource(json, packet.source)) return 'no';
    const addresses = texts(json.destinationAddresses);
    if (addresses.some(text => this.#isDestination(text, packet.destination))) return 'by address';
    if (texts(json.destinationIpGroups).some(id => this.#written.isInGroup(id, packet.destination)))
      return 'by address';
    const isName = (text: string) => (NAMES[text.toLowerCase()] ?? []).includes(packet.destination);
    return texts(json.destinationFqdns).some(isName) ? 'by name' : 'no';
  }

  #applicationMatches({ json }: Rule, packet: Packet, protocol: string, fqdn: string): boolean {
    if (!this.#isSource(json, packet.source)) return false;
    const destinations = texts(json.destinationAddresses);
    if (destinations.length > 0 && !destinations.some(text => this.#isDestination(text, packet.destination)))
      return false;
    const written = list(json.protocols).map(item => ({
      protocol: String(item.protocolType).toLowerCase(),
      port: item.port ?? { http: 80, https: 443, mssql: 1433 }[String(item.protocolType).toLowerCase()],
    }));
    const spoken = written.some(
      item => item.protocol === protocol.toLowerCase() && item.port === packet.port,
    );
    if (spoken && texts(json.targetFqdns).some(text => nameFits(text, fqdn))) return true;
    return texts(json.fqdnTags).some(tag =>
      servicesOf(tag).some(
        service =>
          nameFits(service.name, fqdn) &&
          (written.length > 0 ? spoken : service.protocol === protocol && service.port === packet.port),
      ),
    );
  }

  #isSource(json: Json, source: string): boolean {
    return (
      texts(json.sourceAddresses).some(text => isWithin(source, text)) ||
      texts(json.sourceIpGroups).some(id => this.#written.isInGroup(id, source))
    );
  }

  #isDestination(text: string, address: string): boolean {
    const tag = Object.keys(SERVICE_TAGS).find(name => name.toLowerCase() === text.toLowerCase());
    return tag === undefined ? isWithin(address, text) : isWithinAny(address, SERVICE_TAGS[tag] ?? []);
  }

  /** Of a child the stricter of both modes counts, and both allow lists. */
  #isThreat({ from, source, destination }: Packet): boolean {
    const settings = this.#written.threatSettings();
    if (!settings.some(({ mode }) => mode === 'Deny')) return false;
    const allowedAddresses = settings.flatMap(({ addresses }) => addresses);
    const far = from === 'inside' ? destination : source;
    return isWithinAny(far, THREAT_ADDRESSES) && !isWithinAny(far, allowedAddresses);
  }

  /** Names are read, and so held against the feed, only where the L7 engine has the connection. */
  #isThreatName({ claim }: Packet): boolean {
    const settings = this.#written.threatSettings();
    const fqdn = claim?.fqdn;
    if (fqdn === undefined || !settings.some(({ mode }) => mode === 'Deny')) return false;
    const isAllowed = settings.some(({ fqdns }) => fqdns.some(text => nameFits(text, fqdn)));
    return !isAllowed && THREAT_NAMES.some(name => name === fqdn);
  }

  #snat(destination: string): 'None' | 'PrivateIp' | 'PublicIp' {
    if (isWithinAny(destination, this.#written.privateRanges())) return 'None';
    return isWithinAny(destination, IANA) ? 'PrivateIp' : 'PublicIp';
  }

  /** The target always sees the firewall; behind a name is an address that nobody here knows. */
  #translation({ ref, json }: Rule): string {
    const port = json.translatedPort;
    if (typeof json.translatedFqdn === 'string')
      return `Allow nat ${ref} to ${json.translatedFqdn.toLowerCase()}:${port}`;
    const target = String(json.translatedAddress);
    const isPrivate = isWithinAny(target, [...this.#written.privateRanges(), ...IANA]);
    return `Allow nat ${ref} to ${target}:${port} snat ${isPrivate ? 'PrivateIp' : 'PublicIp'}`;
  }

  /** 80, 443, 1433 and whatever port an application rule or one of its tags names. */
  #isApplicationPort(port: number): boolean {
    return (
      [80, 443, 1433].includes(port) || this.#written.namedServices().some(service => service.port === port)
    );
  }

  /** Stricter than Azure, where the owner wants it: TLS that only a name in a network rule allows. */
  #mustSayName({ protocol, port }: Packet): boolean {
    if (!this.#written.options.bindNetworkFqdns || protocol !== 'TCP') return false;
    return (
      port === 443 ||
      this.#written.namedServices().some(service => service.protocol === 'https' && service.port === port)
    );
  }
}

function bound({ ref, json }: Rule, { claim }: Packet): string {
  if (!claim) return 'Pending';
  const { fqdn } = claim;
  if (fqdn === undefined) return `Deny ${ref} SniMissing`;
  const names = texts(json.destinationFqdns).map(text => text.toLowerCase());
  if (claim.protocol !== 'Https' || !names.includes(fqdn)) return `Deny ${ref} SniMismatch`;
  return `Allow proxy ${ref}`;
}
