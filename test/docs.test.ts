// Documents that can be checked against the program are checked here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { currentPart, DOCUMENT, generatedPart } from '../scripts/compatibility.ts';

test('docs/compatibility.md lists every az command as it is declared (scripts/node scripts/compatibility.ts --write)', async () => {
  assert.equal(currentPart(readFileSync(DOCUMENT, 'utf8')), await generatedPart());
});
