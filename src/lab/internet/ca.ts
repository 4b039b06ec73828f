// A certificate authority for a lab: ECDSA P-256, one self-signed root in `ca.pem` and `ca-key.pem`, and server certificates
// for any names and addresses. All certificates of one authority share one leaf key, made anew at every start: making a
// key for each name would cost more than the rest of a handshake, and all names are served by one process anyway.

import './reflect-metadata.ts';
import { randomBytes, webcrypto } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { parseIpv4 } from '#net/ipv4.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
/** A lab's state may be kept for years; clients trust the root by its file. */
const ROOT_DAYS = 3650;
const LEAF_DAYS = 365;
/** The longest common name that X.520 allows. */
const MAX_COMMON_NAME = 64;

export interface Authority {
  /** The root, which clients trust. */
  readonly certificatePem: string;
  readonly keyPem: string;
  /** A server certificate for names and IPv4 addresses; the first one is its common name as well. */
  issue(...names: readonly [string, ...string[]]): Promise<IssuedCertificate>;
}

export interface IssuedCertificate {
  /** The leaf alone; the root signs it directly. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface AuthorityOptions {
  readonly commonName?: string;
  /** The clock; certificates are valid from a day before. */
  readonly now?: () => number;
}

/** A new root, kept nowhere. */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const { commonName = 'Postern lab CA', now = Date.now } = options;
  const keys = await newKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [commonName] }],
    ...validity(now(), ROOT_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authorityOf(root, keys.privateKey, now);
}

/** The root in `folder`, made and written (mode 0600) if there is none. */
export async function openAuthority(folder: string, options: AuthorityOptions = {}): Promise<Authority> {
  const { now = Date.now } = options;
  const certificatePath = join(folder, 'ca.pem');
  const keyPath = join(folder, 'ca-key.pem');
  const [certificatePem, keyPem] = await Promise.all([certificatePath, keyPath].map(readIfPresent));
  if (certificatePem !== undefined && keyPem !== undefined)
    return readAuthority(certificatePem, keyPem, folder, now);
  const authority = await createAuthority(options);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeWhole(keyPath, authority.keyPem);
  await writeWhole(certificatePath, authority.certificatePem);
  return authority;
}

async function readAuthority(
  certificatePem: string,
  keyPem: string,
  folder: string,
  now: () => number,
): Promise<Authority> {
  try {
    const root = new X509Certificate(certificatePem);
    const [der] = PemConverter.decode(keyPem);
    if (!der) throw new Error('ca-key.pem holds no key');
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
    if (root.notAfter.getTime() < now()) throw new Error(`ca.pem expired on ${root.notAfter.toISOString()}`);
    return await authorityOf(root, key, now);
  } catch (cause) {
    throw new Error(
      `The certificate authority in ${folder} cannot be used: ${(cause as Error).message}. Remove ca.pem and ca-key.pem to get a new one.`,
      { cause },
    );
  }
}

async function authorityOf(
  root: X509Certificate,
  rootKey: webcrypto.CryptoKey,
  now: () => number,
): Promise<Authority> {
  const leafKeys = await newKeys();
  const keyPem = await toPem(leafKeys.privateKey);
  // These are the same in every leaf, and making them takes longer than signing.
  const common = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    await SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
    await AuthorityKeyIdentifierExtension.create(root.publicKey),
  ];
  return {
    certificatePem: `${root.toString('pem')}\n`,
    keyPem: await toPem(rootKey),
    async issue(...names) {
      const [first] = names;
      const leaf = await X509CertificateGenerator.create({
        serialNumber: newSerial(),
        issuer: root.subjectName,
        subject: first.length <= MAX_COMMON_NAME ? [{ CN: [first] }] : [],
        ...validity(now(), LEAF_DAYS),
        signingAlgorithm: ALGORITHM,
        publicKey: leafKeys.publicKey,
        signingKey: rootKey,
        extensions: [
          ...common,
          new SubjectAlternativeNameExtension(
            names.map(name => ({
              type: parseIpv4(name) === undefined ? ('dns' as const) : ('ip' as const),
              value: name,
            })),
            first.length > MAX_COMMON_NAME,
          ),
        ],
      });
      return { certificatePem: `${leaf.toString('pem')}\n`, keyPem };
    },
  };
}

function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  const notBefore = now - DAY_MS;
  return { notBefore: new Date(notBefore), notAfter: new Date(notBefore + days * DAY_MS) };
}

/** Positive and not zero, 15 random bytes (RFC 5280 section 4.1.2.2). */
function newSerial(): string {
  return `01${randomBytes(15).toString('hex')}`;
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}
