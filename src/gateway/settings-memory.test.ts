// Remembered settings belong to one boot.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { forgetOtherBoot, SETTINGS_FILE } from './settings-memory.ts';

test('settings of this boot are kept, those of another are forgotten', t => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-boot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  forgetOtherBoot(folder, 'one');
  writeFileSync(join(folder, SETTINGS_FILE), '{}');
  forgetOtherBoot(folder, 'one');
  assert.ok(existsSync(join(folder, SETTINGS_FILE)));
  forgetOtherBoot(folder, 'two');
  assert.ok(!existsSync(join(folder, SETTINGS_FILE)));
});
