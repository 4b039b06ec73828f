// Which differences a reader wants to see first: what becomes allowed before what becomes denied before the rest, and the
// widest first.

import type { DiffEntry, DiffKind } from './entry.ts';

const RANKS: Readonly<Record<DiffKind, number>> = { NewlyAllowed: 0, NewlyDenied: 1, Changed: 2 };

/** What a wildcard weighs against a plain name. */
const WILDCARD = 1000;

export function inOrderOfRisk(entries: readonly DiffEntry[]): DiffEntry[] {
  return entries
    .map(entry => ({ entry, width: widthOf(entry) }))
    .sort((a, b) => RANKS[a.entry.kind] - RANKS[b.entry.kind] || b.width - a.width)
    .map(({ entry }) => entry);
}

function widthOf(entry: DiffEntry): number {
  const ports = entry.services.reduce((sum, { ports: { first, last } }) => sum + last - first + 1, 0);
  return entry.sourceCount * targetsOf(entry) * ports;
}

/** A name counts for the few addresses behind it. */
function targetsOf({ claimedNames, destinationNames, destinationCount }: DiffEntry): number {
  if (claimedNames && !claimedNames.some(({ pattern }) => pattern === '*'))
    return claimedNames.reduce((sum, { pattern }) => sum + (pattern.includes('*') ? WILDCARD : 1), 0);
  if (destinationNames && !destinationNames.unnamed)
    return Math.min(destinationCount, destinationNames.names.length + destinationNames.together.length);
  return destinationCount;
}
