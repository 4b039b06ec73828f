// The question before something is destroyed. Reads standard input, be it a terminal or a pipe; the end of input
// means no.

import { AzError } from './errors.ts';
import type { AzIo } from './io.ts';

/** Nobody means a line longer than this as an answer. */
const MOST_ANSWER_LETTERS = 4096;

/** Returns if the answer is yes, throws otherwise. Asks again after an answer that is neither yes nor no. */
export async function confirmOrThrow(question: string, io: AzIo): Promise<void> {
  const screen = io.stderr.isTTY ? io.stderr : io.stdout;
  const ask = (): void => {
    screen.write(`${question} (y/n): `);
  };
  ask();
  let text = '';
  for await (const chunk of io.stdin) {
    text += String(chunk);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const answer = text.slice(0, end).trim().toLowerCase();
      text = text.slice(end + 1);
      if (answer === 'y' || answer === 'yes') return;
      if (answer === 'n' || answer === 'no') throw new AzError('Operation cancelled.');
      ask();
    }
    if (text.length > MOST_ANSWER_LETTERS) break;
  }
  const last = text.trim().toLowerCase();
  if (last === 'y' || last === 'yes') return;
  screen.write('\n');
  throw new AzError(
    'Operation cancelled: standard input ended without a yes.',
    1,
    'Use --yes to run without a question.',
  );
}
