// Every proxied connection takes two descriptors; the soft limit of a login shell (1,024) would end at five hundred.

import koffi from 'koffi';

const RLIMIT_NOFILE = 7;

/** Raises the soft limit of open files to the hard one (setrlimit(2)); leaves it where that is not allowed. */
export function raiseFileLimit(): void {
  const libc = koffi.load('libc.so.6');
  const getrlimit = libc.func('int getrlimit(int resource, _Out_ uint64_t *limit)');
  const setrlimit = libc.func('int setrlimit(int resource, const uint64_t *limit)');
  const limit = new BigUint64Array(2);
  if (getrlimit(RLIMIT_NOFILE, limit) !== 0) return;
  const [, hard = 0n] = limit;
  setrlimit(RLIMIT_NOFILE, new BigUint64Array([hard, hard]));
}
