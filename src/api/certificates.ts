// The API's TLS certificate, from an authority of its own in the state folder. Clients trust `ca.pem`; the leaf is
// made anew at each start, its key never leaves the process.

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { ensurePrivateFile, writePrivateFile } from '#store/private-file.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** Clients refuse certificates that are valid for longer than this. */
export const LEAF_DAYS = 397;
/** A CA near its end is replaced, so that no leaf outlives it. */
const CA_RESERVE_DAYS = LEAF_DAYS + 30;

export interface CertificateAuthority {
  readonly caPath: string;
  readonly caPem: string;
  issue(names: readonly string[], now: Date): Promise<{ readonly cert: string; readonly key: string }>;
}

/** Reads the authority of the folder, or makes one; a damaged or expiring one is replaced. */
export async function openAuthority(folder: string, now: Date): Promise<CertificateAuthority> {
  const caPath = join(folder, 'ca.pem');
  const keyPath = join(folder, 'ca-key.pem');
  const { certificate, key } =
    (await readAuthority(caPath, keyPath, now)) ?? (await makeAuthority(caPath, keyPath, now));
  const caPem = pem(certificate.toString('pem'));
  return { caPath, caPem, issue: (names, at) => issueLeaf(certificate, key, names, at) };
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function readAuthority(caPath: string, keyPath: string, now: Date): Promise<Authority | undefined> {
  if (!existsSync(caPath) || !existsSync(keyPath)) return undefined;
  ensurePrivateFile(keyPath);
  try {
    const certificate = new x509.X509Certificate(readFileSync(caPath, 'utf8'));
    const [bytes] = x509.PemConverter.decode(readFileSync(keyPath, 'utf8'));
    if (!bytes || certificate.notAfter.getTime() < now.getTime() + CA_RESERVE_DAYS * DAY_MS) return undefined;
    const key = await webcrypto.subtle.importKey('pkcs8', bytes, ALGORITHM, false, ['sign']);
    // A key that belongs to another certificate would make leaves that nobody trusts.
    const message = new Uint8Array([1]);
    const signature = await webcrypto.subtle.sign(ALGORITHM, key, message);
    const publicKey = await certificate.publicKey.export(ALGORITHM, ['verify'], webcrypto);
    return (await webcrypto.subtle.verify(ALGORITHM, publicKey, signature, message))
      ? { certificate, key }
      : undefined;
  } catch {
    return undefined;
  }
}

async function makeAuthority(caPath: string, keyPath: string, now: Date): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: 'CN=Postern API CA',
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + CA_DAYS * DAY_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  writePrivateFile(keyPath, pem(x509.PemConverter.encode(key, 'PRIVATE KEY')));
  writePrivateFile(caPath, pem(certificate.toString('pem')));
  return { certificate, key: keys.privateKey };
}

async function issueLeaf(
  ca: x509.X509Certificate,
  caKey: webcrypto.CryptoKey,
  names: readonly string[],
  now: Date,
): Promise<{ cert: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: 'CN=Postern API',
      issuer: ca.subject,
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + (LEAF_DAYS - 1) * DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: caKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map(name => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(ca, false, webcrypto),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: pem(certificate.toString('pem')), key: pem(x509.PemConverter.encode(key, 'PRIVATE KEY')) };
}

/** Positive and at most 20 bytes long, as RFC 5280 section 4.1.2.2 wants. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function pem(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
