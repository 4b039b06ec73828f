// What `explain` wants to know of something that runs, a lab or the gateway of this machine, beyond its documents. Those who run
// them answer it; `main.ts` brings both together.

import { isObject } from '#arm/json-reader.ts';
import type { ThreatListing } from '#ir/decision.ts';
import { parseIpv4 } from '#net/ipv4.ts';

export interface RunningPlace {
  /** For people: `lab postern`, `this router`. */
  readonly label: string;
  /** Of a lab; undefined for the router. */
  readonly lab: string | undefined;
  /** Why what runs may not be what its documents say, each a sentence; usually none. */
  readonly notices: readonly string[];
  /** What it was started with, as flags of the command line. */
  readonly policyFlags: readonly string[];
  readonly threatFeeds: readonly string[];
  /** What stands for the private address that the documents give the firewall, where that is another one. */
  readonly privateAddress?: string | undefined;
  readonly hosts: readonly {
    readonly name: string;
    readonly address: string;
    /** Null: on the Internet. */
    readonly subnetId: string | null;
  }[];
  /** By the id of a VNet. */
  readonly outboundAddresses: readonly (readonly [string, string])[];
  /**
   * Asks name servers: those given, from the host with this name where the place can, or else those that the place itself asks.
   * `by` says who answered whom.
   */
  resolve(
    name: string,
    from: { readonly host: string | undefined; readonly servers: readonly string[] },
  ): Promise<{ readonly addresses: readonly string[]; readonly fault?: string; readonly by: string }>;
  /** What nft prints of the loaded sets, as JSON; throws where that is not for this user to see. */
  loadedSets(firewallId: string): Promise<string>;
}

export interface RunningWorld {
  /** The lab of this name, or `labToAsk`; throws with words for people where it is not up. */
  lab(name: string | undefined): Promise<RunningPlace>;
  router(): Promise<RunningPlace>;
  /** Reads threat-intelligence feeds, and Azure's test name besides; what is wrong with a file is reported. */
  threats(files: readonly string[], report: (message: string) => void): Promise<ThreatListing>;
  /** What the data plane calls the set of a name. */
  setNameOf(fqdn: string): string;
}

/** The addresses in each of nft's sets, by the name of the set. */
export function addressesOfSets(nftJson: string): ReadonlyMap<string, readonly number[]> {
  const { nftables } = JSON.parse(nftJson) as { readonly nftables?: unknown };
  const sets = new Map<string, readonly number[]>();
  for (const entry of Array.isArray(nftables) ? (nftables as unknown[]) : []) {
    if (!isObject(entry) || !isObject(entry.set) || typeof entry.set.name !== 'string') continue;
    const { name, elem } = entry.set;
    const elements = Array.isArray(elem) ? (elem as unknown[]) : [];
    sets.set(
      name,
      elements.flatMap(element => addressOf(element) ?? []),
    );
  }
  return sets;
}

/** `1.2.3.4`, or with its time-out `{"elem": {"val": "1.2.3.4", ...}}`. */
function addressOf(element: unknown): number | undefined {
  const value = isObject(element) && isObject(element.elem) ? element.elem.val : element;
  return typeof value === 'string' ? parseIpv4(value) : undefined;
}
