// The contract of the resource store: whole ARM documents by id, a global revision, and a watch. Small enough for
// a second implementation on etcd. Child resources that live inside their parent's document (subnets, routes,
// rule collections) are not entries of their own. Ids are matched without regard to case.

import type { ArmDocument } from '#arm/arm-document.ts';

export type { ArmDocument };

export interface StoredResource {
  readonly document: ArmDocument;
  /** Store revision of its last write; the source of the etag. */
  readonly revision: number;
  /** `api`, or the path of the configuration file that describes it and that the API must not overwrite. */
  readonly origin: string;
}

export interface ResourceFilter {
  /** Compared without regard to case. */
  readonly type?: string;
  readonly resourceGroup?: string;
}

export type StoreChange =
  | { readonly kind: 'put'; readonly resource: StoredResource }
  | { readonly kind: 'delete'; readonly id: string; readonly revision: number };

export interface ResourceStore {
  readonly revision: number;
  get(id: string): StoredResource | undefined;
  /** Ordered by id. */
  list(filter?: ResourceFilter): StoredResource[];
  /** Creates or replaces. With `expectedRevision`, throws `RevisionConflict` if the entry has another (0: must not exist). */
  put(
    document: ArmDocument,
    options?: { readonly expectedRevision?: number; readonly origin?: string },
  ): StoredResource;
  /** False if there was none. */
  delete(id: string): boolean;
  /** All or nothing; nested calls join the outer one. Watchers hear of the changes after the commit, in order. */
  transaction<T>(work: () => T): T;
  /** Calls back after each commit, in order, until the returned function is called. */
  watch(listener: (change: StoreChange) => void): () => void;
  close(): void;
}

export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
}
