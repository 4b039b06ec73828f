// What a program that ended said was wrong, out of the end of its standard error. Pure.

/** More than a stack of Node. */
const KEPT_CHARACTERS = 8192;
const LONGEST = 500;

/** Keeps the end of a stream of text. */
export function keepEnd(kept: string, more: string): string {
  return (kept + more).slice(-KEPT_CHARACTERS);
}

/**
 * The last line that a person can use. A crash of Node ends with a stack and the version of Node; its message stands
 * above, after the name of the error. Undefined when nothing was said.
 */
export function lastWords(text: string): string | undefined {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const crashed = /^Node\.js v\d/.test(lines.at(-1) ?? '');
  const line = crashed ? lines.findLast(each => /^(?:Uncaught )?\w*Error\b.*: /.test(each)) : lines.at(-1);
  return (line ?? lines.at(-1))?.trim().slice(0, LONGEST);
}
