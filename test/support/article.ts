// Takes the shell commands out of a copy of the AKS egress article that was saved from a web page to text. Such a copy
// prints list items as one running paragraph and then each code block again, so a command can stand there three times;
// every command is taken once, in the order of its code blocks.

const SETTING = /^[A-Z][A-Z0-9_]*=/;
const isCommand = (line: string) =>
  SETTING.test(line) || (/^az [a-z]/.test(line) && (line.includes(' --') || line.endsWith('\\')));
const isProse = (line: string) => /^[A-Z][a-z]/.test(line);

/** Commands and variable settings from the start to the first one for which `isLast` holds, that one included. */
export function articleCommands(text: string, isLast: (command: string) => boolean): string[] {
  const commands: string[] = [];
  const lines = text.split(/\r?\n/);
  let inParagraph = false;
  for (let i = 0; i < lines.length; i += 1) {
    let line = (lines[i] ?? '').trimEnd();
    if (isProse(line)) {
      // A paragraph that holds a whole command goes on over the lines of its code block; the block itself follows.
      inParagraph = line.includes(' --') || /=\$\(/.test(line);
      continue;
    }
    if (inParagraph || !isCommand(line)) continue;
    while (line.endsWith('\\')) {
      i += 1;
      line += `\n${(lines[i] ?? '').trimEnd()}`;
    }
    if (!commands.includes(line)) commands.push(line);
    if (isLast(line)) break;
  }
  return commands;
}
