// What the two compact tables have in common: one header line of JSON that names the format, then lines. Pure.

/** A file that is not, or no longer, what it should be. The message says what is wrong with it. */
export class BadFactsFile extends Error {
  override readonly name = 'BadFactsFile';
}

/** Header and lines of a decompressed file; throws `BadFactsFile`. */
export function readLines(
  text: string,
  format: string,
): { header: Record<string, unknown>; lines: string[] } {
  const [first = '', ...lines] = text.split('\n');
  if (lines.pop() !== '') throw new BadFactsFile('its last line is cut off');
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(first);
  } catch (cause) {
    throw new BadFactsFile('its first line is not JSON', { cause });
  }
  if (header.format !== format) throw new BadFactsFile(`its format is ${header.format}, not ${format}`);
  return { header, lines };
}
