// What a machine without a package and a user without root get to read: the one line that helps, and status 3.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { noNamespaces } from './support/privileges.ts';

const RUN = join(import.meta.dirname, '../scripts/run.sh');

/** Hides programs in a mount namespace of its own, and becomes nobody. */
const WITHOUT = `
PATH=$PATH:/usr/sbin:/sbin
for name in nft dig; do mount --bind /dev/null "$(command -v "$name")"; done
exec unshare --user sh "$0" "$1"
`;

for (const task of ['demo', 'test']) {
  test(`npm run ${task} without root names all missing packages in one command`, {
    skip: noNamespaces(),
  }, () => {
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--user', '--map-root-user', '--mount', 'sh', '-c', WITHOUT, RUN, task],
      { encoding: 'utf8', timeout: 20_000 },
    );
    assert.equal(stdout, '');
    assert.match(stderr, /^ {2}sudo apt-get install -y nftables bind9-dnsutils$/m);
    assert.equal(stderr.match(/sudo/g)?.length, 1);
    assert.equal(status, 3);
  });
}
