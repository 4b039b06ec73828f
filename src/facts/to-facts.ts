// What the world outside says: which addresses a service tag stands for, which names an FQDN tag. Pure: the tables in, the
// answers out. Tables are split into lines at start and parsed a tag at a
// time, so that a command that needs two tags does not pay for three thousand.

import type { Ipv4Range } from '#net/ipv4.ts';
import { expandFqdnTag, type FqdnTagEntry, type FqdnTagTable } from './fqdn-tag-table.ts';
import { locationOf, otherSpelling } from './regions.ts';
import { ipv4RangesOf, type ServiceTag, type ServiceTagTable } from './service-tag-table.ts';

export type { FqdnTagEntry } from './fqdn-tag-table.ts';

/** One element of `az network list-service-tags`. */
export interface ServiceTagInformation {
  readonly id: string;
  readonly name: string;
  readonly serviceTagChangeNumber: string;
  readonly properties: {
    readonly addressPrefixes: readonly string[];
    readonly changeNumber: string;
    readonly region: string;
    readonly state: string;
    readonly systemService: string;
  };
}

export interface ServiceTagsListResult {
  readonly name: string;
  readonly id: string;
  readonly type: 'Microsoft.Network/serviceTags';
  readonly changeNumber: string;
  readonly cloud: string;
  readonly values: readonly ServiceTagInformation[];
}

/** Names are matched without regard to case throughout. */
export interface Facts {
  /** In words: where the tables come from and of which day they are. */
  readonly serviceTagOrigin: string;
  readonly fqdnTagOrigin: string;
  /** IPv4 addresses of the tag, merged; undefined if there is no such tag. */
  serviceTag(name: string): readonly Ipv4Range[] | undefined;
  /** The tag's published spelling; undefined if there is no such tag. */
  serviceTagName(name: string): string | undefined;
  serviceTagNames(): readonly string[];
  /** All of a tag as published, IPv6 included. */
  serviceTagDetails(name: string): ServiceTag | undefined;
  /**
   * All tags in ARM's shape. Azure takes the location as a reference for the version only and answers with every
   * region, so it does the same here.
   */
  serviceTagList(location: string, subscriptionId?: string): ServiceTagsListResult;
  /** Names of the tag; an empty list for a tag whose content nobody published. */
  fqdnTag(name: string): readonly FqdnTagEntry[] | undefined;
  fqdnTagName(name: string): string | undefined;
  fqdnTagNames(): readonly string[];
  /** How complete the tag's list is, in words. */
  fqdnTagNote(name: string): string | undefined;
}

export function toFacts(serviceTags: ServiceTagTable, fqdnTags: FqdnTagTable): Facts {
  const nameOf = (name: string): string | undefined => {
    const other = otherSpelling(name);
    return serviceTags.nameOf(name) ?? (other === undefined ? undefined : serviceTags.nameOf(other));
  };
  const find = (name: string): ServiceTag | undefined => {
    const known = nameOf(name);
    return known === undefined ? undefined : serviceTags.find(known);
  };
  // Both caches hold at most one entry a tag of the table.
  const addresses = new Map<string, readonly Ipv4Range[]>();
  const entries = new Map<string, readonly FqdnTagEntry[]>();
  let regions: readonly string[] | undefined;
  const { header } = serviceTags;
  return {
    serviceTagOrigin: `${header.origin}, change ${header.changeNumber}, ${header.date}`,
    fqdnTagOrigin: `${fqdnTags.origin}, ${fqdnTags.date}`,
    serviceTag(name) {
      const known = nameOf(name);
      return known === undefined
        ? undefined
        : remember(addresses, known, () => ipv4RangesOf(serviceTags.find(known) as ServiceTag));
    },
    serviceTagName: nameOf,
    serviceTagNames: () => serviceTags.names,
    serviceTagDetails: find,
    serviceTagList: (_location, subscriptionId) => toListResult(serviceTags, subscriptionId),
    fqdnTag(name) {
      const lines = fqdnTags.find(name);
      regions ??= regionsOf(serviceTags.names);
      return lines && remember(entries, name.toLowerCase(), () => expandFqdnTag(lines, regions ?? []));
    },
    fqdnTagName: name => fqdnTags.find(name)?.[0]?.tag,
    fqdnTagNames: () => fqdnTags.names,
    fqdnTagNote: name => fqdnTags.find(name)?.[0]?.note,
  };
}

function remember<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make();
  cache.set(key, made);
  return made;
}

/** Every location that has public addresses. */
function regionsOf(tagNames: readonly string[]): string[] {
  const cloud = 'azurecloud.';
  return tagNames
    .map(name => name.toLowerCase())
    .filter(name => name.startsWith(cloud))
    .map(name => locationOf(name.slice(cloud.length)));
}

function toListResult(table: ServiceTagTable, subscriptionId: string | undefined): ServiceTagsListResult {
  const { cloud, changeNumber } = table.header;
  const scope = subscriptionId === undefined ? '' : `/subscriptions/${subscriptionId}`;
  return {
    name: cloud,
    id: `${scope}/providers/Microsoft.Network/serviceTags/${cloud}`,
    type: 'Microsoft.Network/serviceTags',
    changeNumber: String(changeNumber),
    cloud,
    values: table.names.map(name => {
      const tag = table.find(name) as ServiceTag;
      return {
        id: tag.name,
        name: tag.name,
        serviceTagChangeNumber: String(tag.changeNumber),
        properties: {
          addressPrefixes: tag.prefixes,
          changeNumber: String(tag.changeNumber),
          region: tag.region,
          state: 'GA',
          systemService: tag.systemService,
        },
      };
    }),
  };
}
