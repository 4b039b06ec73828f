// Reads what the ruleset logs to one NFLOG group, in a thread of its own. `onEntries` gets decoded packets in the
// kernel's order, at most 50 ms after they passed.

import { Worker } from 'node:worker_threads';
import type { PacketHeader } from './packet-header.ts';

export interface LogEntry {
  readonly prefix: string;
  readonly mark: number;
  readonly header: PacketHeader;
}

/** `lost` counts since the start: gaps in the kernel's numbering and batches the main thread was too slow for. */
export interface LogBatch {
  readonly entries: readonly LogEntry[];
  readonly lost: number;
}

export interface LogWorkerData {
  readonly group: number;
  /** [0] is 1 when the worker must stop; [1] counts batches not yet handled. */
  readonly shared: Int32Array;
}

export interface LogReader {
  /** Records lost since the start. */
  readonly lost: number;
  close(): Promise<void>;
}

/** A reader that died, for whatever reason, is replaced after this pause. */
const RESTART_MS = 1_000;

/**
 * Resolves when the kernel has bound the group, so that nothing logged afterwards is missed. A reader that fails later
 * is reported and replaced; what passed meanwhile is not logged.
 */
export async function openLogReader(
  group: number,
  onEntries: (entries: readonly LogEntry[]) => void,
  onError: (error: Error) => void,
): Promise<LogReader> {
  let lostBefore = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let current: LogReader | undefined;
  const replace = (error: Error): void => {
    onError(error);
    lostBefore += current?.lost ?? 0;
    current = undefined;
    if (closed) return;
    timer = setTimeout(() => {
      startWorker(group, onEntries, replace).then(reader => {
        if (closed) return reader.close();
        current = reader;
      }, replace);
    }, RESTART_MS).unref();
  };
  current = await startWorker(group, onEntries, replace);
  return {
    get lost() {
      return lostBefore + (current?.lost ?? 0);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await current?.close();
    },
  };
}

/** One thread. Rejects when it cannot bind; calls `onDeath` when it fails later. */
async function startWorker(
  group: number,
  onEntries: (entries: readonly LogEntry[]) => void,
  onDeath: (error: Error) => void,
): Promise<LogReader> {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const data: LogWorkerData = { group, shared };
  const worker = new Worker(new URL('./log-worker.ts', import.meta.url), { workerData: data });
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()));
  let lost = 0;
  let bound = false;
  await new Promise<void>((resolve, reject) => {
    worker.on('error', error => (bound ? onDeath : reject)(error as Error));
    worker.on('message', (message: 'bound' | LogBatch) => {
      if (message === 'bound') {
        bound = true;
        return resolve();
      }
      Atomics.sub(shared, 1, 1);
      lost = message.lost;
      onEntries(message.entries);
    });
  });
  worker.unref();
  return {
    get lost() {
      return lost;
    },
    async close() {
      worker.ref();
      Atomics.store(shared, 0, 1);
      await exited;
    },
  };
}
