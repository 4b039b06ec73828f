// A running lab: its network, hosts and programs, kept as the control plane's store says. It lives in the lab daemon, in
// the workstation's network namespace; the processes around it (start, entry, end) are other files' business.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { idKey } from '#arm/resource-id.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import type { ResourceStore } from '#store/resource-store.ts';
import { removeEtcFolder, writeEtcFolder } from './etc-folder.ts';
import type { KernelFabric } from './fabric/kernel-fabric.ts';
import {
  AZURE_DNS,
  type FabricPlan,
  namespaceOfFirewall,
  planFabric,
  WORKSTATION,
  WORKSTATION_ADDRESS,
} from './fabric/plan.ts';
import {
  type FirewallTopology,
  findSubnet,
  type LabHost,
  readTopology,
  type Topology,
} from './fabric/topology.ts';
import { type HostRequest, lostHosts, placeHost } from './hosts.ts';
import { KeptProcess, type ProcessStatus } from './kept-process.ts';
import { LabError, type LabFiles, NODE_COMMAND } from './lab-files.ts';
import { killProcessesIn } from './namespace-processes.ts';
import { Reconciler } from './reconciler.ts';

export interface LabOptions {
  readonly files: LabFiles;
  readonly store: ResourceStore;
  readonly fabric: KernelFabric;
  /** Files with threat-intelligence feeds, by absolute path. */
  readonly threatFeeds: readonly string[];
  /** What programs of the lab see of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

/** Notable events kept for `status`. */
const MAX_EVENTS = 20;
const RETRY_MS = 2000;

export class Lab {
  readonly #options: LabOptions;
  readonly #reconciler: Reconciler;
  readonly #gateways = new Map<string, { readonly process: KeptProcess; readonly logs: string }>();
  #unwatch: () => void = () => {};
  #hosts: readonly LabHost[] = [];
  #topology: Topology = { vnets: [], firewalls: [], hosts: [] };
  #plan: FabricPlan = { namespaces: [], links: [] };
  #faults: readonly string[] = [];
  #retry: NodeJS.Timeout | undefined;
  readonly #events: string[] = [];

  constructor(options: LabOptions) {
    this.#options = options;
    this.#reconciler = new Reconciler(() => this.#reconcile());
  }

  get topology(): Topology {
    return this.#topology;
  }

  get events(): readonly string[] {
    return this.#events;
  }

  get faults(): readonly string[] {
    return this.#faults;
  }

