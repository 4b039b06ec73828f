// What the API knows of one resource type: how a request becomes a document, what it is checked against, how it is
// shown, and who keeps it from being deleted. The routes are the same for all types.

import type { ArmErrorDetail } from '#arm/arm-error.ts';
import type { Faults, Json, JsonReader } from '#arm/json-reader.ts';
import type { ArmDocument, ResourceStore, StoredResource } from '#store/resource-store.ts';
import type { ApiOptions } from './options.ts';

export interface KindContext {
  readonly store: ResourceStore;
  readonly options: ApiOptions;
}

export interface WriteRequest {
  /** Canonical id, name and type, and the location and tags of the body. */
  readonly envelope: Pick<ArmDocument, 'id' | 'name' | 'type' | 'location' | 'tags'>;
  readonly body: Json;
  /** Reader of the body, with the envelope already read. Whoever reads it to the end calls `finish`. */
  readonly reader: JsonReader;
  readonly before: ArmDocument | undefined;
}

/** Why a resource cannot be deleted. */
export interface DeletionBlock {
  readonly code: string;
  readonly message: string;
  /** Ids or names of those who use it. */
  readonly users: readonly string[];
}

export interface ResourceKind {
  readonly type: string;
  /** Place in the deletion of a whole group, lowest first: users go before what they use. */
  readonly deletionRank: number;
  readonly child?: ChildKind;
  /**
   * Type of the resource it lives below, as an entry of the store of its own: it has neither location nor tags, is written
   * one after the other with its siblings, and goes when its parent goes.
   */
  readonly parentType?: string;
  /** The document to store; faults go to the reader. */
  read(request: WriteRequest, context: KindContext): ArmDocument;
  /** Faults that only other resources can tell: references, and parts that are still used. */
  check(after: ArmDocument, before: ArmDocument | undefined, faults: Faults, context: KindContext): void;
  /** Properties as answers show them, with what the service adds. */
  showProperties(resource: StoredResource, context: KindContext): Json;
  blockDeletion(document: ArmDocument, context: KindContext): DeletionBlock | undefined;
  /** Ids of firewalls whose rules or addresses this write changes, other than the resource itself. */
  affectedFirewalls(
    after: ArmDocument,
    before: ArmDocument | undefined,
    context: KindContext,
  ): readonly string[];
  /** The same for its deletion; absent where nothing that others run can be deleted. */
  affectedByDeletion?(document: ArmDocument, context: KindContext): readonly string[];
}

/** Children that live inside their parent's document: subnets, routes. */
export interface ChildKind {
  readonly type: string;
  /** Path word of the children and name of the array in the parent's properties. */
  readonly list: string;
  read(reader: JsonReader, nameInPath: string): { readonly name: string; readonly properties: Json };
  /** Checks the children of a parent against each other; the written one stands last. */
  checkList(
    children: readonly { name: string; properties: Json }[],
    parent: ArmDocument,
    faults: Faults,
  ): void;
  blockDeletion(childId: string, name: string, context: KindContext): DeletionBlock | undefined;
}

/** A reference to a resource that must exist, in the same region: Azure's words for both. */
export function invalidReference(target: string, id: string, referrer: string): ArmErrorDetail {
  return {
    code: 'InvalidResourceReference',
    target,
    message: `The resource ${id}, which ${referrer} refers to, was not found. It must exist, and both must be in the same region.`,
  };
}
