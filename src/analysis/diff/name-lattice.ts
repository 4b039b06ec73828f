// Which of the patterns that two policies write hold which others. Made once for a comparison; what lies around a pattern or
// within it is worked out when it is first asked for.

import { type FqdnPattern, formatFqdnPattern, matchesFqdn } from '#net/fqdn.ts';

export const EVERY_NAME = '*';

export class NameLattice {
  readonly #patterns = new Map<string, FqdnPattern>();
  readonly #inner: Extract<FqdnPattern, { kind: 'inner' }>[] = [];
  readonly #around = new Map<string, readonly string[]>();
  #within: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(atoms: Iterable<FqdnPattern>) {
    for (const atom of atoms) {
      this.#patterns.set(formatFqdnPattern(atom), atom);
      if (atom.kind === 'inner') this.#inner.push(atom);
    }
  }

  /** The wider ones, `*` among them. */
  around(text: string): readonly string[] {
    const known = this.#around.get(text);
    if (known) return known;
    const wider = text === EVERY_NAME ? [] : this.#widerThan(text);
    this.#around.set(text, wider);
    return wider;
  }

  /** The narrower ones. */
  within(text: string): readonly string[] {
    this.#within ??= this.#turnAround();
    return this.#within.get(text) ?? [];
  }

  #widerThan(text: string): string[] {
    const wider = [EVERY_NAME];
    // No name has a `~`, so it stands for what no pattern speaks of.
    const witness = text.replace('*', '~');
    for (let at = 0; at < witness.length; at++) {
      if (at === 0 && witness.startsWith('.')) continue;
      const pattern = `*${witness.slice(at)}`;
      if (pattern !== text && this.#patterns.has(pattern)) wider.push(pattern);
    }
    for (const inner of this.#inner) {
      const pattern = formatFqdnPattern(inner);
      if (pattern !== text && matchesFqdn(inner, witness)) wider.push(pattern);
    }
    return wider;
  }

  #turnAround(): Map<string, string[]> {
    const within = new Map<string, string[]>();
    for (const text of this.#patterns.keys()) {
      for (const wider of this.around(text)) {
        const list = within.get(wider);
        if (list) list.push(text);
        else within.set(wider, [text]);
      }
    }
    return within;
  }
}
