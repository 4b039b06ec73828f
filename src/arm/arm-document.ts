// A resource as ARM carries it. The store keeps these, files and templates are read into them, the model parses them.

export interface ArmDocument {
  /** Canonical id, in the case in which it was first written. */
  readonly id: string;
  readonly name: string;
  /** `Microsoft.Network/virtualNetworks`; resource groups are `Microsoft.Resources/resourceGroups`. */
  readonly type: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly sku?: Readonly<Record<string, unknown>>;
  readonly zones?: readonly string[];
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A set of resources that refer to each other by id, matched without regard to case. */
export interface Documents {
  get(id: string): ArmDocument | undefined;
  /** All of one type, ordered by id. */
  ofType(type: string): readonly ArmDocument[];
}

/** The set that a list of documents makes; of two with one id the later one counts. */
export function toDocuments(list: readonly ArmDocument[]): Documents {
  const byId = new Map(list.map(document => [document.id.toLowerCase(), document]));
  const ordered = [...byId.values()].sort((a, b) => (a.id.toLowerCase() < b.id.toLowerCase() ? -1 : 1));
  return {
    get: id => byId.get(id.toLowerCase()),
    ofType: type => ordered.filter(document => document.type.toLowerCase() === type.toLowerCase()),
  };
}
