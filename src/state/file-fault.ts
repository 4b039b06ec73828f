// Why a file that a user named cannot be used, in the user's words instead of the system's.

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'it cannot be read by this user',
  EPERM: 'it cannot be read by this user',
  EISDIR: 'it is a folder',
};

/** As `fileFault`, of a file that was to be written: what is missing then is its folder. */
export function writeFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'the folder it is to lie in is missing';
  return code === 'EACCES' || code === 'EPERM' ? 'it cannot be written by this user' : fileFault(error);
}

/** Errors that are not the system's keep their own words. */
export function fileFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = 'code' in error && typeof error.code === 'string' ? WORDS[error.code] : undefined;
  return known ?? error.message;
}
