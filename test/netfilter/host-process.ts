// A client or a server of the packet tests, told what to do by JSON lines (see agent.ts). Servers greet with the
// address they see and echo; clients connect, say, and report.

import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { serve } from './agent.ts';

const sockets = new Map<string, { socket: Socket; open: boolean; error: string | null }>();
const accepted = new Set<Socket>();

interface Connected {
  readonly connected: boolean;
  readonly error: string | null;
  readonly greeting: string;
  readonly localPort: number;
  readonly ms: number;
}

function open(args: {
  name?: string;
  address: string;
  port: number;
  timeoutMs?: number;
  localAddress?: string;
  localPort?: number;
}): Promise<Connected> {
  const { name = '', address, port, timeoutMs = 1500, localAddress, localPort } = args;
  const started = performance.now();
  return new Promise(resolve => {
    const socket = connect({
      host: address,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(localPort === undefined ? {} : { localPort }),
    });
    const state = { socket, open: false, error: null as string | null };
    if (name !== '') sockets.set(name, state);
    let settled = false;
    const settle = (error: string | null, greeting: string) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      const ms = Math.round(performance.now() - started);
      resolve({ connected: state.open, error, greeting, localPort: socket.localPort ?? 0, ms });
      if (error !== null || name === '') socket.destroy();
    };
    const timer = setTimeout(() => settle('timeout', ''), timeoutMs);
    socket.on('connect', () => {
      state.open = true;
    });
    socket.on('data', data => settle(null, data.toString().trim()));
    socket.on('error', error => {
      state.error = (error as NodeJS.ErrnoException).code ?? error.message;
      settle(state.error, '');
    });
    socket.on('close', () => {
      state.open = false;
      settle(state.error ?? 'closed', '');
    });
  });
}

serve({
  listenTcp: ({ port, address = '0.0.0.0' }: { port: number; address?: string }) =>
    new Promise<void>((resolve, reject) => {
      const server = createServer(socket => {
        accepted.add(socket);
        socket.on('close', () => accepted.delete(socket));
        socket.on('error', () => {});
        socket.on('data', data => {
          if (socket.write(data)) return;
          socket.pause();
          socket.once('drain', () => socket.resume());
        });
        socket.write(`${socket.remoteAddress}:${socket.remotePort}\n`);
      });
      server.on('error', reject);
      server.listen(port, address, 4096, () => resolve());
    }),
  listenUdp: ({ port, address = '0.0.0.0' }: { port: number; address?: string }) =>
    new Promise<void>((resolve, reject) => {
      const socket = createSocket('udp4', (_data, from) =>
        socket.send(`${from.address}:${from.port}`, from.port, from.address),
      );
      socket.on('error', reject);
      socket.bind(port, address, () => resolve());
    }),
  connect: open,
  udp: ({ address, port, timeoutMs = 1000 }: { address: string; port: number; timeoutMs?: number }) =>
    new Promise<string | null>(resolve => {
      const socket = createSocket('udp4');
      const finish = (answer: string | null) => {
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      };
      const timer = setTimeout(() => finish(null), timeoutMs);
      socket.on('error', error => finish(`error ${error.message}`));
      socket.on('message', data => finish(data.toString()));
      socket.connect(port, address, () => socket.send('hello'));
    }),
  /** True when what is said comes back. */
  say: ({ name, bytes = 10, timeoutMs = 3000 }: { name: string; bytes?: number; timeoutMs?: number }) =>
    new Promise<boolean>(resolve => {
      const state = sockets.get(name);
      if (!state?.open) return resolve(false);
      let seen = 0;
      const finish = (echoed: boolean) => {
        clearTimeout(timer);
        state.socket.off('data', onData);
        state.socket.off('close', onClose);
        resolve(echoed);
      };
      const onData = (data: Buffer) => {
        seen += data.length;
        if (seen >= bytes) finish(true);
      };
      const onClose = () => finish(false);
      const timer = setTimeout(() => finish(false), timeoutMs);
      state.socket.on('data', onData);
      state.socket.on('close', onClose);
      state.socket.write(Buffer.alloc(bytes, 'x'));
    }),
  /** Sends without pause until the connection ends; answers how many milliseconds that took. */
  stream: ({ name, timeoutMs }: { name: string; timeoutMs: number }) =>
    new Promise<number | null>(resolve => {
      const state = sockets.get(name);
      if (!state?.open) return resolve(null);
      const started = performance.now();
      const timer = setTimeout(() => resolve(null), timeoutMs);
      const chunk = Buffer.alloc(64 * 1024);
      const pour = () => {
        while (state.open && state.socket.write(chunk));
      };
      state.socket.on('drain', pour);
      state.socket.on('close', () => {
        clearTimeout(timer);
        resolve(performance.now() - started);
      });
      pour();
    }),
  state: ({ name }: { name: string }) => {
    const state = sockets.get(name);
    return { open: state?.open ?? false, error: state?.error ?? null };
  },
  accepted: () => accepted.size,
  /** Opens `count` connections and holds them; answers how often each greeting's address came. */
  many: async ({
    address,
    port,
    count,
    timeoutMs = 8000,
  }: Record<string, never> & {
    address: string;
    port: number;
    count: number;
    timeoutMs?: number;
  }) => {
    const addresses: Record<string, number> = {};
    let failed = 0;
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const result = await open({ name: `many ${index}`, address, port, timeoutMs });
        const from = result.greeting.split(':')[0] ?? '';
        if (result.error !== null) failed += 1;
        else addresses[from] = (addresses[from] ?? 0) + 1;
      }),
    );
    return { addresses, failed };
  },
});
