// The sign of life of a command that takes its time: after two seconds a line on the terminal with a spinner and the
// seconds, erased when the command ends. Nothing is written where standard error is no terminal.

import type { AzIo } from './io.ts';

const SHOW_AFTER_MS = 2000;
const STEP_MS = 120;
const FRAMES = ['|', '/', '-', '\\'];

export async function withProgress<T>(io: AzIo, show: boolean, work: () => Promise<T>): Promise<T> {
  const progress = show && io.stderr.isTTY ? startProgress(io) : undefined;
  try {
    return await work();
  } finally {
    progress?.();
  }
}

/** Returns the function that ends it. */
function startProgress({ stderr }: AzIo): () => void {
  const startedAt = performance.now();
  let frame = 0;
  let shown = false;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs < SHOW_AFTER_MS) return;
    shown = true;
    stderr.write(`\r ${FRAMES[frame++ % FRAMES.length]} Running ... ${Math.floor(elapsedMs / 1000)} s`);
  }, STEP_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (shown) stderr.write('\r\u001b[K');
  };
}
