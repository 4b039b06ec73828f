// Bearer tokens of the API: JWTs signed with a key of this state folder. They are given out for the client secret
// and, by way of a file that only the user can read, to the thin clients. Every other request is refused with the
// code Azure uses for its kind of wrong token.

import { createHash, timingSafeEqual } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { ArmError } from '#arm/arm-error.ts';

/** As Azure's tokens for a service principal, one day. */
export const TOKEN_LIFETIME_SECONDS = 86400;

const ISSUER = 'postern';

export interface TokensOptions {
  /** At least 32 random bytes. */
  readonly key: Uint8Array;
  readonly clientSecret: string;
  readonly tenantId: string;
  readonly clock: () => Date;
}

export class Tokens {
  readonly #options: TokensOptions;
  readonly #audiences = new Set<string>();

  constructor(options: TokensOptions) {
    if (options.key.length < 32) throw new Error('the key of the tokens needs 32 bytes or more');
    this.#options = options;
  }

  get tenantId(): string {
    return this.#options.tenantId;
  }

  /** Names an address of the API; tokens for other audiences are refused. */
  addAudience(url: string): void {
    this.#audiences.add(normalizeAudience(url));
  }

  isAudience(url: string): boolean {
    return this.#audiences.has(normalizeAudience(url));
  }

  isClientSecret(secret: string): boolean {
    // Digests have equal lengths, as the comparison needs.
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(secret), digest(this.#options.clientSecret));
  }

  async issue(audience: string, clientId: string): Promise<string> {
    const now = Math.floor(this.#options.clock().getTime() / 1000);
    const objectId = objectIdOf(clientId);
    return await new SignJWT({ tid: this.#options.tenantId, oid: objectId, appid: clientId })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(ISSUER)
      .setSubject(objectId)
      .setAudience(normalizeAudience(audience))
      .setIssuedAt(now)
      .setNotBefore(now - 60)
      .setExpirationTime(now + TOKEN_LIFETIME_SECONDS)
      .sign(this.#options.key);
  }

  /** Throws an `ArmError` of status 401 unless the header carries a valid token of ours. */
  async authenticate(authorization: string | undefined): Promise<void> {
    if (!authorization)
      throw unauthorized(
        'AuthenticationFailed',
        "Authentication failed. The 'Authorization' header is missing.",
      );
    const [scheme = '', token = '', ...rest] = authorization.trim().split(/ +/);
    if (scheme.toLowerCase() !== 'bearer' || token === '' || rest.length > 0)
      throw unauthorized(
        'AuthenticationFailed',
        "Authentication failed. The 'Authorization' header must be 'Bearer <token>'.",
      );
    try {
      const { payload } = await jwtVerify(token, this.#options.key, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        requiredClaims: ['exp', 'aud'],
        currentDate: this.#options.clock(),
      });
      const audiences = [payload.aud ?? []].flat();
      if (!audiences.some(audience => this.isAudience(audience)))
        throw unauthorized(
          'InvalidAuthenticationTokenAudience',
          `The access token is for the audience '${audiences.join(', ')}'. The audience of this API is '${[...this.#audiences].join("', '")}'.`,
        );
    } catch (error) {
      if (error instanceof ArmError) throw error;
      if (error instanceof errors.JWTExpired)
        throw unauthorized('ExpiredAuthenticationToken', 'The access token has expired. Log in again.');
      throw unauthorized(
        'InvalidAuthenticationToken',
        'The access token is invalid: it was not issued by this API or is damaged.',
      );
    }
  }
}

function unauthorized(code: string, message: string): ArmError {
  return new ArmError(401, code, message);
}

/** A scheme, a host and a port mean the same with and without the closing slash. */
function normalizeAudience(url: string): string {
  return `${url.replace(/\/+$/, '').toLowerCase()}/`;
}

/** The same client has the same object id every time, in the shape of a UUID. */
function objectIdOf(clientId: string): string {
  const digits = createHash('sha256').update(clientId).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}
