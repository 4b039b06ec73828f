// What people call the sets of addresses in their rules: IP groups, and the service tags that the rules name.

import { FIREWALL_TYPE } from '#model/firewall.ts';
import { IP_GROUP_TYPE, rangesOfIpGroup } from '#model/ip-group.ts';
import { RULE_COLLECTION_GROUP_TYPE } from '#model/rule-collection-group.ts';
import { type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import type { PolicyInput } from './policy-input.ts';
import { writtenDestinations } from './written-destinations.ts';

const RULE_TYPES = [FIREWALL_TYPE, RULE_COLLECTION_GROUP_TYPE] as const;

export function namedSets({
  documents,
  facts,
}: Pick<PolicyInput, 'documents' | 'facts'>): (readonly [string, readonly Ipv4Range[]])[] {
  const tags = new Set<string>();
  for (const type of RULE_TYPES)
    for (const { properties } of documents.ofType(type))
      for (const written of writtenDestinations(properties)) {
        const name = facts.serviceTagName(written);
        if (name !== undefined) tags.add(name);
      }
  return [
    ...[...tags].map(name => [name, facts.serviceTag(name) ?? []] as const),
    ...documents
      .ofType(IP_GROUP_TYPE)
      .map(group => [`IP group ${group.name}`, mergeRanges(rangesOfIpGroup(group))] as const),
  ];
}
