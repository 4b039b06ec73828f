// Which hosts a lab has, and where: names, and addresses as Azure gives them (the first free one of the subnet behind
// the reserved ones). Refusals name the field and say what would be accepted.

import { FIREWALL_SUBNET, firstUsableAddress } from '#model/virtual-network.ts';
import { contains, formatIpv4, formatPrefix, parseIpv4 } from '#net/ipv4.ts';
import { INTERNET, WORKSTATION, WORKSTATION_ADDRESS } from './fabric/plan.ts';
import { findSubnet, type LabHost, type Topology } from './fabric/topology.ts';
import { LabError } from './lab-files.ts';

export interface HostRequest {
  readonly name: string;
  /** Absent: a host on the Internet. */
  readonly subnetId?: string;
  readonly privateIp?: string;
}

export class HostRefused extends LabError {
  override readonly name = 'HostRefused';
}

const NAME = /^[a-z]([a-z0-9-]{0,29}[a-z0-9])?$/;
const RESERVED_NAMES: ReadonlySet<string> = new Set([WORKSTATION, INTERNET, 'localhost']);
/** Hosts are processes' homes, a handful each; more than this is a mistake in a script. */
const MAX_HOSTS = 250;

/** The host as it will be; throws `HostRefused`. */
export function placeHost({ name, subnetId, privateIp }: HostRequest, topology: Topology): LabHost {
  const { hosts } = topology;
  if (!NAME.test(name))
    throw new HostRefused(
      `'${name}' is no name for a host: lower-case letters, digits and hyphens, at most 31, first a letter.`,
    );
  if (RESERVED_NAMES.has(name)) throw new HostRefused(`'${name}' is a part of every lab; take another name.`);
  if (hosts.some(host => host.name === name)) throw new HostRefused(`There already is a host '${name}'.`);
  if (hosts.length >= MAX_HOSTS) throw new HostRefused(`A lab has at most ${MAX_HOSTS} hosts.`);
  if (subnetId !== undefined)
    return { name, subnetId, address: addressInSubnet(subnetId, privateIp, topology) };
  if (privateIp !== undefined)
    throw new HostRefused(
      '--private-ip needs --vnet-subnet-id: a host on the Internet has a public address.',
    );
  let address = (parseIpv4(WORKSTATION_ADDRESS) ?? 0) + 1;
  while (hosts.some(host => host.address === address)) address++;
  return { name, address };
}

function addressInSubnet(subnetId: string, privateIp: string | undefined, topology: Topology): number {
  const { vnets, firewalls, hosts } = topology;
  const found = findSubnet(vnets, subnetId);
  if (!found) {
    const ids = vnets.flatMap(({ subnets }) => subnets.map(({ id }) => `\n  ${id}`));
    throw new HostRefused(
      `--vnet-subnet-id: there is no subnet '${subnetId}'.${ids.length === 0 ? ' No VNet exists yet.' : ` There are:${ids.join('')}`}`,
    );
  }
  const { vnet, subnet } = found;
  if (subnet.name.toLowerCase() === FIREWALL_SUBNET.toLowerCase())
    throw new HostRefused(`--vnet-subnet-id: ${FIREWALL_SUBNET} is for firewalls only, as in Azure.`);
  const inVnet = (id: string) => findSubnet([vnet], id) !== undefined;
  const taken = new Map([
    ...firewalls
      .filter(firewall => inVnet(firewall.subnetId))
      .map(firewall => [firewall.privateAddress, `firewall ${firewall.name}`] as const),
    ...hosts
      .filter(host => host.subnetId !== undefined && inVnet(host.subnetId))
      .map(host => [host.address, `host ${host.name}`] as const),
  ]);
  const first = firstUsableAddress(subnet.prefix);
  const last = subnet.prefix.last - 1;
  if (privateIp === undefined) {
    for (let address = first; address <= last; address++) if (!taken.has(address)) return address;
    throw new HostRefused(`Subnet ${subnet.name} (${formatPrefix(subnet.prefix)}) has no free address.`);
  }
  const address = parseIpv4(privateIp);
  if (address === undefined) throw new HostRefused(`--private-ip: '${privateIp}' is not an IPv4 address.`);
  if (!contains({ first, last }, address))
    throw new HostRefused(
      `--private-ip: ${privateIp} is not between ${formatIpv4(first)} and ${formatIpv4(last)}, the usable addresses of ${subnet.name}.`,
    );
  const holder = taken.get(address);
  if (holder !== undefined) throw new HostRefused(`--private-ip: ${privateIp} belongs to ${holder}.`);
  return address;
}

/** Hosts whose subnet is gone, or no longer holds their address. */
export function lostHosts({ hosts, vnets }: Topology): LabHost[] {
  return hosts.filter(({ subnetId, address }) => {
    if (subnetId === undefined) return false;
    const prefix = findSubnet(vnets, subnetId)?.subnet.prefix;
    return prefix === undefined || !contains(prefix, address);
  });
}
