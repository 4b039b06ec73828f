// A router while it is up: the folder feeds the store, the control plane compiles it, and the gateway, a child process,
// enforces it. What became of the newest files is said on standard output and kept for `postern status`.

import { writeFileSync } from 'node:fs';
import { type ControlPlane, checkDocuments, startControlPlane } from '#control/control-plane.ts';
import type { ArmDocument } from '#store/resource-store.ts';
import { FolderSource } from './folder-source.ts';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.ts';
import { localAddresses } from './local-addresses.ts';
import { machineAddresses } from './machine.ts';
import type { UpOptions } from './options.ts';
import { POSTERN, type RouterPaths } from './paths.ts';
import type { FilesState } from './status.ts';

/** How long a gateway may take to put new rules in force before somebody is told. */
export const READY_MS = 15_000;
/** `up --detach` waits for these words. */
export const IN_FORCE = 'Rules are in force';

export interface RouterOptions {
  readonly options: UpOptions;
  readonly paths: RouterPaths;
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
}

export class Router {
  readonly #router: RouterOptions;
  readonly #control: ControlPlane;
  #source: FolderSource | undefined;
  #gateway: GatewayProcess | undefined;
  #firewall: ArmDocument | undefined;
  /** Counts loads, so that only the newest one's fate is told. */
  #loads = 0;

  private constructor(router: RouterOptions, control: ControlPlane) {
    this.#router = router;
    this.#control = control;
  }

  /** Resolves when the first rules are in force or the gateway has not answered for a while; throws `ConfigFault`. */
  static async start(router: RouterOptions): Promise<Router> {
    const { options, paths, complain } = router;
    let localAddressOf: Readonly<Record<number, number>> = {};
    const control = await startControlPlane({
      stateDir: paths.state,
      factsDir: paths.facts,
      tlsHost: options.apiListen,
      tlsPort: options.apiPort,
      allowRemote: options.apiNamed,
      localAddressOf: () => localAddressOf,
      refuseFirewall: ({ origin }) =>
        origin === 'api' ? `this router serves the firewall that ${options.config} describes` : undefined,
      report: complain,
    });
    const started = new Router(router, control);
    try {
      let told = '';
      started.#source = FolderSource.start({
        folder: options.config,
        store: control.store,
        check: documents => {
          const local = localAddresses(documents, options.publicIps, machineAddresses(options.inside));
          const faults = [...local.faults, ...checkDocuments(documents, paths.facts, local.localAddressOf)];
          if (faults.length > 0) return faults;
          localAddressOf = local.localAddressOf;
          const notes = local.notes.join('\n');
          if (notes !== told && notes !== '') router.say(notes);
          told = notes;
          return [];
        },
        onLoaded: documents => started.#loaded(documents.map(({ document }) => document)),
        onFault: faults => started.#refused(faults),
      });
      started.#gateway = new GatewayProcess(gatewayOptions(router));
      await started.#settle();
      return started;
    } catch (error) {
      await started.close();
      throw error;
    }
  }

  get apiUrl(): string {
    return this.#control.url;
  }

  /** Ends both; the kernel keeps the last rules. */
  async close(): Promise<void> {
    this.#loads += 1;
    this.#source?.close();
    await this.#gateway?.stop();
    await this.#control.close();
  }

  #loaded(documents: readonly ArmDocument[]): void {
    this.#firewall = documents.find(({ type }) => type.toLowerCase() === 'microsoft.network/azurefirewalls');
    this.#loads += 1;
    this.#remember([]);
    this.#router.say(`Read ${documents.length} resources from ${this.#router.options.config}.`);
    // The first load is waited for by `start`.
    if (this.#gateway) void this.#settle();
  }

  #refused(faults: readonly string[]): void {
    this.#remember(faults);
    for (const fault of faults) this.#router.complain(fault);
    this.#router.complain('the folder was NOT put in force; the last good rules are.');
  }

  /** Waits for the gateway's word on the newest documents, and tells it. */
  async #settle(): Promise<void> {
    const load = this.#loads;
    const { say, complain, options } = this.#router;
    const settled = await this.#control.settle(this.#firewall?.id ?? '', READY_MS);
    if (load !== this.#loads) return;
    const sides = `inside ${options.inside.join(', ')}, outside ${options.outside}`;
    if (settled.state === 'Applied') say(`${IN_FORCE}: firewall ${this.#firewall?.name}, ${sides}.`);
    else if (settled.state === 'Failed') {
      complain(settled.message);
      complain('the new rules were NOT put in force; the last good ones are.');
    } else complain(`the gateway has not answered for ${READY_MS / 1000} s; it is tried again and again.`);
  }

  #remember(faults: readonly string[]): void {
    const { paths, options } = this.#router;
    const state: FilesState = { folder: options.config, readAt: new Date().toISOString(), faults };
    writeFileSync(paths.files, JSON.stringify(state), { mode: 0o600 });
  }
}

function gatewayOptions({ options, paths, complain }: RouterOptions): GatewayProcessOptions {
  return {
    command: [
      POSTERN,
      'gateway',
      ...['--control', paths.gatewaySocket, '--state', paths.gatewayState, '--logs', paths.logs],
      ...gatewayInterfaces(options),
      ...options.dnsServers.flatMap(address => ['--dns-server', address]),
      ...options.threatFeeds.flatMap(file => ['--threat-feed', file]),
    ],
    onExit: status =>
      complain(`the gateway ended with ${status}; the kernel keeps the last rules, starting it again.`),
  };
}

function gatewayInterfaces(options: UpOptions): string[] {
  return [
    ...options.inside.flatMap(name => ['--inside', name]),
    ...['--outside', options.outside],
    ...options.insidePrefixes.flatMap(prefix => ['--inside-prefix', prefix]),
    ...options.publicIps.flatMap(pair => ['--public-ip', pair]),
    ...options.sshFrom.flatMap(access => ['--ssh-from', access]),
  ];
}
