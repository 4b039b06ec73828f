// The documents around a policy, and what its rules ask about them: which tags, IP groups and public IPs there are.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { Faults, JsonReader } from '#arm/json-reader.ts';
import type { Facts } from '#facts/facts.ts';
import type { PublicIp } from '#ir/policy.ts';
import { IP_GROUP_TYPE, rangesOfIpGroup, readIpGroup } from '#model/ip-group.ts';
import { limitsOf } from '#model/limits.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { addressOfPublicIp, PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import type { GroupLookup } from '#model/rule-collection-group.ts';
import type { Ipv4Range } from '#net/ipv4.ts';
import { type Finding, inResource } from './finding.ts';

/** What tags stand for; `Facts` fits. */
export type TagFacts = Pick<Facts, 'serviceTag' | 'serviceTagName' | 'fqdnTag' | 'fqdnTagName'>;

export interface ResolveContext {
  readonly facts: TagFacts;
  readonly options: PolicyOptions;
  /**
   * Whether a public IP that a firewall names and no document describes is a warning. For who asks about rules alone: what is
   * to be enforced needs its address.
   */
  readonly publicIpsMayBeMissing?: boolean;
}

/** The documents, and what rules ask about them. */
export class World {
  readonly documents: Documents;
  readonly facts: TagFacts;
  readonly options: PolicyOptions;
  readonly publicIpsMayBeMissing: boolean;
  readonly ruleLookup: GroupLookup;

  constructor(documents: Documents, { facts, options, publicIpsMayBeMissing = false }: ResolveContext) {
    this.publicIpsMayBeMissing = publicIpsMayBeMissing;
    this.documents = documents;
    this.facts = facts;
    this.options = options;
    this.ruleLookup = {
      serviceTagName: name => facts.serviceTagName(name),
      fqdnTagName: name => facts.fqdnTagName(name),
      hasIpGroup: id => this.typed(id, IP_GROUP_TYPE) !== undefined,
      azureLimits: options.azureLimits,
    };
  }

  typed(id: string, type: string): ArmDocument | undefined {
    const document = this.documents.get(id);
    return document?.type.toLowerCase() === type.toLowerCase() ? document : undefined;
  }

  publicIp(id: string): PublicIp | undefined {
    const document = this.typed(id, PUBLIC_IP_TYPE);
    const address = document && addressOfPublicIp(document);
    return document && address !== undefined ? { name: document.name, address } : undefined;
  }

  ipGroup(id: string): Ipv4Range[] | undefined {
    const group = this.typed(id, IP_GROUP_TYPE);
    return group && rangesOfIpGroup(group);
  }

  /** Entries that are no addresses must not be left out in silence. */
  faultsOfIpGroups(ids: ReadonlySet<string>): Finding[] {
    const limits = limitsOf(this.options);
    return [...ids].flatMap(id => {
      const document = this.typed(id, IP_GROUP_TYPE);
      if (!document) return [];
      const faults = new Faults();
      readIpGroup(new JsonReader(document.properties, 'properties', faults), limits);
      return inResource(document.id, faults.list).map(fault => ({
        ...fault,
        message: `IP group '${document.name}': ${fault.message}`,
      }));
    });
  }
}
