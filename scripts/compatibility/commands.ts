// Every az command and flag as declared in src/cli/az, and the groups that are refused.

import { groups, unsupportedGroups } from '#cli/az/commands/index.ts';
import type { Command } from '#cli/az/spec.ts';
import { commandsOf } from '#cli/az/tree.ts';
import { table } from './feature.ts';

function flagsOf({ arguments: declared }: Command): string {
  return declared
    .filter(({ hidden }) => hidden !== true)
    .map(({ flags, required }) => `\`${flags[0]}\`${required === true ? '\\*' : ''}`)
    .join(' ');
}

export async function commandsTable(): Promise<string> {
  const rows: string[][] = [];
  for (const path of ['', ...groups.map(group => group.path)]) {
    for (const command of await commandsOf(path)) {
      const name = ['az', path, command.name].filter(word => word !== '').join(' ');
      const refused = Object.keys(command.refused ?? {}).map(flag => `\`${flag}\``);
      rows.push([`\`${name}\``, flagsOf(command), refused.join(' ')]);
    }
  }
  return table(['Command', 'Flags (\\* required)', 'Azure has, refused by name'], rows);
}

export function refusedGroupsTable(): string {
  return table(
    ['Refused group', 'Reason'],
    Object.entries(unsupportedGroups).map(([path, reason]) => [`\`az ${path}\``, reason]),
  );
}
