// Sets of rules as bits, one a rule, in the order of judgement. Above the bits stands a summary with one bit for each word
// that is not empty, so that the first rule which several sets share is found by looking at few words.

/** Summary first, then the words. Made and read only by a `RuleSpace`; sets of one space fit each other. */
export type RuleBits = Int32Array;

export class RuleSpace {
  readonly rules: number;
  /** Length of a set, in words of 32 bits: what a set costs. */
  readonly size: number;
  readonly #summaryWords: number;

  constructor(rules: number) {
    this.rules = rules;
    const words = Math.ceil(rules / 32);
    this.#summaryWords = Math.ceil(words / 32);
    this.size = this.#summaryWords + words;
  }

  empty(): RuleBits {
    return new Int32Array(this.size);
  }

  add(bits: RuleBits, rule: number): void {
    const word = rule >>> 5;
    const at = this.#summaryWords + word;
    bits[at] = (bits[at] as number) | (1 << (rule & 31));
    bits[word >>> 5] = (bits[word >>> 5] as number) | (1 << (word & 31));
  }

  addAll(bits: RuleBits, others: RuleBits): void {
    for (let at = 0; at < this.size; at++) bits[at] = (bits[at] as number) | (others[at] as number);
  }

  isEmpty(bits: RuleBits): boolean {
    return !this.mayMeet(bits, bits);
  }

  /** Whether two sets share a word: without, they share no rule. */
  mayMeet(a: RuleBits, b: RuleBits): boolean {
    for (let group = 0; group < this.#summaryWords; group++)
      if (((a[group] as number) & (b[group] as number)) !== 0) return true;
    return false;
  }

  /** The first rule that all the sets hold and `accept` takes; -1 when there is none. */
  first(
    a: RuleBits,
    b: RuleBits,
    c: RuleBits = b,
    d: RuleBits = c,
    accept?: (rule: number) => boolean,
  ): number {
    for (let group = 0; group < this.#summaryWords; group++) {
      let summary = (a[group] as number) & (b[group] as number) & (c[group] as number) & (d[group] as number);
      while (summary !== 0) {
        const word = group * 32 + lowestBit(summary);
        const at = this.#summaryWords + word;
        let bits = (a[at] as number) & (b[at] as number) & (c[at] as number) & (d[at] as number);
        while (bits !== 0) {
          const rule = word * 32 + lowestBit(bits);
          if (accept === undefined || accept(rule)) return rule;
          bits &= bits - 1;
        }
        summary &= summary - 1;
      }
    }
    return -1;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
