// The documents as the oracle walks through them: which rules there are and in which order, and which settings count. Read
// anew for every question. Pure.

import type { ArmDocument } from '#arm/arm-document.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import {
  actionOf,
  additional,
  byPriority,
  idIn,
  inner,
  isType,
  isWithinAny,
  type Json,
  list,
  texts,
  words,
} from './oracle-text.ts';
import { FQDN_TAGS } from './world.ts';

export interface Question {
  readonly subject: ArmDocument;
  readonly documents: readonly ArmDocument[];
  readonly options: PolicyOptions;
}

export interface Rule {
  readonly ref: string;
  readonly action: string;
  readonly json: Json;
}

/** What Microsoft calls `IANAPrivateRanges`. */
export const IANA = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

export class WrittenPolicy {
  readonly #documents: readonly ArmDocument[];
  readonly options: PolicyOptions;
  /** The firewall, where the question is about one. */
  readonly #firewall: ArmDocument | undefined;
  /** Parent first; empty for classic rules. */
  readonly #policies: readonly ArmDocument[];

  constructor({ subject, documents, options }: Question) {
    this.#documents = documents;
    this.options = options;
    this.#firewall = isType(subject, 'azureFirewalls') ? subject : undefined;
    const attached = idIn(this.#firewall?.properties.firewallPolicy);
    const policy = this.#firewall ? attached && this.#find(attached) : subject;
    const chain: ArmDocument[] = [];
    for (let next = policy; next; next = this.#find(idIn(next.properties.basePolicy) ?? ''))
      chain.unshift(next);
    this.#policies = chain;
  }

  rules(kind: 'nat' | 'network' | 'application'): Rule[] {
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
      if (kind === 'nat' && isParent && !this.options.inheritNatRules) return;
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

  threatSettings() {
    return this.#policies.length === 0 ? [classicThreats(this.#firewall)] : this.#policies.map(policyThreats);
  }

  /** A child's own DNS settings count; it inherits none. */
  dnsProxy(): boolean {
    const policy = this.#policies.at(-1);
    if (policy) return (policy.properties.dnsSettings as Json | undefined)?.enableProxy === true;
    return String(additional(this.#firewall)['Network.DNS.EnableProxy']).toLowerCase() === 'true';
  }

  /** A child's own count; `additionalProperties` are for classic rules only. */
  privateRanges(): string[] {
    const policy = this.#policies.at(-1);
    const own = policy
      ? texts((policy.properties.snat as Json | undefined)?.privateRanges)
      : words(additional(this.#firewall)['Network.SNAT.PrivateRanges']);
    const ranges = own.length === 0 ? ['IANAPrivateRanges'] : own;
    return ranges.flatMap(text => (text.toLowerCase() === 'ianaprivateranges' ? IANA : [text]));
  }

  ownAddresses(): { readonly privateIp: string; readonly all: readonly string[] } {
    const configurations = list(this.#firewall?.properties.ipConfigurations).map(inner);
    const privateIp = String(configurations[0]?.privateIPAddress ?? '');
    const publicIps = configurations.map(({ publicIPAddress }) =>
      String(this.#find(idIn(publicIPAddress) ?? '')?.properties.ipAddress ?? ''),
    );
    return { privateIp, all: [privateIp, ...publicIps].filter(text => text !== '') };
  }

  namedServices(): { readonly protocol: string; readonly port: unknown }[] {
    return this.rules('application')
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

  isInGroup(id: string, address: string): boolean {
    return isWithinAny(address, texts(this.#find(id)?.properties.ipAddresses));
  }

  #find(id: string): ArmDocument | undefined {
    return this.#documents.find(document => document.id.toLowerCase() === id.toLowerCase());
  }
}

export function servicesOf(tag: string) {
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
