// Which members of two lists stand in both in the same order: a longest common subsequence. No member is twice in one list,
// so it is a longest rising run of positions, found in n log n steps.

/** Members of the longest common subsequence, in order. */
export function commonInOrder<T>(a: readonly T[], b: readonly T[]): T[] {
  const positions = new Map(b.map((member, position) => [member, position]));
  const tails: number[] = [];
  const before: number[] = [];
  a.forEach((member, index) => {
    const position = positions.get(member);
    if (position === undefined) return;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((positions.get(a[tails[middle] ?? 0] as T) ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    before[index] = low > 0 ? (tails[low - 1] ?? -1) : -1;
    tails[low] = index;
  });
  const common: T[] = [];
  for (let index = tails.at(-1) ?? -1; index >= 0; index = before[index] ?? -1) common.push(a[index] as T);
  return common.reverse();
}
