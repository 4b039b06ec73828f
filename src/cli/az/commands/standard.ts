// Commands that look the same for every kind of network resource: show, list and delete. A kind is named by its type
// below Microsoft.Network and the argument that names one.

import { anyResourceGroup, named, noWait, resourceGroup, yes } from '../arguments.ts';
import { presentResource } from '../present.ts';
import type { Command } from '../spec.ts';

export interface ResourceKind {
  /** Such as `virtualNetworks`. */
  readonly type: string;
  /** Such as `virtual network`, for help. */
  readonly noun: string;
  /** Rows of `show` and `list` for `-o table`, where they are not the plain ones. */
  readonly showTable?: (result: unknown) => unknown;
  readonly listTable?: (result: unknown) => unknown;
  /** What `show` refuses besides `--ids`. */
  readonly showRefused?: Readonly<Record<string, string>>;
  /** Whether `delete` asks before it runs, where Azure's does. */
  readonly confirmsDeletion?: boolean;
}

export function showCommand({ type, noun, showTable, showRefused }: ResourceKind): Command {
  return {
    name: 'show',
    summary: `Show a ${noun}.`,
    arguments: [named(noun), resourceGroup],
    refused: { '--ids': 'name the resource with --name and --resource-group.', ...showRefused },
    ...(showTable && { table: showTable }),
    async run({ arm, values }) {
      return presentResource(
        await arm.get(arm.networkPath(values.text('resourceGroup'), type, values.text('name'))),
      );
    },
  };
}

export function listCommand({ type, noun, listTable }: ResourceKind): Command {
  return {
    name: 'list',
    summary: `List every ${noun} of a resource group, or of all groups.`,
    arguments: [anyResourceGroup],
    ...(listTable && { table: listTable }),
    async run({ arm, values }) {
      return presentResource(await arm.list(arm.networkPath(values.optional('resourceGroup'), type)));
    },
  };
}

export function deleteCommand({ type, noun, confirmsDeletion }: ResourceKind): Command {
  return {
    name: 'delete',
    summary: `Delete a ${noun}.`,
    arguments: [named(noun), resourceGroup, noWait, ...(confirmsDeletion ? [yes] : [])],
    refused: { '--ids': 'name the resource with --name and --resource-group.' },
    ...(confirmsDeletion && { confirm: 'Are you sure you want to perform this operation?' }),
    async run({ arm, values }) {
      const path = arm.networkPath(values.text('resourceGroup'), type, values.text('name'));
      await arm.deleteIfThere(path, { noWait: values.switch('noWait') });
    },
  };
}
