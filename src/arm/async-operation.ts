// Bodies of long-running operations, and operation names that say what they wait for. A name holds the ids of the
// resources whose state decides the operation, so that polling goes on after a restart and nothing has to be kept.

import type { ErrorEnvelope } from './arm-error.ts';

export type OperationStatus = 'InProgress' | 'Succeeded' | 'Failed';

export interface OperationBody {
  readonly id: string;
  readonly name: string;
  readonly status: OperationStatus;
  readonly error?: ErrorEnvelope['error'];
}

export function formatOperationName(resourceIds: readonly string[]): string {
  return Buffer.from(JSON.stringify(resourceIds)).toString('base64url');
}

/** Undefined for a name that `formatOperationName` did not make. */
export function parseOperationName(name: string): readonly string[] | undefined {
  try {
    const ids: unknown = JSON.parse(Buffer.from(name, 'base64url').toString('utf8'));
    return Array.isArray(ids) && ids.every(id => typeof id === 'string') ? ids : undefined;
  } catch {
    return undefined;
  }
}
