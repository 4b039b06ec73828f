// The real machine as the doctor's checks see it: programs run to their end, and files.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Read, Run } from './finding.ts';

const PATIENCE_MS = 20_000;
/** A machine with many containers has large rule sets. */
const OUTPUT_BYTES = 64 * 1024 * 1024;

export const run: Run = ([program = '', ...args], input = '') =>
  new Promise(resolve => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      timeout: PATIENCE_MS,
      env: { ...process.env, LC_ALL: 'C' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < OUTPUT_BYTES) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < OUTPUT_BYTES) stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('error', error => resolve({ status: 127, stdout, stderr: error.message }));
    child.once('close', code => resolve({ status: code ?? 1, stdout, stderr }));
  });

export const read: Read = path => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};
