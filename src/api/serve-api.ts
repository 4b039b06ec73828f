// The API's sockets: HTTP on a Unix socket that only its owner can open, and HTTPS on loopback. Slow, silent and
// numerous clients are bounded. While it runs it keeps the token file fresh and its certificate valid.

import { chmodSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, connect, isIP, type Server, type Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { ensurePrivateFolder } from '#store/private-file.ts';
import { openAuthority } from './certificates.ts';
import type { Api } from './create-api.ts';
import { writeDescription, writeToken } from './state-files.ts';
import { TOKEN_LIFETIME_SECONDS } from './tokens.ts';

export interface ServeOptions {
  readonly socketPath: string;
  /** A loopback address, unless `allowRemote`. */
  readonly tlsHost?: string;
  /** 0 takes a free one. */
  readonly tlsPort?: number;
  readonly stateDir: string;
  /** The user named the address (`--api-listen`): it may be reachable from elsewhere. */
  readonly allowRemote?: boolean;
  /** Other bounds than the usual ones, for tests. */
  readonly limits?: Partial<ServeLimits>;
}

/** Times in milliseconds, as Node's servers take them. */
export interface ServeLimits {
  readonly handshakeTimeout: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly connectionsCheckingInterval: number;
  readonly maxHeaderSize: number;
}

export interface ApiServer {
  /** `https://127.0.0.1:PORT`, as in `api.json`. */
  readonly url: string;
  close(): Promise<void>;
}

/** A firewall PUT is held for 2 s; nothing an honest client does takes these times. */
const LIMITS: ServeLimits = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 32 * 1024,
};
/** Without a byte in either direction. */
const IDLE_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 256;
/** On one connection, asked before an answer came. Clients wait for each answer, so this is generous. */
const MAX_UNANSWERED = 16;
/** Long before half a day is over, clients read the file again. */
const TOKEN_REFRESH_MS = (TOKEN_LIFETIME_SECONDS / 4) * 1000;
const CERTIFICATE_REFRESH_MS = 20 * 24 * 60 * 60 * 1000;

export async function serveApi(api: Api, options: ServeOptions): Promise<ApiServer> {
  const { socketPath, tlsHost = '127.0.0.1', tlsPort = 0, stateDir, allowRemote = false } = options;
  const limits = { ...LIMITS, ...options.limits };
  const { tokens, subscription, clock } = api.options;
  if (!isLoopback(tlsHost) && !allowRemote)
    throw new Error(
      `the API does not listen on ${tlsHost}: only loopback addresses are taken unless another is named with --api-listen`,
    );
  ensurePrivateFolder(stateDir);
  const authority = await openAuthority(stateDir, clock());
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...(isUnspecified(tlsHost) ? [] : [tlsHost])])];
  const listener = withoutFloods(
    getRequestListener(request => api.fetch(request), { overrideGlobalObjects: false }),
  );
  const https = createHttpsServer(
    { ...limits, ...(await authority.issue(names, clock())), minVersion: 'TLSv1.2' },
    listener,
  );
  const http = createHttpServer(limits, listener);
  for (const server of [http, https]) bound(server);

  await listen(https, { host: tlsHost, port: tlsPort });
  try {
    await listenOnSocket(http, socketPath);
  } catch (error) {
    https.close();
    throw error;
  }
  const { port } = https.address() as AddressInfo;
  for (const name of names) tokens.addAudience(`https://${host(name)}:${port}`);
  const url = `https://${host(isUnspecified(tlsHost) ? '127.0.0.1' : tlsHost)}:${port}`;
  const refreshToken = async () => writeToken(stateDir, await tokens.issue(url, 'postern'));
  const refreshCertificate = async () => https.setSecureContext(await authority.issue(names, clock()));
  await refreshToken();
  writeDescription(stateDir, {
    url,
    ca: authority.caPath,
    subscription: subscription.id,
    tenant: subscription.tenantId,
    socket: socketPath,
  });
  const timers = [every(TOKEN_REFRESH_MS, refreshToken), every(CERTIFICATE_REFRESH_MS, refreshCertificate)];
  return {
    url,
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await Promise.all([closeServer(http), closeServer(https)]);
      rmSync(socketPath, { force: true });
    },
  };
}

/**
 * Cuts a connection that sends request after request without waiting: Node parses them all at once, and their answers,
 * which are far larger, would pile up in memory.
 */
function withoutFloods(listener: RequestListener): RequestListener {
  const unanswered = new WeakMap<Socket, number>();
  return (incoming, outgoing) => {
    const { socket } = incoming;
    const count = (unanswered.get(socket) ?? 0) + 1;
    unanswered.set(socket, count);
    if (count > MAX_UNANSWERED) {
      socket.destroy();
      return;
    }
    outgoing.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    void listener(incoming, outgoing);
  };
}

// Timers of Node hold at most 2^31 - 1 ms; both intervals are below.
function every(intervalMs: number, work: () => Promise<void>): NodeJS.Timeout {
  const timer = setInterval(() => {
    work().catch(error => console.error('postern api: could not renew a token or certificate:', error));
  }, intervalMs);
  timer.unref();
  return timer;
}

function bound(server: HttpServer | HttpsServer): void {
  server.setTimeout(IDLE_TIMEOUT_MS);
  server.maxConnections = MAX_CONNECTIONS;
}

async function listen(
  server: Server,
  where: { host: string; port: number } | { path: string },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A socket file left by a crash is removed; one that somebody answers on is not. */
async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (await isAnswering(path))
    throw new Error(`${path} is in use: another control plane runs on this state folder`);
  rmSync(path, { force: true });
  // Binding happens inside the call, so the mask is in force for that moment only and for nobody else's files.
  const mask = process.umask(0o177);
  const listening = listen(server, { path });
  process.umask(mask);
  await listening;
  chmodSync(path, 0o600);
}

async function isAnswering(path: string): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(path);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

/** Idle connections are cut at once, busy ones get a moment to finish. */
async function closeServer(server: HttpServer | HttpsServer): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 500);
  await closed;
  clearTimeout(timer);
}

function isLoopback(name: string): boolean {
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

function isUnspecified(name: string): boolean {
  return name === '0.0.0.0' || name === '::';
}

function host(name: string): string {
  return isIP(name) === 6 ? `[${name}]` : name;
}
