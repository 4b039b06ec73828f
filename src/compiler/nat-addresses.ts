// The addresses that a policy's NAT rules can stand at: those of the firewall that is looked at, and those of the other
// firewalls that run the policy, whose rules mean nothing here
// (https://learn.microsoft.com/azure/firewall/destination-nat-rules). A public IP that no firewall has is as good, since it
// may be that of a firewall of the policy that comes later. Pure.

import type { ArmDocument } from '#arm/arm-document.ts';
import { isObject } from '#arm/json-reader.ts';
import { sameId } from '#arm/resource-id.ts';
import type { NatRule, ResolvedPolicy } from '#ir/policy.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import { addressOfPublicIp, PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import { intersectRanges, mergeRanges, parseIpv4 } from '#net/ipv4.ts';
import type { World } from './resolve-world.ts';

export interface NatAddresses {
  /** Of the firewall itself. */
  readonly own: readonly number[];
  /** Where NAT rules of its policy may stand; undefined where not every firewall of the policy is known. */
  readonly legal: readonly number[] | undefined;
}

/** `own` are those of `firewall`, which has `policy` attached. */
export function natAddressesWith(
  own: readonly number[],
  firewall: ArmDocument,
  policy: ArmDocument,
  { documents }: World,
): NatAddresses {
  const others = documents.ofType(FIREWALL_TYPE).filter(({ id }) => !sameId(id, firewall.id));
  const running = others.filter(other => runsPolicy(other, policy.id, id => documents.get(id)));
  const known = [firewall, ...others];
  const isListed = listedFirewalls(policy).every(id => known.some(other => sameId(other.id, id)));
  if (!isListed) return { own, legal: undefined };
  const taken = others.filter(other => !running.includes(other)).flatMap(publicIpsOf);
  const free = documents
    .ofType(PUBLIC_IP_TYPE)
    .filter(({ id }) => !taken.some(other => sameId(other, id)))
    .flatMap(publicIp => addressOfPublicIp(publicIp) ?? []);
  return { own, legal: [...own, ...free, ...running.flatMap(other => privateAddressOf(other) ?? [])] };
}

export function privateAddressOf(firewall: ArmDocument): number | undefined {
  const [first] = ipConfigurationsOf(firewall);
  return parseIpv4(String(first?.privateIPAddress ?? ''));
}

/** Whether the policy is attached to the firewall, or a parent of the one that is. */
function runsPolicy(
  { properties }: ArmDocument,
  policyId: string,
  find: (id: string) => ArmDocument | undefined,
): boolean {
  const seen = new Set<string>();
  for (let id = idIn(properties.firewallPolicy); id !== undefined && !seen.has(id.toLowerCase()); ) {
    if (sameId(id, policyId)) return true;
    seen.add(id.toLowerCase());
    id = idIn(find(id)?.properties.basePolicy);
  }
  return false;
}

/** What Azure says of a policy, where the document comes from Azure. */
function listedFirewalls({ properties }: ArmDocument): string[] {
  const { firewalls } = properties;
  return Array.isArray(firewalls) ? firewalls.flatMap(item => idIn(item) ?? []) : [];
}

function publicIpsOf(firewall: ArmDocument): string[] {
  return ipConfigurationsOf(firewall).flatMap(({ publicIPAddress }) => idIn(publicIPAddress) ?? []);
}

function ipConfigurationsOf({ properties }: ArmDocument): Readonly<Record<string, unknown>>[] {
  const { ipConfigurations } = properties;
  const list = Array.isArray(ipConfigurations) ? (ipConfigurations as unknown[]) : [];
  return list.flatMap(item => (isObject(item) && isObject(item.properties) ? [item.properties] : []));
}

function idIn(reference: unknown): string | undefined {
  return isObject(reference) && typeof reference.id === 'string' ? reference.id : undefined;
}

/** Without the NAT rules that stand at the addresses of other firewalls: no packet for these comes here. */
export function withNatRulesAt(
  own: readonly number[],
  { skippedRules = [], ...policy }: ResolvedPolicy,
): ResolvedPolicy {
  const addresses = mergeRanges(own.map(address => ({ first: address, last: address })));
  const natRules: NatRule[] = [];
  /** By the old position of a rule. */
  const positions = [0];
  for (const rule of policy.natRules) {
    const destinations = intersectRanges(rule.destinations, addresses);
    if (destinations.length > 0) natRules.push({ ...rule, destinations });
    positions.push(natRules.length);
  }
  const skipped = skippedRules.flatMap(left => {
    if (left.pass !== 'nat') return left;
    const destinations = intersectRanges(left.rule.destinations, addresses);
    if (destinations.length === 0) return [];
    return { ...left, position: positions[left.position] ?? 0, rule: { ...left.rule, destinations } };
  });
  return { ...policy, natRules, ...(skipped.length > 0 && { skippedRules: skipped }) };
}
