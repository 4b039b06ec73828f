// A package that is not there is told in one sentence; a module of ours that is not there stays a bug.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { missingPackage } from './missing-package.ts';

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
  const told = async (specifier: string) => missingPackage(await failing(specifier));
  assert.ok((await told('koffee-and-cake'))?.startsWith("the package 'koffee-and-cake' is not installed. "));
  assert.ok(
    (await told('@nobody/at-all/part'))?.startsWith("the package '@nobody/at-all' is not installed. "),
  );
  assert.match(
    (await told('node:nothing')) ?? '',
    /^it needs Node 24, .* and this is Node \d+\..* npm install --include=optional/,
  );
  assert.equal(await told('./not-there.mjs'), undefined);
  assert.equal(missingPackage(new Error("Cannot find package 'koffi'")), undefined);
});
