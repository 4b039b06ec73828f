// From the words of a command line to a group or a command, and what to say where they lead nowhere.

import { nearest } from '#state/nearest-word.ts';
import { groups, ROOT_COMMAND_NAMES, rootCommands, unsupportedGroups } from './commands/index.ts';
import { UsageError } from './errors.ts';
import type { Command, Group } from './spec.ts';

export type Resolved =
  | { readonly kind: 'group'; readonly path: string; readonly rest: readonly string[] }
  | {
      readonly kind: 'command';
      /** `az network vnet create`. */
      readonly path: string;
      readonly command: Command;
      readonly rest: readonly string[];
    };

export async function resolveCommand(words: readonly string[]): Promise<Resolved> {
  let path = '';
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word.startsWith('-')) return { kind: 'group', path, rest: words.slice(at) };
    const deeper = join(path, word);
    if (groups.some(group => group.path === deeper)) {
      path = deeper;
      continue;
    }
    const commands = await commandsOf(path);
    const command = commands.find(candidate => candidate.name === word);
    if (!command) throw unknownWord(path, word, commands);
    return { kind: 'command', path: `az ${deeper}`, command, rest: words.slice(at + 1) };
  }
  return { kind: 'group', path, rest: [] };
}

export async function commandsOf(path: string): Promise<readonly Command[]> {
  if (path === '') return rootCommands();
  const loaded = await groups.find(group => group.path === path)?.load?.();
  return loaded?.commands ?? [];
}

/** The groups directly below; '' is the root. */
export function subgroupsOf(path: string): readonly Group[] {
  const depth = path === '' ? 1 : path.split(' ').length + 1;
  return groups.filter(
    group => group.path.split(' ').length === depth && (path === '' || group.path.startsWith(`${path} `)),
  );
}

function join(path: string, word: string): string {
  return path === '' ? word : `${path} ${word}`;
}

function unknownWord(path: string, word: string, commands: readonly Command[]): UsageError {
  const reason = unsupportedGroups[join(path, word)];
  if (reason !== undefined)
    return new UsageError(`'az ${join(path, word)}' is not supported by Postern: ${reason}`);
  const known = [
    ...subgroupsOf(path).map(group => group.path.split(' ').at(-1) as string),
    ...(path === '' ? ROOT_COMMAND_NAMES : commands.map(command => command.name)),
  ];
  const near = nearest(word, known);
  const help = `az ${join(path, '--help')} lists what there is.`;
  return new UsageError(
    `'${word}' is misspelled or not recognized by the system.`,
    near ? `Did you mean '${near}'? ${help}` : help,
  );
}
