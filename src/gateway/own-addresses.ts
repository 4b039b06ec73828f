// Every IPv4 address of this machine, which no name may lead to: also those of interfaces without a cable, which the
// kernel still delivers to itself.

import { readFileSync } from 'node:fs';
import { parseIpv4 } from '#net/ipv4.ts';

/** Addresses change seldom, and a machine with many routes has a long table. */
const FRESH_MS = 2000;

export class OwnAddresses {
  readonly #read: () => string;
  readonly #now: () => number;
  #addresses: readonly number[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(read = () => readFileSync('/proc/self/net/fib_trie', 'utf8'), now = () => performance.now()) {
    this.#read = read;
    this.#now = now;
  }

  list(): readonly number[] {
    if (this.#now() - this.#readAt >= FRESH_MS) {
      this.#addresses = localAddresses(this.#read());
      this.#readAt = this.#now();
    }
    return this.#addresses;
  }
}

/** Hosts marked LOCAL in fib_trie: an address on one line, what it is on the lines below. */
function localAddresses(trie: string): readonly number[] {
  const found = new Set<number>();
  let leaf: number | undefined;
  for (const line of trie.split('\n')) {
    const [, address] = /\|-- (\S+)$/.exec(line) ?? [];
    if (address !== undefined) leaf = parseIpv4(address);
    else if (leaf !== undefined && /\/32 host LOCAL$/.test(line)) found.add(leaf);
  }
  return [...found];
}
