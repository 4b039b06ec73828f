// What `explain` asks the world for: the network out of documents and what runs, addresses of names, and the names that running
// gateways have loaded.

import type { NameAnswer } from '#analysis/explain/explain.ts';
import { type Firewall, missingRouteTables, type Network, readNetwork } from '#analysis/explain/network.ts';
import { type Documents, toDocuments } from '#arm/arm-document.ts';
import { idKey } from '#arm/resource-id.ts';
import { type Finding, resolvePolicy } from '#compiler/resolve-policy.ts';
import { describeFinding } from '#documents/describe-finding.ts';
import { type DocumentFault, formatDocumentFault } from '#documents/read-documents.ts';
import { adviceToSave } from '#documents/save-command.ts';
import type { NamesOfAddress } from '#ir/decision.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import { AZURE_DNS, formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import { noticesOf } from './notices.ts';
import type { DocumentInput } from './policy-documents.ts';
import { addressesOfSets, type RunningPlace, type RunningWorld } from './running-place.ts';

const MOST_NAMES_ASKED = 100;

export function networkOf(
  { placed, ignored, facts, options, from }: DocumentInput,
  place: RunningPlace | undefined,
): { readonly network: Network; readonly faults: readonly string[]; readonly notices: readonly string[] } {
  const list = placed.map(({ document }) => document);
  const documents = toDocuments(list);
  const policies = new Map<string, ResolvedPolicy>();
  const faults: string[] = [];
  const warnings: Finding[] = [];
  const byId = new Map(placed.map(found => [idKey(found.document.id), found]));
  const describeAs = (format: (fault: DocumentFault) => string) => (finding: Finding) =>
    `${describeFinding(finding, (id, target) => byId.get(idKey(id))?.locate(target), from, format)}${adviceToSave(finding, documents)}`;
  const describe = describeAs(({ place: { file, line }, message }) => `${file}:${line}: ${message}`);
  for (const firewall of documents.ofType(FIREWALL_TYPE)) {
    const resolution = resolvePolicy(firewall, documents, { facts, options, publicIpsMayBeMissing: true });
    if (resolution.policy) {
      const privateAddress = parseIpv4(place?.privateAddress ?? '') ?? resolution.policy.privateAddress;
      policies.set(firewall.id, { ...resolution.policy, privateAddress });
      warnings.push(...resolution.warnings);
    } else faults.push(...resolution.faults.map(describeAs(formatDocumentFault)));
  }
  const network = readNetwork({
    documents: list,
    policies,
    hosts: (place?.hosts ?? []).flatMap(({ name, address, subnetId }) => {
      const number = parseIpv4(address);
      return number === undefined ? [] : [{ name, address: number, subnetId: subnetId ?? undefined }];
    }),
    complete: place?.lab !== undefined,
    gateway: place !== undefined && place.lab === undefined,
    outboundAddresses: new Map(
      (place?.outboundAddresses ?? []).map(([id, address]) => [idKey(id), parseIpv4(address) ?? 0]),
    ),
  });
  for (const id of missingRouteTables(network, documents))
    faults.push(
      `${from}: route table '${id}', which a subnet names, is missing: az network route-table list -o json > route-tables.json`,
    );
  const notices = [
    ...noticesOf({ warnings, ignored, describe }),
    ...(place?.notices ?? []),
    ...(place ? unsettled(documents) : []),
  ];
  return { network, faults, notices };
}

/** Firewalls whose newest rules are not, or not yet, what packets meet. */
function unsettled(documents: Documents): string[] {
  return documents
    .ofType(FIREWALL_TYPE)
    .flatMap(({ name, properties: { provisioningState } }) =>
      provisioningState === 'Updating' || provisioningState === 'Failed'
        ? [`firewall ${name} is in state ${provisioningState}: its last good rules are in force.`]
        : [],
    );
}

export async function answerFor(
  name: string,
  resolved: ReadonlyMap<string, readonly number[]>,
  place: RunningPlace | undefined,
  host: string | undefined,
  servers: readonly number[] | undefined,
): Promise<NameAnswer | undefined> {
  const given = resolved.get(name);
  if (given) return { addresses: given, by: 'the command line gives it' };
  if (!place) return undefined;
  const { addresses, fault, by } = await place.resolve(name, {
    host,
    servers: (servers ?? [AZURE_DNS]).map(formatIpv4),
  });
  return { addresses: toNumbers(addresses), by, ...(fault !== undefined && { fault }) };
}

export function toNumbers(addresses: readonly string[]): number[] {
  return addresses.flatMap(address => parseIpv4(address) ?? []);
}

export function namesOfTargets({ firewalls }: Network): string[] {
  const names = firewalls.flatMap(({ policy }) => policy.natRules.flatMap(rule => rule.translatedFqdn ?? []));
  return [...new Set(names)].slice(0, MOST_NAMES_ASKED);
}

export function serversOf(firewall: Firewall | undefined): string[] {
  return (firewall?.policy.dns.servers ?? []).map(formatIpv4);
}

/** What the running gateways know; where they cannot be asked, what their own name servers say now. */
export async function namesInForce(
  { firewalls }: Network,
  place: RunningPlace | undefined,
  { setNameOf }: RunningWorld,
  note: (message: string) => void,
): Promise<(firewall: Firewall) => NamesOfAddress | undefined> {
  const byFirewall = new Map<string, ReadonlyMap<number, ReadonlySet<string>>>();
  for (const firewall of place ? firewalls : []) {
    const fqdns = [...new Set(firewall.policy.networkRules.flatMap(rule => rule.destinationFqdns))];
    if (fqdns.length === 0 || !place) continue;
    const known = await addressesInForce(firewall, place, fqdns, setNameOf, note);
    const names = new Map<number, Set<string>>();
    for (const [fqdn, addresses] of known)
      for (const address of addresses) names.set(address, (names.get(address) ?? new Set()).add(fqdn));
    byFirewall.set(idKey(firewall.id), names);
  }
  return firewall => {
    const names = byFirewall.get(idKey(firewall.id));
    return names && (address => names.get(address) ?? new Set());
  };
}

async function addressesInForce(
  firewall: Firewall,
  place: RunningPlace,
  fqdns: readonly string[],
  setNameOf: RunningWorld['setNameOf'],
  note: (message: string) => void,
): Promise<readonly (readonly [string, readonly number[]])[]> {
  try {
    const sets = addressesOfSets(await place.loadedSets(firewall.id));
    return fqdns.map(fqdn => [fqdn, sets.get(setNameOf(fqdn)) ?? []] as const);
  } catch (error) {
    note(
      `what ${firewall.name} knows of names cannot be read (${(error as Error).message}), so its name servers are asked.`,
    );
  }
  return Promise.all(
    fqdns.slice(0, MOST_NAMES_ASKED).map(async fqdn => {
      const { addresses } = await place.resolve(fqdn, { host: undefined, servers: serversOf(firewall) });
      return [fqdn, toNumbers(addresses)] as const;
    }),
  );
}
