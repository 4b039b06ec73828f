// Deleting: what keeps a resource, what a configuration file protects, and a whole group in dependency order.

import { ArmError, type ArmErrorDetail } from '#arm/arm-error.ts';
import { idKey } from '#arm/resource-id.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import type { StoredResource } from '#store/resource-store.ts';
import { kindOfType } from './kinds.ts';
import { isOfType } from './references.ts';
import type { DeletionBlock, KindContext } from './resource-kind.ts';

/** 409 for what a configuration file describes: the file is the truth, and would undo the change. */
export function refuseDescribed({ document, origin }: StoredResource): void {
  if (origin === 'api') return;
  throw new ArmError(
    409,
    'ScopeLocked',
    `${document.id} is described by the configuration file ${origin} and cannot be changed here. Change the file instead.`,
  );
}

export function refuseBlocked(block: DeletionBlock | undefined, id: string): void {
  if (block) throw new ArmError(400, block.code, block.message, [], id);
}

/** Deletes a group with everything in it, users before what they use; ids of the firewalls that went. */
export function deleteGroup(group: StoredResource, context: KindContext): string[] {
  const { store } = context;
  return store.transaction(() => {
    const resources = store
      .list({ resourceGroup: group.document.name })
      .sort((a, b) => rankOf(a) - rankOf(b));
    const blocks = resources.flatMap(resource => blocksOf(resource, group.document.id, context));
    if (blocks.length > 0)
      throw new ArmError(
        409,
        'ResourceGroupDeletionBlocked',
        `Deletion of resource group '${group.document.name}' is blocked: ${blocks.map(({ message }) => message).join(' ')}`,
        blocks,
      );
    for (const { document } of resources) store.delete(document.id);
    store.delete(group.document.id);
    return resources
      .filter(({ document }) => isOfType(document, FIREWALL_TYPE))
      .map(({ document }) => document.id);
  });
}

function rankOf({ document }: StoredResource): number {
  return kindOfType(document.type)?.deletionRank ?? 0;
}

/** Users inside the group go with it; users outside, and configuration files, keep it. */
function blocksOf(
  { document, origin }: StoredResource,
  groupId: string,
  context: KindContext,
): ArmErrorDetail[] {
  if (origin !== 'api')
    return [
      {
        code: 'ScopeLocked',
        target: document.id,
        message: `${document.id} is described by the configuration file ${origin}.`,
      },
    ];
  const block = kindOfType(document.type)?.blockDeletion(document, context);
  const outside =
    block?.users.filter(id => id.startsWith('/') && !idKey(id).startsWith(`${idKey(groupId)}/`)) ?? [];
  if (!block || outside.length === 0) return [];
  return [
    { code: block.code, target: document.id, message: `${document.id} is in use by ${outside.join(', ')}.` },
  ];
}
