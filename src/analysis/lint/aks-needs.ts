// Which of the documented needs of AKS a cluster has, by its cloud, region and features, and how each is asked of a policy.

import {
  AKS_REGION,
  type AksCloud,
  type AksNeed,
  type AksOutbound,
  API_SERVER,
  DNS_SERVER,
} from '#facts/aks-outbound.ts';
import { locationOf } from '#facts/regions.ts';
import type { AddressSet, ResolvedPolicy } from '#ir/policy.ts';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { mergeRanges } from '#net/ipv4.ts';
import { complementOf } from '../diff/ranges.ts';
import { INTERNET, shareOfInternet } from './internet.ts';
import type { ReachQuery } from './reach.ts';

export interface AksCluster {
  readonly cloud: AksCloud;
  /** Such as `westeurope`. */
  readonly location: string;
  /** Beyond `core`. */
  readonly features: readonly string[];
  /** Of the nodes; absent: the sources that get most of what a cluster needs. */
  readonly from?: AddressSet;
  readonly apiServer?: number;
  readonly dnsServer?: number;
  readonly privateCluster: boolean;
}

/** One need, or several of which one is enough. */
export interface NeedGroup {
  readonly features: readonly string[];
  /** As written in the table, filled in. */
  readonly needs: readonly AksNeed[];
}

const ALWAYS = ['core', 'recommended-os-updates'];

export function needsOf({ clouds }: AksOutbound, cluster: AksCluster): NeedGroup[] {
  const region = locationOf(cluster.location.toLowerCase());
  const wanted = new Set([...ALWAYS, ...cluster.features]);
  const groups = new Map<string, { readonly features: string[]; readonly needs: AksNeed[] }>();
  for (const need of clouds[cluster.cloud]) {
    if (!wanted.has(need.feature)) continue;
    if (cluster.privateCluster && need.notFor?.includes('private-cluster')) continue;
    const filled = { ...need, destination: need.destination.replace(AKS_REGION, region) };
    const key = need.oneOf ?? `${filled.destination} ${filled.protocol} ${filled.port}`;
    const group = groups.get(key) ?? { features: [], needs: [] };
    groups.set(key, group);
    if (!group.features.includes(need.feature)) group.features.push(need.feature);
    const known = group.needs.some(other => other.destination === filled.destination);
    if (!known) group.needs.push(filled);
  }
  return [...groups.values()];
}

/** Undefined where the destination is not known. */
export function queryOf(
  need: AksNeed,
  cluster: AksCluster,
  {
    serviceTag,
    unnamed,
  }: { readonly serviceTag: (name: string) => AddressSet | undefined; readonly unnamed: AddressSet },
): ReachQuery | undefined {
  const { protocol, port, kind, destination } = need;
  const ports = [{ first: port, last: port }];
  const one = (address: number | undefined): AddressSet | undefined =>
    address === undefined ? undefined : [{ first: address, last: address }];
  if (kind === 'fqdn') {
    const pattern = parseFqdnPattern(destination);
    if (!pattern) throw new Error(`'${destination}' is no name`);
    const named = pattern.kind === 'exact' ? { name: pattern.name } : {};
    if (protocol === 'TCP' || protocol === 'UDP')
      return { services: [{ protocol, ports }], destinations: unnamed, ...named };
    return {
      services: [{ protocol: 'TCP', ports, claim: protocol }],
      destinations: unnamed,
      ...named,
      targets: [{ pattern, tag: '' }],
    };
  }
  const destinations =
    kind === 'serviceTag'
      ? serviceTag(destination)
      : destination === API_SERVER
        ? one(cluster.apiServer)
        : destination === DNS_SERVER
          ? one(cluster.dnsServer)
          : INTERNET;
  if (!destinations || (protocol !== 'TCP' && protocol !== 'UDP')) return undefined;
  return { services: [{ protocol, ports }], destinations };
}

/**
 * A public address that no rule speaks of but those for most of the Internet: nobody says which addresses names have, so it
 * stands for them.
 */
export function unnamedAddress(policy: ResolvedPolicy): AddressSet {
  const spoken = [
    ...policy.networkRules.flatMap(({ destinations }) => destinations),
    ...policy.applicationRules.flatMap(({ destinations }) => (destinations ? [destinations] : [])),
  ].filter(set => shareOfInternet([set]) < 0.25);
  const own = [policy.privateAddress, ...policy.publicIps.map(({ address }) => address)];
  const taken = mergeRanges([
    ...spoken.flatMap(set => [...set]),
    ...own.map(address => ({ first: address, last: address })),
    ...complementOf(INTERNET),
  ]);
  const [free] = [...complementOf(taken), ...INTERNET];
  return free ? [{ first: free.first, last: free.first }] : [];
}
