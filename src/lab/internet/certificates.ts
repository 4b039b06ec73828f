// Certificates and TLS contexts by name: made at the first connection that asks for the name, kept for the next ones. The
// oldest are dropped when there are many, since a client can invent names without end.

import { createSecureContext, type SecureContext } from 'node:tls';
import type { Authority } from './ca.ts';

/** A context takes some tens of kilobytes inside OpenSSL, a certificate one. */
const MAX_CONTEXTS = 1000;
const MAX_CERTIFICATES = 10_000;

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export class CertificateCache {
  readonly #contexts: (name: string) => Promise<SecureContext>;
  readonly #certificates: (name: string) => Promise<ServerCertificate>;

  constructor(authority: Authority) {
    this.#certificates = remembering(MAX_CERTIFICATES, async name => {
      const { certificatePem, keyPem } = await authority.issue(name);
      return { cert: certificatePem, key: keyPem };
    });
    this.#contexts = remembering(MAX_CONTEXTS, async name => createSecureContext(await this.issue(name)));
  }

  /** `name` is a normalized name or an IPv4 address. */
  issue(name: string): Promise<ServerCertificate> {
    return this.#certificates(name);
  }

  contextFor(name: string): Promise<SecureContext> {
    return this.#contexts(name);
  }
}

/** `make`, called once a name while the name is remembered; failures are not. */
function remembering<T>(limit: number, make: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return name => {
    const value = made.get(name) ?? make(name);
    made.delete(name);
    made.set(name, value);
    value.catch(() => made.delete(name));
    if (made.size > limit) {
      const [oldest] = made.keys();
      if (oldest !== undefined) made.delete(oldest);
    }
    return value;
  };
}
