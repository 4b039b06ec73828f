// A package that is not there is told in one sentence; a module of ours that is not there stays a bug.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { missingPackage } from './missing-package.ts';

const BRINGS = "Only offline commands do without Postern's optional packages: npm install --include=optional";

test('a missing package, a missing part of Node and what is none of them', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-missing-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const failing = async (specifier: string) => {
    const file = join(folder, `${specifier.replaceAll(/\W/g, '-')}.mjs`);
    writeFileSync(file, `import '${specifier}';`);
    return import(pathToFileURL(file).href).then(
      () => assert.fail('it loads'),
      (error: unknown) => error,
    );
  };
  const told = async (specifier: string) => missingPackage(await failing(specifier), 'lab');
  assert.ok(
    (await told('koffee-and-cake'))?.startsWith(
      `postern lab: the package 'koffee-and-cake' is not installed. ${BRINGS}`,
    ),
  );
  assert.ok(
    (await told('@nobody/at-all/part'))?.startsWith(
      "postern lab: the package '@nobody/at-all' is not installed.",
    ),
  );
  assert.match((await told('node:nothing')) ?? '', /^postern lab: it needs Node 24, and this is Node \d/);
  assert.equal(await told('./not-there.mjs'), undefined);
  assert.equal(missingPackage(new Error("Cannot find package 'koffi'"), 'lab'), undefined);
});
