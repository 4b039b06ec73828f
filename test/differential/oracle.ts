// The second opinion: what Azure's documents mean, read straight from the ARM JSON as texts, rule by rule, slowly. It shares
// no code with the model, the compiler or `decide`, looks nothing up in an index and merges nothing, so that a fault there
// cannot be a fault here too. Documents are taken to be valid. Order of judgement: threat intelligence, then all DNAT rules,
// all network rules, all application rules, infrastructure rules; within a type parent before child, groups, collections and
// rules in their order (https://learn.microsoft.com/azure/firewall/rule-processing).

import type { ArmDocument } from '#arm/arm-document.ts';
import type { Flow } from '#ir/decision.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import { addressesOfName, FQDN_TAGS, NAMES, SERVICE_TAGS, THREAT_ADDRESSES, THREAT_NAMES } from './world.ts';

type Json = Readonly<Record<string, unknown>>;

export interface Question {
  readonly subject: ArmDocument;
  readonly documents: readonly ArmDocument[];
  readonly options: PolicyOptions;
}

interface Rule {
  readonly ref: string;
  readonly action: string;
  readonly json: Json;
}

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
const IANA = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

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
  readonly #documents: readonly ArmDocument[];
  readonly #options: PolicyOptions;
  /** The firewall, where the question is about one. */
  readonly #firewall: ArmDocument | undefined;
  /** Parent first; empty for classic rules. */
  readonly #policies: readonly ArmDocument[];

  constructor({ subject, documents, options }: Question) {
    this.#documents = documents;
    this.#options = options;
    this.#firewall = isType(subject, 'azureFirewalls') ? subject : undefined;
    const attached = idIn(this.#firewall?.properties.firewallPolicy);
    const policy = this.#firewall ? attached && this.#find(attached) : subject;
    const chain: ArmDocument[] = [];
    for (let next = policy; next; next = this.#find(idIn(next.properties.basePolicy) ?? ''))
      chain.unshift(next);
    this.#policies = chain;
  }

  judge(packet: Packet): string {
    const own = this.#ownAddresses();
    if (own.all.includes(packet.source)) return 'Deny - ForbiddenAddress';
    if (packet.from === 'inside' && isWithinAny(packet.source, NEVER)) return 'Deny - ForbiddenAddress';
    if (this.#isThreat(packet)) return 'Deny - ThreatIntel';
    for (const rule of this.#rules('nat')) if (this.#natMatches(rule, packet)) return this.#translation(rule);
    if (packet.from === 'outside') return 'Deny - NoNatRule';
    const asksDns = packet.port === 53 && (packet.protocol === 'TCP' || packet.protocol === 'UDP');
    if (this.#dnsProxy() && asksDns && packet.destination === own.privateIp) return 'Allow local';
    if (own.all.includes(packet.destination)) return 'Deny - ForbiddenAddress';
    if (isWithinAny(packet.destination, NEVER)) return 'Deny - ForbiddenAddress';
    for (const rule of this.#rules('network')) {
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
    for (const rule of this.#rules('application')) {
      if (!this.#applicationMatches(rule, packet, protocol, fqdn)) continue;
      return rule.action === 'Deny' ? `Deny ${rule.ref} RuleMatched` : `Allow proxy ${rule.ref}`;
    }
    const built =
      (protocol === 'Http' && packet.port === 80) || (protocol === 'Https' && packet.port === 443);
    if (built && this.#options.infrastructureFqdns.some(text => nameFits(text, fqdn)))
      return 'Allow proxy InfrastructureRuleCollection';
    return 'Deny - DefaultAction';
  }

  // Which rules there are, in order.

  #rules(kind: 'nat' | 'network' | 'application'): Rule[] {
    const found: Rule[] = [];
    if (this.#policies.length === 0) {
      for (const collection of byPriority(
        list(this.#firewall?.properties[`${kind}RuleCollections`]).map(inner),
      ))
        for (const rule of list(collection.rules))
          found.push({
            ref: `//${collection.name}/${rule.name}`,
            action: actionOf(collection),
            json: rule,
          });
      return found;
    }
    this.#policies.forEach((policy, generation) => {
      const isParent = generation < this.#policies.length - 1;
      if (kind === 'nat' && isParent && !this.#options.inheritNatRules) return;
      for (const group of byPriority(this.#groupsOf(policy)))
        for (const collection of byPriority(list(group.ruleCollections)))
          for (const rule of list(collection.rules)) {
            const types = { nat: 'NatRule', network: 'NetworkRule', application: 'ApplicationRule' };
            if (rule.ruleType !== types[kind]) continue;
            found.push({
              ref: `${policy.name}/${group.name}/${collection.name}/${rule.name}`,
              action: actionOf(collection),
              json: rule,
            });
          }
    });
    return found;
  }

  #groupsOf(policy: ArmDocument): Json[] {
    const prefix = `${policy.id}/ruleCollectionGroups/`.toLowerCase();
    return this.#documents
      .filter(({ id }) => id.toLowerCase().startsWith(prefix))
      .map(({ name, properties }) => ({ ...properties, name }));
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
    if (texts(json.destinationIpGroups).some(id => this.#isInGroup(id, packet.destination)))
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
      texts(json.sourceIpGroups).some(id => this.#isInGroup(id, source))
    );
  }

  #isDestination(text: string, address: string): boolean {
    const tag = Object.keys(SERVICE_TAGS).find(name => name.toLowerCase() === text.toLowerCase());
    return tag === undefined ? isWithin(address, text) : isWithinAny(address, SERVICE_TAGS[tag] ?? []);
  }

  #isInGroup(id: string, address: string): boolean {
    return isWithinAny(address, texts(this.#find(id)?.properties.ipAddresses));
  }

  // Settings.

  /** Of a child the stricter of both modes counts, and both allow lists. */
  #isThreat({ from, source, destination }: Packet): boolean {
    const settings = this.#threatSettings();
    if (!settings.some(({ mode }) => mode === 'Deny')) return false;
    const allowedAddresses = settings.flatMap(({ addresses }) => addresses);
    const far = from === 'inside' ? destination : source;
    return isWithinAny(far, THREAT_ADDRESSES) && !isWithinAny(far, allowedAddresses);
  }

  /** Names are read, and so held against the feed, only where the L7 engine has the connection. */
  #isThreatName({ claim }: Packet): boolean {
    const settings = this.#threatSettings();
    const fqdn = claim?.fqdn;
    if (fqdn === undefined || !settings.some(({ mode }) => mode === 'Deny')) return false;
    const isAllowed = settings.some(({ fqdns }) => fqdns.some(text => nameFits(text, fqdn)));
    return !isAllowed && THREAT_NAMES.some(name => name === fqdn);
  }

  #threatSettings() {
    return this.#policies.length === 0 ? [classicThreats(this.#firewall)] : this.#policies.map(policyThreats);
  }

  /** A child's own DNS settings count; it inherits none. */
  #dnsProxy(): boolean {
    const policy = this.#policies.at(-1);
    if (policy) return (policy.properties.dnsSettings as Json | undefined)?.enableProxy === true;
    return String(additional(this.#firewall)['Network.DNS.EnableProxy']).toLowerCase() === 'true';
  }

  #snat(destination: string): 'None' | 'PrivateIp' | 'PublicIp' {
    if (isWithinAny(destination, this.#privateRanges())) return 'None';
    return isWithinAny(destination, IANA) ? 'PrivateIp' : 'PublicIp';
  }

  /** A child's own count; `additionalProperties` are for classic rules only. */
  #privateRanges(): string[] {
    const policy = this.#policies.at(-1);
    const own = policy
      ? texts((policy.properties.snat as Json | undefined)?.privateRanges)
      : words(additional(this.#firewall)['Network.SNAT.PrivateRanges']);
    const ranges = own.length === 0 ? ['IANAPrivateRanges'] : own;
    return ranges.flatMap(text => (text.toLowerCase() === 'ianaprivateranges' ? IANA : [text]));
  }

  /** The target always sees the firewall; behind a name is an address that nobody here knows. */
  #translation({ ref, json }: Rule): string {
    const port = json.translatedPort;
    if (typeof json.translatedFqdn === 'string')
      return `Allow nat ${ref} to ${json.translatedFqdn.toLowerCase()}:${port}`;
    const target = String(json.translatedAddress);
    const isPrivate = isWithinAny(target, [...this.#privateRanges(), ...IANA]);
    return `Allow nat ${ref} to ${target}:${port} snat ${isPrivate ? 'PrivateIp' : 'PublicIp'}`;
  }

  #ownAddresses(): { readonly privateIp: string; readonly all: readonly string[] } {
    const configurations = list(this.#firewall?.properties.ipConfigurations).map(inner);
    const privateIp = String(configurations[0]?.privateIPAddress ?? '');
    const publicIps = configurations.map(({ publicIPAddress }) =>
      String(this.#find(idIn(publicIPAddress) ?? '')?.properties.ipAddress ?? ''),
    );
    return { privateIp, all: [privateIp, ...publicIps].filter(text => text !== '') };
  }

  /** 80, 443, 1433 and whatever port an application rule or one of its tags names. */
  #isApplicationPort(port: number): boolean {
    return [80, 443, 1433].includes(port) || this.#namedServices().some(service => service.port === port);
  }

  #namedServices(): { readonly protocol: string; readonly port: unknown }[] {
    return this.#rules('application')
      .filter(({ json }) => this.#hasSources(json))
      .flatMap(({ json }) => {
        const written = list(json.protocols).map(item => ({
          protocol: String(item.protocolType).toLowerCase(),
          port: item.port ?? { http: 80, https: 443, mssql: 1433 }[String(item.protocolType).toLowerCase()],
        }));
        if (written.length > 0) return written;
        return texts(json.fqdnTags)
          .flatMap(servicesOf)
          .map(service => ({ protocol: service.protocol.toLowerCase(), port: service.port }));
      });
  }

  /** A rule all of whose groups are empty is skipped as if it were not there. */
  #hasSources(json: Json): boolean {
    return (
      texts(json.sourceAddresses).length > 0 ||
      texts(json.sourceIpGroups).some(id => texts(this.#find(id)?.properties.ipAddresses).length > 0)
    );
  }

  /** Stricter than Azure, where the owner wants it: TLS that only a name in a network rule allows. */
  #mustSayName({ protocol, port }: Packet): boolean {
    if (!this.#options.bindNetworkFqdns || protocol !== 'TCP') return false;
    return (
      port === 443 ||
      this.#namedServices().some(service => service.protocol === 'https' && service.port === port)
    );
  }

  #find(id: string): ArmDocument | undefined {
    return this.#documents.find(document => document.id.toLowerCase() === id.toLowerCase());
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

function servicesOf(tag: string) {
  return Object.entries(FQDN_TAGS).find(([name]) => name.toLowerCase() === tag.toLowerCase())?.[1] ?? [];
}

function classicThreats(firewall: ArmDocument | undefined) {
  const more = additional(firewall);
  return {
    mode: firewall?.properties.threatIntelMode ?? 'Alert',
    addresses: words(more['ThreatIntel.Whitelist.IpAddresses']),
    fqdns: words(more['ThreatIntel.Whitelist.FQDNs']),
  };
}

function policyThreats({ properties }: ArmDocument) {
  const allowed = (properties.threatIntelWhitelist ?? {}) as Json;
  return {
    mode: properties.threatIntelMode ?? 'Alert',
    addresses: texts(allowed.ipAddresses),
    fqdns: texts(allowed.fqdns),
  };
}

// Fields, as text.

function isWithinAny(address: string, written: readonly string[]): boolean {
  return written.some(text => isWithin(address, text));
}

function isWithin(address: string, text: string): boolean {
  if (text === '*') return true;
  const [base = '', length] = text.split('/');
  if (length !== undefined)
    return bits(address).slice(0, Number(length)) === bits(base).slice(0, Number(length));
  const [first = '', last = first] = text.split('-');
  // Strings of equal length compare as the numbers they write.
  return bits(first) <= bits(address) && bits(address) <= bits(last);
}

const written = new Map<string, string>();

/** 32 characters, `0` and `1`. */
function bits(address: string): string {
  let text = written.get(address);
  if (text === undefined) {
    text = address
      .split('.')
      .map(octet => Number(octet).toString(2).padStart(8, '0'))
      .join('');
    if (written.size > 100_000) written.clear();
    written.set(address, text);
  }
  return text;
}

function isPort(port: number, text: string): boolean {
  if (text === '*') return true;
  const [first, last = first] = text.split('-').map(Number);
  return first !== undefined && last !== undefined && first <= port && port <= last;
}

/** `*` stands at the left end only and for anything, dots too; before a dot for at least one character. */
function nameFits(text: string, name: string): boolean {
  const pattern = text.toLowerCase();
  if (!pattern.startsWith('*')) return pattern === name;
  const rest = pattern.slice(1);
  if (!name.endsWith(rest)) return false;
  return rest.startsWith('.') ? name.length > rest.length : true;
}

function protocolName(protocol: Flow['protocol']): string {
  return { 1: 'ICMP', 6: 'TCP', 17: 'UDP' }[Number(protocol)] ?? String(protocol);
}

// Shapes of JSON.

function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}

function words(value: unknown): string[] {
  return typeof value === 'string' ? value.split(/[ ,]+/).filter(word => word !== '') : [];
}

/** Classic children keep what they are under `properties`. */
function inner(item: Json): Json {
  return { ...item, ...(item.properties as Json | undefined) };
}

function byPriority(items: readonly Json[]): Json[] {
  return [...items].sort(
    (a, b) => Number(a.priority) - Number(b.priority) || (String(a.name) < String(b.name) ? -1 : 1),
  );
}

function actionOf(collection: Json): string {
  return String((collection.action as Json | undefined)?.type);
}

function additional(firewall: ArmDocument | undefined): Json {
  return (firewall?.properties.additionalProperties ?? {}) as Json;
}

function idIn(value: unknown): string | undefined {
  const id = (value as Json | undefined)?.id;
  return typeof id === 'string' ? id : undefined;
}

function isType(document: ArmDocument, type: string): boolean {
  return document.type.toLowerCase() === `microsoft.network/${type}`.toLowerCase();
}
