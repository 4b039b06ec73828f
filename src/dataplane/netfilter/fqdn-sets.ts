// The addresses of watched names as the kernel holds them. The kernel's sets live as long as a name is watched,
// across policies; this memory says which elements are there, so that refreshing one is a known operation on
// every kernel and idle connections can be judged without asking.

import { NetlinkError } from '#netlink/errors.ts';
import type { KernelNetlink } from '#netlink/kernel-netlink.ts';
import { fqdnSetName, TABLE } from './names.ts';

/** Elements of one request; its attributes must fit 64 kB. */
const CHUNK = 500;

export class FqdnSets {
  readonly #netlink: KernelNetlink;
  readonly #now: () => number;
  /** Name to address to the instant the kernel forgets it. */
  readonly #watched = new Map<string, Map<number, number>>();

  /** `now` answers milliseconds of a clock that never goes back. */
  constructor(netlink: KernelNetlink, now: () => number) {
    this.#netlink = netlink;
    this.#now = now;
  }

  /** The kernel's sets for exactly these names exist now. */
  watch(fqdns: ReadonlySet<string>): void {
    for (const fqdn of fqdns) if (!this.#watched.has(fqdn)) this.#watched.set(fqdn, new Map());
    for (const fqdn of this.#watched.keys()) if (!fqdns.has(fqdn)) this.#watched.delete(fqdn);
  }

  /** What the kernel's set of a watched name was made with. */
  seed(fqdn: string, elements: readonly { readonly address: number; readonly timeoutMs: number }[]): void {
    const known = this.#watched.get(fqdn);
    for (const { address, timeoutMs } of elements) known?.set(address, this.#now() + timeoutMs);
  }

  has(fqdn: string, address: number): boolean {
    return (this.#watched.get(fqdn)?.get(address) ?? 0) > this.#now();
  }

  /** When it returns, packets see the addresses. Throws `NetlinkError`, for example ENFILE when the set is full. */
  add(fqdn: string, addresses: readonly number[], ttlSeconds: number): void {
    const known = this.#watched.get(fqdn);
    if (known === undefined || ttlSeconds <= 0) return;
    const now = this.#now();
    const expiresAt = now + ttlSeconds * 1000;
    for (const [address, at] of known) if (at <= now) known.delete(address);
    // Never shortens: another answer may have promised the address for longer.
    const wanted = [...new Set(addresses)].filter(address => (known.get(address) ?? 0) < expiresAt);
    for (let start = 0; start < wanted.length; start += CHUNK) {
      const chunk = wanted.slice(start, start + CHUNK);
      this.#change(
        fqdnSetName(fqdn),
        chunk.filter(address => known.has(address)),
        chunk.map(address => ({ address, timeoutMs: ttlSeconds * 1000 })),
      );
      for (const address of chunk) known.set(address, expiresAt);
    }
  }

  #change(
    set: string,
    remove: readonly number[],
    add: readonly { address: number; timeoutMs: number }[],
  ): void {
    const table = TABLE.name;
    try {
      this.#netlink.changeElements({ table, set, remove, add });
    } catch (error) {
      // One of them expired in the kernel a moment before our own clock says so: find out which, one at a time.
      if (!(error instanceof NetlinkError) || error.code !== 'ENOENT' || remove.length === 0) throw error;
      for (const address of remove) {
        try {
          this.#netlink.changeElements({ table, set, remove: [address] });
        } catch (single) {
          if (!(single instanceof NetlinkError) || single.code !== 'ENOENT') throw single;
        }
      }
      this.#netlink.changeElements({ table, set, add });
    }
  }
}
