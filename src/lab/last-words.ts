// Why a program ended, out of what it printed last: the line a person looks for, without the frames of a stack and the
// trailer that Node prints after it. Pure.

const MAX_CHARACTERS = 300;
/** Frames of a stack, Node's version, carets under a source line, and the braces around an error's properties. */
const NOISE = /^(\s+at |Node\.js v\d|[\s^~]*$|[\s{}[\],]*$|\s+\[?\w+\]?: |(file|node):.*:\d+$|Thrown at:)/;

/** Empty when nothing was printed. */
export function lastWords(lines: readonly string[]): string {
  // An uncaught error stands above its stack, so the line that names it wins over what follows.
  const named = lines.findLastIndex(line => /^(Uncaught )?[A-Z]?\w*(Error|Exception)\b.*: /.test(line));
  const words = lines[named] ?? lines.findLast(line => !NOISE.test(line)) ?? lines.at(-1) ?? '';
  const later = named < 0 ? undefined : lines.slice(named + 1).findLast(line => !NOISE.test(line));
  return (later ?? words).trim().slice(0, MAX_CHARACTERS);
}
