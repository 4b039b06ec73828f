// What `postern explain` asks of a running lab: what a host's name server answers, and what a gateway has loaded. Both run in the
// namespace in question; neither changes anything.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LabError } from './lab-files.ts';

const run = promisify(execFile);
const QUERY = join(import.meta.dirname, 'query-name.ts');
const QUERY_MS = 10_000;
/** Of a policy with many names. */
const MOST_BYTES = 12 * 1024 * 1024;

/** What the program prints: `addresses`, or a `fault` in the words of Node's resolver, such as `ENOTFOUND`. */
export interface Resolved {
  readonly addresses: readonly string[];
  readonly fault?: string;
}

export async function resolveIn({
  namespace,
  servers,
  name,
}: {
  readonly namespace: string;
  readonly servers: readonly string[];
  readonly name: string;
}): Promise<Resolved> {
  const program = [process.execPath, '--disable-warning=ExperimentalWarning', QUERY, name, ...servers];
  return JSON.parse(await runInside(namespace, program)) as Resolved;
}

export function loadedSets(namespace: string): Promise<string> {
  return runInside(namespace, ['nft', '-j', 'list', 'sets']);
}

async function runInside(namespace: string, command: readonly string[]): Promise<string> {
  try {
    const options = { timeout: QUERY_MS, maxBuffer: MOST_BYTES };
    const { stdout } = await run('nsenter', [`--net=/run/netns/${namespace}`, '--', ...command], options);
    return stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new LabError(`'${command[0]}' in ${namespace}: ${stderr?.trim() || message}`);
  }
}
