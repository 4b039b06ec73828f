// Finds the control plane: which address answers, and with which token. Inside the lab `POSTERN_API_JSON` names the
// file that describes it; elsewhere the state folder is searched, the lab first, then the router.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { labFolder, labName, routerFolder } from '#state/state-folder.ts';
import { AzError, isRecord } from './errors.ts';

export interface ApiEndpoint {
  readonly subscription: string;
  readonly tenant: string;
  /** The Unix socket; empty if HTTPS is to be used. */
  readonly socketPath: string;
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** Path of the certificate of the control plane's own CA. */
  readonly caPath: string;
  /** Path of the file that holds the bearer token; read for each run, since the API refreshes it. */
  readonly tokenPath: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const START_HINT = 'Start one: postern lab up (or, on a router: postern up).';

export function findApi(env: Environment): ApiEndpoint {
  const named = env.POSTERN_API_JSON;
  if (named) {
    if (isAbsent(named)) {
      throw new AzError(
        `No control plane found: POSTERN_API_JSON names ${named}, which does not exist.`,
        1,
        START_HINT,
      );
    }
    return readEndpoint(named, 'https');
  }
  const folders = [labFolder(labName(env), { env }), routerFolder({ env })];
  const folder = folders.find(candidate => !isAbsent(join(candidate, 'api.json')));
  if (!folder) {
    throw new AzError(`No control plane found in ${folders.join(' or ')}.`, 1, START_HINT);
  }
  return readEndpoint(join(folder, 'api.json'), 'socket');
}

/** A file behind a folder that we may not enter is there as far as we know; reading it says what is wrong. */
function isAbsent(path: string): boolean {
  try {
    statSync(path);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EACCES';
  }
}

/** `prefer` is the way in; the socket is used only where it exists. */
function readEndpoint(path: string, prefer: 'https' | 'socket'): ApiEndpoint {
  const folder = dirname(path);
  const fields = readJson(path);
  const text = (key: string): string => {
    const value = fields[key];
    if (typeof value !== 'string' || value === '') throw new AzError(`${path} has no '${key}'.`);
    return value;
  };
  const socketPath = typeof fields.socket === 'string' ? fields.socket : join(folder, 'api.sock');
  const ca = text('ca');
  return {
    subscription: text('subscription'),
    tenant: text('tenant'),
    socketPath: prefer === 'socket' && existsSync(socketPath) ? socketPath : '',
    url: text('url'),
    caPath: isAbsolute(ca) ? ca : join(folder, ca),
    tokenPath: join(folder, 'token'),
  };
}

function readJson(path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(readPrivateFile(path));
  } catch (error) {
    if (error instanceof AzError) throw error;
    throw new AzError(`${path} is not JSON: ${(error as Error).message}`, 1, undefined, { cause: error });
  }
  if (!isRecord(value)) throw new AzError(`${path} does not hold a JSON object.`);
  return value;
}

export function readPrivateFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
    throw new AzError(
      `${path} cannot be read: ${(error as Error).message}`,
      1,
      denied ? 'Only the user who started the control plane may use it.' : START_HINT,
      { cause: error },
    );
  }
}

/** What to say when a request got no answer: nobody there, not allowed, or not the one we trust. */
export function notAnswering(endpoint: ApiEndpoint, cause: Error): AzError {
  const where = endpoint.socketPath || endpoint.url;
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES') {
    return new AzError(
      `${where} may not be used by this user.`,
      1,
      'Only who started the control plane may.',
      { cause },
    );
  }
  if (/CERT|TLS|SSL|ISSUER|SIGNATURE/.test(code)) {
    return new AzError(
      `${where} shows a certificate that ${endpoint.caPath} does not vouch for (${cause.message}).`,
      1,
      'Another program may listen on that port; the control plane writes both files when it starts.',
      { cause },
    );
  }
  const reason = cause.message || code || 'no answer';
  return new AzError(`No control plane found: nothing answers at ${where} (${reason}).`, 1, START_HINT, {
    cause,
  });
}