  get gateways(): readonly ProcessStatus[] {
    return [...this.#gateways.values()].map(({ process }) => process.status);
  }

  /** Builds what the store says now, and follows it from then on. Throws when the first network cannot be built. */
  async start(): Promise<void> {
    this.#unwatch = this.#options.store.watch(() => this.#reconciler.mark());
    this.#reconciler.mark();
    await this.#reconciler.settled();
    if (this.#faults.length > 0)
      throw new LabError(`The lab's network could not be built:\n  ${this.#faults.join('\n  ')}`);
  }

  /** Resolves when the network is as the store says. */
  settled(): Promise<void> {
    return this.#reconciler.settled();
  }

  hasNamespace(name: string): boolean {
    return this.#plan.namespaces.some(namespace => namespace.name === name);
  }

  get namespaceNames(): string[] {
    return this.#plan.namespaces.map(({ name }) => name);
  }

  async addHost(request: HostRequest): Promise<LabHost> {
    const host = placeHost(request, readTopology(this.#options.store, this.#hosts));
    this.#hosts = [...this.#hosts, host];
    this.#reconciler.mark();
    await this.#reconciler.settled();
    const fault = this.#faults.find(text => text.startsWith(`${host.name}: `));
    if (fault === undefined) return host;
    this.#hosts = this.#hosts.filter(({ name }) => name !== host.name);
    throw new LabError(`The host could not be made: ${fault}`);
  }

  /** Names of the hosts in a subnet: Azure refuses to delete a subnet in use. */
  usersOf(subnetId: string): string[] {
    return this.#hosts
      .filter(host => host.subnetId !== undefined && idKey(host.subnetId) === idKey(subnetId))
      .map(({ name }) => `host ${name}`);
  }

  async close(): Promise<void> {
    this.#unwatch();
    clearTimeout(this.#retry);
    await this.#reconciler.close();
    await Promise.all([...this.#gateways.values()].map(({ process }) => process.stop()));
    this.#gateways.clear();
  }

  async #reconcile(): Promise<void> {
    const { store, fabric, log } = this.#options;
    try {
      const before = this.#plan;
      let topology = readTopology(store, this.#hosts);
      for (const { name } of lostHosts(topology)) {
        this.#hosts = this.#hosts.filter(host => host.name !== name);
        this.#note(`host ${name} was removed: its subnet was deleted or no longer holds its address`);
        topology = { ...topology, hosts: this.#hosts };
      }
      const plan = planFabric(topology);
      const names = new Set(plan.namespaces.map(({ name }) => name));
      await this.#stopGateways(names);
      for (const { name } of before.namespaces)
        if (!names.has(name)) {
          killProcessesIn(name);
          removeEtcFolder(name);
        }
      this.#plan = plan;
      this.#topology = topology;
      this.#writeEtc();
      this.#faults = await fabric.apply(plan);
      this.#startGateways();
    } catch (error) {
      this.#faults = [error instanceof Error ? error.message : String(error)];
    }
    for (const fault of this.#faults) log(`fabric: ${fault}`);
    clearTimeout(this.#retry);
    if (this.#faults.length > 0) this.#retry = setTimeout(() => this.#reconciler.mark(), RETRY_MS);
  }

  #writeEtc(): void {
    const { files } = this.#options;
    const azureDns = [parseIpv4(AZURE_DNS) ?? 0];
    const { hosts, vnets } = this.#topology;
    for (const { name } of this.#plan.namespaces) {
      const host = hosts.find(host => host.name === name);
      const vnet = host?.subnetId === undefined ? undefined : findSubnet(vnets, host.subnetId)?.vnet;
      const servers = vnet && vnet.dnsServers.length > 0 ? vnet.dnsServers : azureDns;
      const address = host?.address ?? (name === WORKSTATION ? parseIpv4(WORKSTATION_ADDRESS) : undefined);
      writeEtcFolder(name, { hostname: name, address, dnsServers: servers, home: files.home });
    }
  }

  async #stopGateways(namespaces: ReadonlySet<string>): Promise<void> {
    for (const [namespace, { process }] of this.#gateways) {
      if (namespaces.has(namespace)) continue;
      this.#gateways.delete(namespace);
      await process.stop();
    }
  }

  #startGateways(): void {
    for (const firewall of this.#topology.firewalls) {
      const namespace = namespaceOfFirewall(firewall);
      if (this.#gateways.has(namespace) || this.#faults.some(fault => fault.startsWith(`${namespace}: `)))
        continue;
      if (!this.hasNamespace(namespace) || firewall.publicAddresses.length === 0) continue;
      this.#gateways.set(namespace, this.#startGateway(namespace, firewall));
    }
  }

  #startGateway(namespace: string, { id, name, key }: FirewallTopology) {
    const { files, threatFeeds, environment, log } = this.#options;
    // Logs are rotated by their writer, so each gateway has a folder of its own; the first one, the usual place.
    const isFree = ![...this.#gateways.values()].some(({ logs }) => logs === files.logs);
    const logs = isFree ? files.logs : join(files.logs, key);
    const state = join(files.gatewayState, key);
    for (const folder of [logs, state]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const process = new KeptProcess({
      name: `gateway ${name}`,
      command: [
        'nsenter',
        `--net=/run/netns/${namespace}`,
        '--',
        ...NODE_COMMAND,
        'gateway',
        ...['--control', files.gatewaySocket, '--firewall', id, '--state', state, '--logs', logs],
        ...['--inside', 'eth0', '--outside', 'eth1'],
        ...threatFeeds.flatMap(file => ['--threat-feed', file]),
      ],
      environment,
      output: join(logs, 'gateway.log'),
      log,
    });
    return { process, logs };
  }

  #note(event: string): void {
    this.#options.log(event);
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
  }
}
