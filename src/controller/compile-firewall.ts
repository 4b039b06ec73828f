// From a stored firewall to its program: looks up what the document names in the store, and leaves meaning to the
// model and the compiler.

import { compile } from '#compiler/compile.ts';
import { lowerFirewall } from '#compiler/lower-firewall.ts';
import type { Facts } from '#facts/facts.ts';
import type { Program } from '#ir/program.ts';
import { type AzureFirewall, parseAzureFirewall } from '#model/firewall.ts';
import { IP_GROUP_TYPE, rangesOfIpGroup } from '#model/ip-group.ts';
import { addressOfPublicIp, PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import type { ArmDocument, ResourceStore } from '#store/resource-store.ts';

export interface FirewallCompilerOptions {
  readonly facts: () => Facts;
  /** The firewall's address as its documents say, to the address its machine has; for public and private ones. */
  readonly localAddressOf?: () => Readonly<Record<number, number>>;
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

  constructor(options: FirewallCompilerOptions) {
    this.#options = options;
  }

  /** Undefined without IP configuration. Throws `UncompilableFirewall` with all faults. */
  compile(document: ArmDocument, store: ResourceStore): Program | undefined {
    const facts = this.#options.facts();
    const parsed = parseAzureFirewall(document, {
      serviceTagName: name => facts.serviceTagName(name),
      fqdnTagName: name => facts.fqdnTagName(name),
      hasIpGroup: id => typed(store, id, IP_GROUP_TYPE) !== undefined,
      publicAddressOf: id => publicAddress(store, id)?.address,
    });
    if (!parsed.firewall) {
      throw new UncompilableFirewall(
        parsed.diagnostics.map(({ code, target, message }) => `(${code}) ${target}: ${message}`),
      );
    }
    const { firewall } = parsed;
    const [first] = firewall.ipConfigurations;
    if (!first) return undefined;
    const localAddressOf = this.#options.localAddressOf?.() ?? {};
    const privateAddress = privateAddressOf(document);
    const policy = lowerFirewall(
      { ...firewall, id: document.id },
      {
        facts,
        ipGroups: id => {
          const group = typed(store, id, IP_GROUP_TYPE);
          return group && rangesOfIpGroup(group);
        },
        privateAddress: localAddressOf[privateAddress] ?? privateAddress,
        publicIps: publicIpsOf(firewall, store),
      },
    );
    const previous = this.#last.get(document.id);
    const program = compile(policy, { localAddressOf, ...(previous && { previous }) });
    this.#last.set(document.id, program);
    return program;
  }
}

function publicIpsOf({ ipConfigurations }: AzureFirewall, store: ResourceStore) {
  return ipConfigurations.map(({ publicIpId, name }) => {
    const publicIp = publicAddress(store, publicIpId);
    if (!publicIp)
      throw new UncompilableFirewall([`IP configuration '${name}': ${publicIpId} has no address`]);
    return publicIp;
  });
}

function publicAddress(store: ResourceStore, id: string) {
  const document = typed(store, id, PUBLIC_IP_TYPE);
  const address = document && addressOfPublicIp(document);
  return document && address !== undefined ? { name: document.name, address } : undefined;
}

function privateAddressOf(document: ArmDocument): number {
  const [first] = document.properties.ipConfigurations as { properties?: { privateIPAddress?: string } }[];
  const address = parseIpv4(first?.properties?.privateIPAddress ?? '');
  if (address === undefined)
    throw new UncompilableFirewall(['the first IP configuration has no private address']);
  return address;
}

function typed(store: ResourceStore, id: string, type: string): ArmDocument | undefined {
  const document = store.get(id)?.document;
  return document?.type.toLowerCase() === type.toLowerCase() ? document : undefined;
}
