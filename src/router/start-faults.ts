// Why a router does not start, in a line that names the flag to mend, for what only the system knows: a port that is
// taken, an address of another machine, a folder that cannot be written. Pure.

import { isIP } from 'node:net';
import { ConfigFault } from './folder-source.ts';
import type { UpOptions } from './options.ts';

/** Undefined for an error that nobody expects, whose stack is of use. */
export function faultsOfStart(
  error: unknown,
  { apiListen, apiPort }: Pick<UpOptions, 'apiListen' | 'apiPort'>,
): readonly string[] | undefined {
  if (error instanceof ConfigFault) return error.faults;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === 'listen' && 'address' in error && isIP(String(error.address)) !== 0) {
    if (code === 'EADDRINUSE')
      return [`--api-port ${apiPort}: another program listens on ${apiListen} port ${apiPort} already.`];
    if (code === 'EADDRNOTAVAIL')
      return [`--api-listen ${apiListen}: no interface of this machine has this address.`];
    return [`--api-listen ${apiListen}, --api-port ${apiPort}: ${message}.`];
  }
  return syscall === undefined ? undefined : [`${message}.`];
}
