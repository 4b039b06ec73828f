// From a stored firewall to its program: looks up what the document names in the store, and leaves meaning to the
// model and the compiler.

import { compile } from '#compiler/compile.ts';
import { type Finding, NO_PUBLIC_ADDRESS, resolvePolicy } from '#compiler/resolve-policy.ts';
import type { Facts } from '#facts/facts.ts';
import type { Program } from '#ir/program.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import type { ArmDocument, ResourceStore } from '#store/resource-store.ts';
import { documentsOfStore } from '#store/store-documents.ts';

export interface FirewallCompilerOptions {
  readonly facts: () => Facts;
  /** The firewall's address as its documents say, to the address its machine has; for public and private ones. */
  readonly localAddressOf?: () => Readonly<Record<number, number>>;
  /** Absent means the defaults. */
  readonly policyOptions?: PolicyOptions;
  /** Told what does not stop a firewall and its owner should know, once for as long as it stays the same. */
  readonly onWarnings?: (firewallId: string, warnings: readonly string[]) => void;
}

export class UncompilableFirewall extends Error {
  override readonly name = 'UncompilableFirewall';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** Compiles firewalls, each with the decision ids of its last program. */
export class FirewallCompiler {
  readonly #options: FirewallCompilerOptions;
  readonly #last = new Map<string, Program>();
  /** What was said last of each firewall. */
  readonly #warned = new Map<string, string>();

  constructor(options: FirewallCompilerOptions) {
    this.#options = options;
  }

  /** Undefined without IP configuration. Throws `UncompilableFirewall` with all faults. */
  compile(document: ArmDocument, store: ResourceStore): Program | undefined {
    const { facts, policyOptions = DEFAULT_POLICY_OPTIONS } = this.#options;
    const resolution = resolvePolicy(document, documentsOfStore(store), {
      facts: facts(),
      options: policyOptions,
    });
    if (!resolution.policy) throw new UncompilableFirewall(formatFaults(resolution.faults, document.id));
    if (!hasIpConfiguration(document)) return undefined;
    const addressless = resolution.warnings.filter(({ code }) => code === NO_PUBLIC_ADDRESS);
    if (addressless.length > 0) throw new UncompilableFirewall(formatFaults(addressless, document.id));
    this.#warn(document.id, formatFaults(resolution.warnings, document.id));
    const { policy } = resolution;
    if (policy.privateAddress === 0)
      throw new UncompilableFirewall(['the first IP configuration has no private address']);
    const localAddressOf = this.#options.localAddressOf?.() ?? {};
    const privateAddress = localAddressOf[policy.privateAddress] ?? policy.privateAddress;
    const previous = this.#last.get(document.id);
    const program = compile({ ...policy, privateAddress }, { localAddressOf, ...(previous && { previous }) });
    this.#last.set(document.id, program);
    return program;
  }

  #warn(firewallId: string, warnings: readonly string[]): void {
    const said = warnings.join('\n');
    if ((this.#warned.get(firewallId) ?? '') === said) return;
    this.#warned.set(firewallId, said);
    if (warnings.length > 0) this.#options.onWarnings?.(firewallId, warnings);
  }
}

function hasIpConfiguration({ properties }: ArmDocument): boolean {
  return Array.isArray(properties.ipConfigurations) && properties.ipConfigurations.length > 0;
}

/** Says in which document a fault stands, unless it is the firewall's own. */
function formatFaults(faults: readonly Finding[], firewallId: string): string[] {
  return faults.map(({ code, target, message, resource }) => {
    const place = resource === firewallId ? '' : `${resource.replace(/^.*\/providers\/[^/]*\//i, '')} `;
    return `(${code}) ${place}${target}: ${message}`;
  });
}
