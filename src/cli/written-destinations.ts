// What rules write as destinations, wherever they stand in a document: service tags are named nowhere else.

/** Every string in a `destinationAddresses`, however deep; with repetitions, and addresses too. */
export function writtenDestinations(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'destinationAddresses' && Array.isArray(member)
      ? member.filter(item => typeof item === 'string')
      : writtenDestinations(member),
  );
}
