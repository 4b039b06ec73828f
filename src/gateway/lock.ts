// One gateway a network namespace: they would fight over the table, the ports and the log. The lock is an abstract Unix
// socket, which the kernel keeps per network namespace and gives up with the process that has it, however that ends.

import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, writeProcessFile } from '#state/process-file.ts';

const NAME = '\0postern-gateway';
const TRIES = 30;
const TRY_MS = 100;
const END_MS = 5000;

export interface GatewayLock {
  release(): Promise<void>;
}

export const pidFile = (folder: string): string => join(folder, 'pid');
const removedFile = (folder: string): string => join(folder, 'removed');

export interface LockOptions {
  readonly name?: string;
  /** False: nobody is to end this process to take its place. */
  readonly replaceable?: boolean;
}

/** Ends the gateway that has this state folder, if one runs, and takes its place. Undefined when another has the lock. */
export async function takeLock(
  folder: string,
  { name = NAME, replaceable = true }: LockOptions = {},
): Promise<GatewayLock | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    await endProcess(pidFile(folder), END_MS);
    const server = await listen(name);
    if (server) {
      if (replaceable) writeProcessFile(pidFile(folder));
      return { release: () => new Promise<void>(resolve => server.close(() => resolve())) };
    }
    // Whoever has it may not have said yet who it is.
    await sleep(TRY_MS);
  }
  return undefined;
}

/** Says that the rules were taken away now. */
export function markRemoved(folder: string): void {
  writeFileSync(removedFile(folder), '', { mode: 0o600 });
}

/** Whether the rules were taken away after this process began: then it was on its way for a router that is gone. */
export function wasRemovedSince(folder: string, startedAtMs: number): boolean {
  const file = removedFile(folder);
  return existsSync(file) && statSync(file).mtimeMs >= startedAtMs;
}

function listen(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy());
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(name, () => resolve(server));
  });
}
