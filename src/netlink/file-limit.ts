// The limit of open files: every proxied connection takes two descriptors, and the soft limit of a login shell (1,024) would
// end at five hundred.

import koffi from 'koffi';

const libc = koffi.load(null);
const getrlimit = libc.func('int getrlimit(int, void *)');
const setrlimit = libc.func('int setrlimit(int, void *)');
const RLIMIT_NOFILE = 7;

/** Raises the limit of open files to `wanted` where the system lets us, and says what it is. */
export function raiseFileLimit(wanted: number): number {
  const limit = Buffer.alloc(16);
  if (getrlimit(RLIMIT_NOFILE, limit) !== 0) throw new Error('the limit of open files cannot be read');
  const soft = limit.readBigUInt64LE(0);
  const hard = limit.readBigUInt64LE(8);
  if (soft >= BigInt(wanted)) return Number(soft);
  const best = (max: bigint): Buffer => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(max < BigInt(wanted) ? max : BigInt(wanted), 0);
    bytes.writeBigUInt64LE(max, 8);
    return bytes;
  };
  if (hard < BigInt(wanted) && setrlimit(RLIMIT_NOFILE, best(BigInt(wanted))) === 0) return wanted;
  if (setrlimit(RLIMIT_NOFILE, best(hard)) === 0)
    return Number(hard < BigInt(wanted) ? hard : BigInt(wanted));
  return Number(soft);
}
