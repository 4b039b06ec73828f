// The control plane of a lab or a router: store, API, controller and control channel over one state folder. Everything
// they need from outside is made here, and closed here in reverse order.

import { join } from 'node:path';
import { createApi } from '#api/create-api.ts';
import { serveApi } from '#api/serve-api.ts';
import { openTokens } from '#api/state-files.ts';
import { FirewallCompiler, UncompilableFirewall } from '#controller/compile-firewall.ts';
import { Controller, type Settled } from '#controller/controller.ts';
import { SocketGatewayChannel } from '#controller/gateway-channel.ts';
import { faultsOfPolicy } from '#controller/policy-faults.ts';
import { type Facts, loadFacts } from '#facts/facts.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import { MemoryStore } from '#store/memory-store.ts';
import type { ArmDocument, ResourceStore, StoredResource } from '#store/resource-store.ts';
import { SqliteStore } from '#store/sqlite-store.ts';
import { watchFacts } from './watch-facts.ts';

/** The one subscription there is. Well-formed as Azure's, and the same everywhere, so that scripts can be shared. */
const SUBSCRIPTION = {
  id: '00000000-0000-4000-8000-000000000001',
  name: 'Postern',
  tenantId: '11111111-1111-4111-8111-111111111111',
};

/** New public IPs: they must look public, since Azure's client refuses addresses for documentation. */
export const PUBLIC_IP_POOL: readonly string[] = ['20.62.192.0/20'];

export interface ControlPlaneOptions {
  readonly stateDir: string;
  /** Where imported tags are; the folder above labs and router. */
  readonly factsDir?: string;
  readonly tlsHost?: string;
  /** 0 takes a free one. */
  readonly tlsPort?: number;
  readonly allowRemote?: boolean;
  readonly publicIpPool?: readonly string[];
  /** Where the owner chooses what policies mean; `DEFAULT_POLICY_OPTIONS` when absent. */
  readonly policyOptions?: PolicyOptions;
  /** A firewall's documented address to the address its machine has; asked at every compilation. */
  readonly localAddressOf?: () => Readonly<Record<number, number>>;
  /** How long a gateway may say nothing before its firewall has failed. */
  readonly gatewayPatienceMs?: number;
  /** What a gateway that does not answer said at its end, where that is known. */
  readonly gatewayLastWords?: () => string | undefined;
  /** Why this firewall is not served here; undefined when it is. A router serves the firewall of its files only. */
  readonly refuseFirewall?: (firewall: StoredResource) => string | undefined;
  /** Who else uses a resource, for the message that refuses its deletion. */
  readonly usersOf?: (id: string) => readonly string[];
  readonly clock?: () => Date;
  readonly report?: (message: string) => void;
}

export interface ControlPlane {
  readonly store: ResourceStore;
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  settle(firewallId: string, timeoutMs: number): Promise<Settled>;
  close(): Promise<void>;
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { stateDir, factsDir, clock = () => new Date(), report = () => {} } = options;
  const { policyOptions = DEFAULT_POLICY_OPTIONS } = options;
  const store = new SqliteStore(join(stateDir, 'store.db'));
  const channel = await SocketGatewayChannel.listen(join(stateDir, 'gateway.sock'));
  let facts: Facts = loadFacts(factsDir);
  const compiler = new FirewallCompiler({
    facts: () => facts,
    policyOptions,
    onWarnings: (firewallId, warnings) => {
      for (const warning of warnings) report(`${firewallId.split('/').at(-1)}: warning: ${warning}`);
    },
    ...(options.localAddressOf && { localAddressOf: options.localAddressOf }),
  });
  const controller = new Controller({
    store,
    channel,
    compile: (document, from) => compiler.compile(document, from),
    ...(options.gatewayPatienceMs !== undefined && { gatewayPatienceMs: options.gatewayPatienceMs }),
    ...(options.gatewayLastWords && { gatewayLastWords: options.gatewayLastWords }),
    ...(options.refuseFirewall && { refuse: options.refuseFirewall }),
  });
  const unwatch = watchFacts(factsDir, () => {
    try {
      facts = loadFacts(factsDir);
      controller.refresh();
    } catch (error) {
      report(
        `the imported tags were not read, the last ones stay: ${error instanceof Error ? error.message : error}`,
      );
    }
  });
  const api = createApi({
    store,
    clock,
    tokens: openTokens({ stateDir, tenantId: SUBSCRIPTION.tenantId, clock }),
    subscription: SUBSCRIPTION,
    facts: () => facts,
    settle: (firewallId, timeoutMs) => controller.settle(firewallId, timeoutMs),
    faultsOf: (subject, documents) => faultsOfPolicy(subject, documents, { facts, options: policyOptions }),
    policyOptions,
    publicIpPool: options.publicIpPool ?? PUBLIC_IP_POOL,
    ...(options.usersOf && { usersOf: options.usersOf }),
  });
  const closeOthers = async () => {
    controller.close();
    await channel.close();
    store.close();
  };
  const server = await serveApi(api, {
    socketPath: join(stateDir, 'api.sock'),
    stateDir,
    tlsHost: options.tlsHost ?? '127.0.0.1',
    tlsPort: options.tlsPort ?? 0,
    allowRemote: options.allowRemote ?? false,
  }).catch(async error => {
    unwatch();
    await closeOthers();
    throw error;
  });
  return {
    store,
    url: server.url,
    settle: (firewallId, timeoutMs) => controller.settle(firewallId, timeoutMs),
    close: async () => {
      unwatch();
      await server.close();
      await closeOthers();
    },
  };
}

/** Faults of documents that are about to be put in force together, as configuration files are. */
export function checkDocuments(
  documents: readonly ArmDocument[],
  factsDir: string | undefined,
  localAddressOf: Readonly<Record<number, number>> = {},
  policyOptions: PolicyOptions = DEFAULT_POLICY_OPTIONS,
): readonly string[] {
  const facts = loadFacts(factsDir);
  const store = new MemoryStore();
  for (const document of documents) store.put(document);
  const compiler = new FirewallCompiler({
    facts: () => facts,
    policyOptions,
    localAddressOf: () => localAddressOf,
  });
  return documents.flatMap(document => {
    if (document.type.toLowerCase() !== 'microsoft.network/azurefirewalls') return [];
    try {
      if (compiler.compile(document, store)) return [];
      return [`${document.id} has no IP configuration: there is nothing to enforce`];
    } catch (error) {
      if (error instanceof UncompilableFirewall) return error.faults;
      throw error;
    }
  });
}
