// What a lab needs from the machine, asked before anything is made: a few programs, and leave to make namespaces. Every
// refusal comes with the command that helps.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from './lab-files.ts';

/** Command to its Debian package. */
const TOOLS: readonly (readonly [string, string])[] = [
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['unshare', 'util-linux'],
  ['nsenter', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['mount', 'mount'],
];

const RESTRICTION = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
const CLONE = '/proc/sys/kernel/unprivileged_userns_clone';

/** Programs in sbin are not on every user's path. */
export function pathWithSbin(path: string = process.env.PATH ?? ''): string {
  const folders = path.split(':').filter(folder => folder !== '');
  return [...new Set([...folders, '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])].join(':');
}

export function requireTools(path: string): void {
  const folders = path.split(':');
  const missing = TOOLS.filter(([tool]) => !folders.some(folder => isExecutable(join(folder, tool))));
  if (missing.length === 0) return;
  const names = missing.map(([tool]) => tool).join(', ');
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  throw new LabError(`The lab needs ${names}:\n  sudo apt-get install -y ${packages}`);
}

/** Flags of unshare(1) for the lab's namespaces: with a user namespace where we have no privilege without one. */
export function namespaceFlags(path: string): string[] {
  const plain = ['--mount', '--net', '--pid', '--fork'];
  const user = ['--user', '--map-root-user'];
  let said = '';
  for (const flags of process.geteuid?.() === 0 ? [plain, [...user, ...plain]] : [[...user, ...plain]]) {
    const { status, stderr, error } = spawnSync('unshare', [...flags, 'true'], {
      encoding: 'utf8',
      env: { PATH: path },
    });
    if (status === 0) return flags;
    said = error?.message ?? stderr.trim();
  }
  throw new LabError(refusal(said, readSetting(RESTRICTION), readSetting(CLONE)));
}

/** In words, with the setting that helps. */
export function refusal(said: string, restriction: string, clone: string): string {
  const head = `This machine does not let this user make namespaces (${said}).`;
  if (restriction === '1')
    return `${head}\nUbuntu restricts user namespaces. Allow them until the next start of the machine:\n  sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\nor run the lab as root.`;
  if (clone === '0')
    return `${head}\nAllow them:\n  sudo sysctl -w kernel.unprivileged_userns_clone=1\nor run the lab as root.`;
  return `${head}\nRun the lab as root, or allow user namespaces (user.max_user_namespaces above 0; in a container, its --privileged flag).`;
}

function readSetting(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
