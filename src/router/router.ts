// A router while it is up: the folder feeds the store, the control plane compiles it, and the gateway, a child process,
// enforces it. What became of the newest files is said on standard output and kept for `postern status`.

import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, checkDocuments, startControlPlane } from '#control/control-plane.ts';
import { policyOptionFlags } from '#model/policy-option-flags.ts';
import type { ArmDocument } from '#store/resource-store.ts';
import { FolderSource } from './folder-source.ts';
import { GatewayProcess } from './gateway-process.ts';
import { localAddresses } from './local-addresses.ts';
import { machineAddresses } from './machine.ts';
import type { UpOptions } from './options.ts';
import { POSTERN, type RouterPaths } from './paths.ts';
import type { FilesState, GatewayFault } from './status.ts';

/** How long a gateway may take to put new rules in force before somebody is told. */
export const READY_MS = 15_000;
/** How often is looked, after that, whether it has. */
const LOOK_MS = 500;
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
  /** How the gateway ended since its rules were last in force. */
  #gatewayFault: string | undefined;
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
    rmSync(paths.gatewayFault, { force: true });
    let started: Router | undefined;
    const control = await startControlPlane({
      stateDir: paths.state,
      factsDir: paths.facts,
      policyOptions: options.policyOptions,
      tlsHost: options.apiListen,
      tlsPort: options.apiPort,
      allowRemote: options.apiNamed,
      localAddressOf: () => localAddressOf,
      refuseFirewall: ({ origin }) =>
        origin === 'api' ? `this router serves the firewall that ${options.config} describes` : undefined,
      gatewayLastWords: () => started?.gatewayFault,
      report: complain,
    });
    started = new Router(router, control);
    try {
      let told = '';
      started.#source = FolderSource.start({
        folder: options.config,
        store: control.store,
        check: documents => {
          const local = localAddresses(documents, options.publicIps, machineAddresses(options.inside));
          const faults = [
            ...local.faults,
            ...checkDocuments(documents, paths.facts, local.localAddressOf, options.policyOptions),
          ];
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
      started.#gateway = new GatewayProcess({
        command: gatewayCommand(router),
        onExit: (status, words) => started.#gatewayEnded(status, words),
        complain: text => process.stderr.write(text),
      });
      await started.#settle();
      return started;
    } catch (error) {
      await started.close();
      throw error;
    }
  }

  get gatewayFault(): string | undefined {
    return this.#gatewayFault;
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
    rmSync(this.#router.paths.gatewayFault, { force: true });
  }

  #gatewayEnded(status: string, words: string | undefined): void {
    const text = words === undefined ? status : `${status}: ${words.replace(/^postern gateway: /, '')}`;
    this.#gatewayFault = text;
    const fault: GatewayFault = { text, at: new Date().toISOString() };
    writeFileSync(this.#router.paths.gatewayFault, JSON.stringify(fault), { mode: 0o600 });
    this.#router.complain(
      `the gateway ended with ${text}; the kernel keeps the last rules, starting it again.`,
    );
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

  /** Waits for the gateway's word on the newest documents, and tells it; resolves with the first word, or without one. */
  async #settle(): Promise<void> {
    const load = this.#loads;
    const { complain } = this.#router;
    const settled = await this.#control.settle(this.#firewall?.id ?? '', READY_MS);
    if (load !== this.#loads) return;
    if (settled.state === 'Applied') return this.#tellInForce();
    if (settled.state === 'Failed') {
      complain(settled.message);
      complain('the new rules were NOT put in force; the last good ones are.');
    } else {
      const end = this.#gatewayFault === undefined ? '' : ` (it ended with ${this.#gatewayFault})`;
      complain(`the gateway has not answered for ${READY_MS / 1000} s${end}; it is tried again and again.`);
    }
    void this.#tellLate(load);
  }

  /** A gateway that is started again may do what the last one could not. */
  async #tellLate(load: number): Promise<void> {
    for (;;) {
      await sleep(LOOK_MS, undefined, { ref: false });
      if (load !== this.#loads) return;
      const { state } = await this.#control.settle(this.#firewall?.id ?? '', 0);
      if (state === 'Applied' && load === this.#loads) return this.#tellInForce();
    }
  }

  #tellInForce(): void {
    const { say, options } = this.#router;
    this.#gatewayFault = undefined;
    const sides = `inside ${options.inside.join(', ')}, outside ${options.outside}`;
    say(`${IN_FORCE}: firewall ${this.#firewall?.name}, ${sides}.`);
  }

  #remember(faults: readonly string[]): void {
    const { paths, options } = this.#router;
    const state: FilesState = {
      folder: options.config,
      readAt: new Date().toISOString(),
      options: policyOptionFlags(options.policyOptions),
      threatFeeds: options.threatFeeds,
      dnsServers: options.dnsServers,
      faults,
    };
    writeFileSync(paths.files, JSON.stringify(state), { mode: 0o600 });
  }
}

function gatewayCommand({ options, paths }: RouterOptions): readonly string[] {
  return [
    POSTERN,
    'gateway',
    ...['--control', paths.gatewaySocket, '--state', paths.gatewayState, '--logs', paths.logs],
    ...gatewayInterfaces(options),
    ...options.dnsServers.flatMap(address => ['--dns-server', address]),
    ...options.threatFeeds.flatMap(file => ['--threat-feed', file]),
  ];
}

function gatewayInterfaces(options: UpOptions): string[] {
  return [
    ...options.inside.flatMap(name => ['--inside', name]),
    ...['--outside', options.outside],
    ...options.insidePrefixes.flatMap(prefix => ['--inside-prefix', prefix]),
    ...options.sshFrom.flatMap(access => ['--ssh-from', access]),
  ];
}
