// What `postern lab status` tells: the lab as JSON, and the same for people.

import { idKey } from '#arm/resource-id.ts';
import { effectiveRoutes } from '#model/effective-routes.ts';
import { policyOptionFlags } from '#model/policy-option-flags.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import type { NextHop } from '#model/route-table.ts';
import { formatIpv4, formatPrefix } from '#net/ipv4.ts';
import { outboundAddresses } from './fabric/outbound-addresses.ts';
import { AZURE_DNS, WORKSTATION_ADDRESS } from './fabric/plan.ts';
import { findSubnet, type Topology } from './fabric/topology.ts';
import type { ProcessStatus } from './kept-process.ts';

export interface LabStatus {
  readonly name: string;
  readonly folder: string;
  readonly startedAt: string;
  readonly api: string;
  readonly workstation: string;
  /** What the lab was built with. */
  readonly policyOptions: PolicyOptions;
  /** Files with threat-intelligence feeds. */
  readonly threatFeeds: readonly string[];
  readonly hosts: readonly {
    readonly name: string;
    readonly address: string;
    /** Empty: on the Internet. */
    readonly subnet: string;
    /** Null: on the Internet. */
    readonly subnetId: string | null;
    readonly dnsServers: readonly string[];
  }[];
  readonly firewalls: readonly {
    readonly name: string;
    readonly privateAddress: string;
    readonly publicAddresses: readonly string[];
  }[];
  readonly networks: readonly {
    readonly id: string;
    readonly name: string;
    readonly prefixes: readonly string[];
    readonly outboundAddress: string;
    readonly subnets: readonly {
      readonly name: string;
      readonly prefix: string;
      readonly routes: readonly {
        readonly source: string;
        readonly state: string;
        readonly name: string;
        readonly prefix: string;
        readonly nextHop: string;
      }[];
    }[];
  }[];
  readonly processes: readonly ProcessStatus[];
  readonly events: readonly string[];
}

export interface StatusSource {
  readonly name: string;
  readonly folder: string;
  readonly url: string;
  readonly startedAt: Date;
  readonly policyOptions: PolicyOptions;
  readonly threatFeeds: readonly string[];
  readonly topology: Topology;
  readonly processes: readonly ProcessStatus[];
  readonly events: readonly string[];
}

export function toLabStatus(source: StatusSource): LabStatus {
  const { vnets, firewalls, hosts } = source.topology;
  const outbound = outboundAddresses(vnets.map(({ id }) => idKey(id)));
  return {
    name: source.name,
    folder: source.folder,
    startedAt: source.startedAt.toISOString(),
    api: source.url,
    workstation: WORKSTATION_ADDRESS,
    policyOptions: source.policyOptions,
    threatFeeds: source.threatFeeds,
    hosts: hosts.map(({ name, address, subnetId }) => {
      const place = subnetId === undefined ? undefined : findSubnet(vnets, subnetId);
      const servers = place?.vnet.dnsServers.map(formatIpv4) ?? [];
      return {
        name,
        address: formatIpv4(address),
        subnet: place ? `${place.vnet.name}/${place.subnet.name}` : '',
        subnetId: place ? place.subnet.id : null,
        dnsServers: servers.length > 0 ? servers : [AZURE_DNS],
      };
    }),
    firewalls: firewalls.map(({ name, privateAddress, publicAddresses }) => ({
      name,
      privateAddress: formatIpv4(privateAddress),
      publicAddresses: publicAddresses.map(formatIpv4),
    })),
    networks: vnets.map(({ id, name, prefixes, subnets }) => ({
      id,
      name,
      prefixes: prefixes.map(formatPrefix),
      outboundAddress: formatIpv4(outbound.get(idKey(id)) ?? 0),
      subnets: subnets.map(subnet => ({
        name: subnet.name,
        prefix: formatPrefix(subnet.prefix),
        routes: effectiveRoutes(prefixes, subnet.userRoutes).map(route => ({
          source: route.source,
          state: route.state,
          name: route.name,
          prefix: formatPrefix(route.prefix),
          nextHop: formatNextHop(route.nextHop),
        })),
      })),
    })),
    processes: source.processes,
    events: source.events,
  };
}

function formatNextHop(hop: NextHop): string {
  return hop.type === 'VirtualAppliance' ? `VirtualAppliance ${formatIpv4(hop.address)}` : hop.type;
}

export function formatStatus(status: LabStatus): string {
  const { hosts, firewalls, networks, processes } = status;
  const { rows, events } = formatProcesses(processes);
  const all = [...status.events, ...events];
  const options = policyOptionFlags(status.policyOptions).join(' ');
  const head = [
    `Lab ${status.name} is up since ${status.startedAt}`,
    `  API     ${status.api}`,
    `  State   ${status.folder}`,
    ...(options === '' ? [] : [`  Options ${options}`]),
  ];
  const blocks = [
    head.join('\n'),
    table(
      ['HOST', 'ADDRESS', 'WHERE', 'DNS'],
      [
        ['workstation', status.workstation, 'Internet', AZURE_DNS],
        ...hosts.map(({ name, address, subnet, dnsServers }) => [
          name,
          address,
          subnet || 'Internet',
          dnsServers.join(', '),
        ]),
      ],
    ),
    firewalls.length > 0 &&
      table(
        ['FIREWALL', 'PRIVATE', 'PUBLIC'],
        firewalls.map(({ name, privateAddress, publicAddresses }) => [
          name,
          privateAddress,
          publicAddresses.join(', '),
        ]),
      ),
    ...networks.map(network => {
      const head = `Network ${network.name} (${network.prefixes.join(', ')}), outbound without a route table from ${network.outboundAddress}`;
      const rows = network.subnets.flatMap(({ name, prefix, routes }) =>
        routes
          .filter(({ state }) => state === 'Active')
          .map((route, index) => [
            index === 0 ? `${name} ${prefix}` : '',
            route.prefix,
            route.nextHop,
            route.source === 'User' ? route.name : 'system route',
          ]),
      );
      return rows.length === 0 ? head : `${head}\n${table(['SUBNET', 'ROUTE', 'NEXT HOP', 'FROM'], rows)}`;
    }),
    table(['PROCESS', 'STATE', 'RESTARTS', 'WHAT IT PRINTED'], rows),
    all.length > 0 && `Events\n${all.map(event => `  ${event}`).join('\n')}`,
  ];
  return `${blocks.filter(block => block !== false).join('\n\n')}\n`;
}

/** Rows of their table, and why and how often those ended that did not want to. */
export function formatProcesses(processes: readonly ProcessStatus[]): { rows: string[][]; events: string[] } {
  return {
    rows: processes.map(({ name, pid, restarts, output }) => [
      name,
      pid === undefined ? 'waits to be started again' : 'running',
      String(restarts),
      output,
    ]),
    events: processes.flatMap(({ name, ended }) => {
      if (!ended) return [];
      const often = ended.count === 1 ? 'once' : `${ended.count} times, last`;
      return [`${name} ended ${often} at ${ended.at} with ${ended.reason}`];
    }),
  };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)));
  return all
    .map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}
