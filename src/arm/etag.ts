// Entity tags of resources and the conditions a request may put on them (RFC 9110 section 13.1). A tag is made from
// the store's revision, so it changes with every write and survives a restart.

import { ArmError } from './arm-error.ts';

/** Shaped as Azure's: weak, with a UUID inside. */
export function formatEtag(revision: number): string {
  const digits = revision.toString(16).padStart(32, '0');
  const parts = [0, 8, 12, 16, 20].map((start, index, starts) => digits.slice(start, starts[index + 1]));
  return `W/"${parts.join('-')}"`;
}

export interface EtagConditions {
  /** Value of `If-Match`; undefined or null if absent. */
  readonly ifMatch: string | null | undefined;
  readonly ifNoneMatch: string | null | undefined;
}

/** Throws 412 unless the conditions hold for the resource's current tag; undefined means that it does not exist. */
export function checkEtag(conditions: EtagConditions, current: string | undefined, id: string): void {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch && !names(ifMatch, current))
    throw new ArmError(
      412,
      'PreconditionFailed',
      current === undefined
        ? `The resource ${id} does not exist, but the request has If-Match: ${ifMatch}.`
        : `The resource ${id} has changed: its etag is ${current}, the request has If-Match: ${ifMatch}. Read it again.`,
    );
  if (ifNoneMatch && names(ifNoneMatch, current))
    throw new ArmError(
      412,
      'PreconditionFailed',
      `The resource ${id} exists with etag ${current}, but the request has If-None-Match: ${ifNoneMatch}.`,
    );
}

function names(header: string, current: string | undefined): boolean {
  if (current === undefined) return false;
  return header.split(',').some(tag => tag.trim() === '*' || opaque(tag) === opaque(current));
}

/** Weak comparison: the prefix `W/` does not count. */
function opaque(tag: string): string {
  return tag.trim().replace(/^W\//i, '').replaceAll('"', '').toLowerCase();
}
