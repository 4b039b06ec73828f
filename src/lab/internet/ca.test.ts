// Certificates as Node's own reader sees them: signed by the root, valid for their names, for the promised time.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createAuthority, openAuthority } from './ca.ts';

const NOW = Date.UTC(2026, 10, 23);

describe('certificate authority', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-ca-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('issues certificates for names and addresses that its root signs', async () => {
    const authority = await createAuthority({ commonName: 'Test CA', now: () => NOW });
    const root = new X509Certificate(authority.certificatePem);
    const { certificatePem, keyPem } = await authority.issue('mcr.microsoft.com', '192.0.2.4');
    const leaf = new X509Certificate(certificatePem);
    assert.ok(root.ca && !leaf.ca);
    assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey));
    assert.equal(leaf.checkHost('mcr.microsoft.com'), 'mcr.microsoft.com');
    assert.equal(leaf.checkIP('192.0.2.4'), '192.0.2.4');
    assert.equal(leaf.subject, 'CN=mcr.microsoft.com');
    assert.match(keyPem, /BEGIN PRIVATE KEY/);
    assert.equal(leaf.validFromDate.getTime(), NOW - 86_400_000);
    assert.equal(leaf.validToDate.getTime(), NOW + 364 * 86_400_000);
  });

  it('names a long name in its alternative names only', async () => {
    const name = `${'a'.repeat(60)}.example.org`;
    const { certificatePem } = await (await createAuthority()).issue(name);
    assert.equal(new X509Certificate(certificatePem).checkHost(name), name);
  });

  it('keeps its root in a folder, readable by its owner only', async () => {
    const first = await openAuthority(folder);
    const second = await openAuthority(folder);
    assert.equal(second.certificatePem, first.certificatePem);
    const { certificatePem } = await second.issue('a.example.org');
    assert.ok(
      new X509Certificate(certificatePem).verify(new X509Certificate(first.certificatePem).publicKey),
    );
    assert.equal((await stat(join(folder, 'ca-key.pem'))).mode & 0o777, 0o600);
  });

  it('says which folder is damaged', async () => {
    await openAuthority(folder);
    await writeFile(join(folder, 'ca.pem'), 'nonsense');
    await assert.rejects(
      openAuthority(folder),
      error => error instanceof Error && error.message.includes(folder),
    );
  });
});
