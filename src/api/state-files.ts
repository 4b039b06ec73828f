// What the API keeps in the state folder beside the database: its secrets, made once, and the files by which thin
// clients find it and log in. All of them are readable by their owner only.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePrivateFile, ensurePrivateFolder, writePrivateFile } from '#store/private-file.ts';
import { Tokens } from './tokens.ts';

export interface ApiDescription {
  readonly url: string;
  /** Path of the authority that signed the server's certificate. */
  readonly ca: string;
  readonly subscription: string;
  readonly tenant: string;
  readonly socket: string;
}

/** The tokens of a state folder: signing key and client secret are read from it, or made. */
export function openTokens(options: { stateDir: string; tenantId: string; clock: () => Date }): Tokens {
  const { stateDir, tenantId, clock } = options;
  ensurePrivateFolder(stateDir);
  return new Tokens({
    key: Buffer.from(readSecret(join(stateDir, 'token-key')), 'base64url'),
    clientSecret: readSecret(join(stateDir, 'client-secret')),
    tenantId,
    clock,
  });
}

export function writeDescription(stateDir: string, description: ApiDescription): void {
  writePrivateFile(join(stateDir, 'api.json'), `${JSON.stringify(description, undefined, 2)}\n`);
}

export function writeToken(stateDir: string, token: string): void {
  writePrivateFile(join(stateDir, 'token'), `${token}\n`);
}

/** 32 random bytes as text; made if there is none. */
function readSecret(path: string): string {
  if (!existsSync(path)) writePrivateFile(path, `${randomBytes(32).toString('base64url')}\n`);
  ensurePrivateFile(path);
  const secret = readFileSync(path, 'utf8').trim();
  if (secret.length < 43)
    throw new Error(
      `${path} is damaged: it must hold 32 random bytes as base64url. Delete it, and a new one is made.`,
    );
  return secret;
}
