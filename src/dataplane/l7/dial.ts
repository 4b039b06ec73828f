// Reaches a server: resolves the name the firewall's way and connects to the checked addresses in order, each within
// a bounded time. The addresses come as numbers and go to the socket as numbers, so nothing resolves a second time.

import type { Socket } from 'node:net';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import { Gone } from './byte-stream.ts';
import { type ServerAddresses, usableAddresses } from './server-addresses.ts';
import type { Services } from './services.ts';

/** Addresses that may time out before the rest is not tried: clients do not wait longer than some 20 s. */
const MAX_TIMEOUTS = 4;

/** None of the addresses accepted. */
export class Unreachable extends Error {
  readonly timedOut: boolean;

  constructor(message: string, timedOut: boolean) {
    super(message);
    this.timedOut = timedOut;
  }
}

export type ServersResult = ServerAddresses & { readonly detail?: string };

/** Where `name` (or an IPv4 literal) may be reached. A failure of the resolver is an answer without addresses. */
export async function findServers(name: string, services: Services): Promise<ServersResult> {
  const literal = parseIpv4(name);
  let answer: readonly number[];
  try {
    answer = literal === undefined ? await within(services.resolver.resolve(name), services) : [literal];
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { status: 'none', reason: 'NameUnresolved', detail };
  }
  return usableAddresses(answer, services.rules(), services.forbiddenAddresses(), services.threats);
}

async function within<T>(promise: Promise<T>, { limits }: Services): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`no answer within ${limits.resolveMs} ms`)),
    limits.resolveMs,
  );
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** The first address that accepts. Throws `Unreachable`, or `Gone` when `signal` aborts. */
export async function connectFirst(
  addresses: readonly number[],
  port: number,
  services: Services,
  signal: AbortSignal,
): Promise<{ readonly socket: Socket; readonly address: number }> {
  const failures: string[] = [];
  let timedOut = false;
  let timeouts = 0;
  for (const address of addresses) {
    if (timeouts === MAX_TIMEOUTS) break;
    const result = await connectOne(address, port, services, signal);
    if (typeof result === 'object') return { socket: result, address };
    timedOut = result === 'ETIMEDOUT';
    if (timedOut) timeouts++;
    failures.push(`${formatIpv4(address)}:${port} ${result}`);
  }
  throw new Unreachable(failures.join(', '), timedOut);
}

/** The connected socket, or the error code. */
function connectOne(
  address: number,
  port: number,
  { connect, limits }: Services,
  signal: AbortSignal,
): Promise<Socket | string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Gone('cut before its server was reached'));
      return;
    }
    const socket = connect(address, port);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect);
      settle();
    };
    const fail = (code: string) =>
      finish(() => {
        socket.destroy();
        resolve(code);
      });
    const onConnect = () =>
      finish(() => {
        socket.off('error', onError);
        resolve(socket);
      });
    // Stays on after a failure, so that a late error finds a listener.
    const onError = (error: NodeJS.ErrnoException) => fail(error.code ?? error.message);
    const onAbort = () =>
      finish(() => {
        socket.destroy();
        reject(new Gone('cut while its server was being reached'));
      });
    const timer = setTimeout(() => fail('ETIMEDOUT'), limits.connectMs);
    socket.on('connect', onConnect);
    socket.on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
