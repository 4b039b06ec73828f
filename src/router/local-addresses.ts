// The firewall's documents name addresses that were given out by Azure; a router has its own. This says which local
// address stands for which documented one. Pure.

import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import type { ArmDocument } from '#store/resource-store.ts';

export interface MachineAddresses {
  /** Of the inside interfaces, in the order in which these were named. */
  readonly inside: readonly number[];
  /** Of all interfaces. */
  readonly all: readonly number[];
}

export interface LocalAddresses {
  readonly localAddressOf: Readonly<Record<number, number>>;
  /** What a person should know about the choice. */
  readonly notes: readonly string[];
  readonly faults: readonly string[];
}

/** `pairs` are `PUBLIC=LOCAL`, as `--public-ip` gives them. */
export function localAddresses(
  documents: readonly ArmDocument[],
  pairs: readonly string[],
  machine: MachineAddresses,
): LocalAddresses {
  const localAddressOf: Record<number, number> = {};
  const notes: string[] = [];
  const faults: string[] = [];
  const publicAddresses = documents.filter(isType('publicIPAddresses')).flatMap(({ properties }) => {
    const address = parseIpv4(String(properties.ipAddress ?? ''));
    return address === undefined ? [] : [address];
  });
  for (const pair of pairs) {
    const [address = 0, local = 0] = pair.split('=').map(text => parseIpv4(text));
    localAddressOf[address] = local;
    if (!publicAddresses.includes(address))
      faults.push(
        `--public-ip ${pair}: no file has the public IP ${formatIpv4(address)}; they have ${publicAddresses.map(formatIpv4).join(', ') || 'none'}.`,
      );
    if (!machine.all.includes(local))
      notes.push(`--public-ip ${pair}: no interface of this machine has ${formatIpv4(local)}.`);
  }
  for (const address of publicAddresses) {
    if (address in localAddressOf || machine.all.includes(address)) continue;
    notes.push(
      `No interface has the public IP ${formatIpv4(address)}: its answers arrive only if they are routed here. Behind a 1:1 NAT say --public-ip ${formatIpv4(address)}=LOCAL.`,
    );
  }
  const [firewall] = documents.filter(isType('azureFirewalls'));
  const privateAddress = firewall && privateAddressOf(firewall);
  if (privateAddress !== undefined && !machine.inside.includes(privateAddress)) {
    const [first] = machine.inside;
    if (first === undefined)
      faults.push(
        'No inside interface has an IPv4 address: there is nothing that routes and DNS could point at.',
      );
    else {
      localAddressOf[privateAddress] = first;
      notes.push(
        `No inside interface has the firewall's private address ${formatIpv4(privateAddress)}; ${formatIpv4(first)} stands for it: DNS answers there.`,
      );
    }
  }
  return { localAddressOf, notes, faults };
}

const isType =
  (name: string) =>
  ({ type }: ArmDocument): boolean =>
    type.toLowerCase() === `microsoft.network/${name.toLowerCase()}`;

function privateAddressOf({ properties }: ArmDocument): number | undefined {
  const configurations = properties.ipConfigurations;
  if (!Array.isArray(configurations)) return undefined;
  const [first] = configurations as { properties?: { privateIPAddress?: unknown } }[];
  return parseIpv4(String(first?.properties?.privateIPAddress ?? ''));
}
