// What can go wrong in a conversation with the kernel, as one typed error whose `code` is the errno name, so
// that callers compare `error.code === 'ENOENT'` and logs show a word instead of a number.

import { constants } from 'node:os';

const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number as number, name]));

export function errnoName(errno: number): string {
  return NAMES.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`;
}

export class NetlinkError extends Error {
  /** Errno name, for example `EPERM`. */
  readonly code: string;
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`${what}: ${errnoName(errno)}`);
    this.name = 'NetlinkError';
    this.errno = Math.abs(errno);
    this.code = errnoName(errno);
  }
}
