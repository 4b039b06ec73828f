// Reads YAML strictly: every key is known, every value of its kind, and every fault has its line and column. A value that no key
// asks for is a fault and not a comment. Pure.

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';

export interface YamlFault {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

/** A node with the means to say where it stands. */
export class YamlReader {
  readonly #node: ParsedNode | null;
  readonly #source: Source;
  readonly #what: string;
  readonly #offset: number;

  /** What is not there stands where `key` does. */
  constructor(node: ParsedNode | null, source: Source, what: string, key: ParsedNode | null = null) {
    this.#node = source.resolve(node);
    this.#source = source;
    this.#what = what;
    this.#offset = (node ?? key)?.range[0] ?? 0;
  }

  get place(): YamlPlace {
    return this.#source.placeOf(this.#offset);
  }

  fault(message: string): undefined {
    this.#source.faults.push({ ...this.place, message });
    return undefined;
  }

  /** The same, which messages call otherwise. */
  called(what: string): YamlReader {
    return new YamlReader(this.#node, this.#source, what);
  }

  /** The members of a mapping by key; unknown keys and those that stand twice are faults. */
  members<Key extends string>(keys: readonly Key[]): Partial<Record<Key, YamlReader>> {
    const node = this.#node;
    if (!isMap<ParsedNode, ParsedNode | null>(node)) {
      this.fault(`${this.#what} must be a mapping`);
      return {};
    }
    const members: Partial<Record<Key, YamlReader>> = {};
    for (const { key, value } of node.items as Pair<ParsedNode, ParsedNode | null>[]) {
      const name = isScalar(key) ? String(key.value) : '';
      const known = keys.find(candidate => candidate === name);
      if (known !== undefined) members[known] = new YamlReader(value, this.#source, `'${name}'`, key);
      else
        new YamlReader(key, this.#source, '').fault(
          `${this.#what} has no key '${name}'; it takes ${keys.join(', ')}`,
        );
    }
    return members;
  }

  /** The members of a mapping whose keys are names. */
  entries(): readonly (readonly [name: string, key: YamlReader, value: YamlReader])[] {
    const node = this.#node;
    if (!isMap<ParsedNode, ParsedNode | null>(node)) {
      this.fault(`${this.#what} must be a mapping`);
      return [];
    }
    return node.items.map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : '';
      return [
        name,
        new YamlReader(key, this.#source, `'${name}'`),
        new YamlReader(value, this.#source, `'${name}'`, key),
      ] as const;
    });
  }

  items(): readonly YamlReader[] {
    if (!isSeq<ParsedNode>(this.#node)) {
      this.fault(`${this.#what} must be a list`);
      return [];
    }
    return this.#node.items.map(item => new YamlReader(item, this.#source, `an item of ${this.#what}`));
  }

  /** The items of a list, or the one value that stands for a list of one. */
  itemsOrOne(): readonly YamlReader[] {
    return isSeq(this.#node) ? this.items() : [this];
  }

  isMapping(): boolean {
    return isMap(this.#node);
  }

  /** Nothing was written: `key:` or `~`. */
  isEmpty(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null);
  }

  /** As it was written, so that `47` is a text too. */
  text(): string | undefined {
    const node = this.#node;
    if (!isScalar(node) || node.value === null) return this.fault(`${this.#what} must be a text`);
    return typeof node.value === 'string' ? node.value : ((node as Scalar).source ?? String(node.value));
  }

  boolean(): boolean | undefined {
    const node = this.#node;
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    return this.fault(`${this.#what} must be true or false`);
  }

  /** One of the words in any case, in the spelling of the list. */
  oneOf<Word extends string>(words: readonly Word[], shown = words.join(', ')): Word | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const word = words.find(candidate => candidate.toLowerCase() === text.toLowerCase());
    return word ?? this.fault(`'${text}' is not a value of ${this.#what}, which takes ${shown}`);
  }
}

interface Source {
  readonly faults: YamlFault[];
  placeOf(offset: number): YamlPlace;
  /** What an alias (`*name`) stands for; any other node itself. */
  resolve(node: ParsedNode | null): ParsedNode | null;
}

/** Found in one walk: an alias stands for the nearest anchor before it. */
function meaningsOfAliases(document: Document.Parsed): ReadonlyMap<Alias, ParsedNode> {
  const anchors = new Map<string, ParsedNode>();
  const meanings = new Map<Alias, ParsedNode>();
  visit(document, {
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node as ParsedNode);
    },
    Alias: (_, alias) => {
      const meaning = anchors.get(alias.source);
      if (meaning) meanings.set(alias, meaning);
    },
  });
  return meanings;
}

/** The faults grow while the document is read. */
export function readYaml(
  text: string,
  what: string,
): { readonly root: YamlReader; readonly faults: readonly YamlFault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const meanings = meaningsOfAliases(document);
  const source: Source = {
    faults: [],
    resolve: node => (isAlias(node) ? (meanings.get(node) ?? null) : node),
    placeOf: offset => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    },
  };
  for (const { pos, message } of [...document.errors, ...document.warnings])
    source.faults.push({ ...source.placeOf(pos[0]), message });
  return { root: new YamlReader(document.contents, source, what), faults: source.faults };
}
