// Names and values that others wrote, made fit for one line of a terminal or a build log: a line break in them could begin a line
// that a build server takes for a command, an escape character could rewrite what stands above. Pure.

/** Control characters, line separators and marks that turn the direction of text, as `\u001b`. */
export function plainLine(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
