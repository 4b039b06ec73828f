// What reading a template may cost. A template of one page can describe more than any machine holds: variables that double each
// other, loops in loops, functions that call each other twice. So every step is counted, and what comes out is weighed as the
// text it would be, values that share parts counted once for every place they stand in. Pure; one `TemplateWork` a template.

import { isObject } from '#arm/json-reader.ts';
import { TemplateError } from './template-expression.ts';

/** Ends the reading of a template as a whole: once the work is spent, every further place would say the same. */
export class TemplateExhausted extends Error {
  override readonly name = 'TemplateExhausted';
}

/**
 * Steps, characters and items together, beyond what the template itself is as a text: two seconds of work. Everything that
 * Azure lets a subscription have in rules and IP groups comes to some millions.
 */
const MOST_WORK = 20_000_000;
/** Characters and items of one value; Azure takes templates of 4 MiB. */
const MOST_WEIGHT = 10_000_000;
/** What is written down has a dozen levels; code that walks values relies on there being few. */
const DEEPEST = 200;

/** A step costs more time than a character. */
export const STEP = 10;

interface Weight {
  readonly weight: number;
  readonly levels: number;
}

export class TemplateWork {
  #left: number;
  /** Of objects and lists that were weighed before: a value that has many places is looked at once. */
  readonly #known = new WeakMap<object, Weight>();

  constructor(template: unknown) {
    this.#left = MOST_WORK + STEP * this.#weightOf(template, 0).weight;
  }

  /** Throws `TemplateExhausted`. */
  spend(work: number): void {
    this.#left -= work;
    if (!(this.#left >= 0))
      throw new TemplateExhausted(
        'evaluating the template takes too much work: its loops and expressions make more than any deployment could hold',
      );
  }

  /** For a value that was just made; throws `TemplateExhausted` for one that is too large. */
  weigh<T>(value: T): T {
    const { weight, levels } = this.#weightOf(value, 0);
    if (levels > DEEPEST) throw new TemplateError(`a value is nested deeper than ${DEEPEST} levels`);
    if (weight > MOST_WEIGHT)
      throw new TemplateExhausted(
        `a value of the template has more than ${MOST_WEIGHT} characters and items`,
      );
    return value;
  }

  /** What walking two values side by side costs. */
  spendOnBoth(a: unknown, b: unknown): void {
    this.spend(Math.min(this.#weightOf(a, 0).weight, this.#weightOf(b, 0).weight));
  }

  #weightOf(value: unknown, level: number): Weight {
    if (typeof value === 'string') return { weight: 1 + value.length, levels: 0 };
    if (typeof value !== 'object' || value === null) return { weight: 1, levels: 0 };
    const known = this.#known.get(value);
    if (known) return known;
    if (level > DEEPEST) return { weight: 1, levels: 1 };
    let weight = 1;
    let levels = 0;
    const add = (part: Weight): void => {
      weight += part.weight;
      levels = Math.max(levels, part.levels);
    };
    if (Array.isArray(value)) for (const item of value) add(this.#weightOf(item, level + 1));
    else
      for (const [key, member] of Object.entries(value)) {
        weight += key.length;
        add(this.#weightOf(member, level + 1));
      }
    const found = { weight, levels: levels + 1 };
    this.#known.set(value, found);
    return found;
  }
}

/** Items or characters at the top of a value: what looking through it once costs. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : 0;
}
