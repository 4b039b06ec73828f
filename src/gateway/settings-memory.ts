// The settings that a gateway changed are remembered on disk, so that they can be given back after a kill. A reboot gives
// them back by itself: what an earlier boot remembered must not overwrite what this one started with.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const SETTINGS_FILE = 'settings.json';
const BOOT_FILE = 'boot';

/** Drops the remembered settings of another boot. */
export function forgetOtherBoot(folder: string, boot = bootId()): void {
  const file = join(folder, BOOT_FILE);
  let last = '';
  try {
    last = readFileSync(file, 'utf8');
  } catch {
    // The first start with this folder: whatever is remembered in it is of no known boot.
  }
  if (last === boot) return;
  rmSync(join(folder, SETTINGS_FILE), { force: true });
  writeFileSync(file, boot, { mode: 0o600 });
}

/** Nothing of this machine is changed any more. */
export function forgetBoot(folder: string): void {
  rmSync(join(folder, BOOT_FILE), { force: true });
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
