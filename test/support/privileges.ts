// What this machine lets a test do. Tests that need namespaces skip with this reason where they are not to be had.

import { spawnSync } from 'node:child_process';

/** False when namespaces can be made; else the reason, for the `skip` option of a test. */
export function noNamespaces(): false | string {
  const asRoot = process.geteuid?.() === 0;
  const command = asRoot ? ['-mnpf', 'true'] : ['-Urmnpf', 'true'];
  const { status, stderr, error } = spawnSync('unshare', command, { encoding: 'utf8' });
  if (status === 0) return false;
  const why = error?.message ?? stderr.trim();
  return asRoot
    ? `namespaces cannot be made here: ${why}`
    : `user namespaces are not allowed here (run as root, or allow them): ${why}`;
}

/** Runs a command as an ordinary user without any privilege, when we are root; as we are otherwise. */
export const AS_NOBODY: readonly string[] =
  process.geteuid?.() === 0
    ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs']
    : [];
