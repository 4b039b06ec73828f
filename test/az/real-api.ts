// The real API over a store in memory, served on a Unix socket and over TLS on loopback, in a state folder such as a
// lab has; and `bin/postern az` run against it as a process.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestApi, TENANT } from '#api/api-fixture.ts';
import { createApi } from '#api/create-api.ts';
import type { ApiOptions } from '#api/options.ts';
import { type ApiServer, serveApi } from '#api/serve-api.ts';
import { openTokens } from '#api/state-files.ts';
import { ensurePrivateFolder } from '#store/private-file.ts';
import type { ResourceStore } from '#store/resource-store.ts';

const POSTERN = new URL('../../bin/postern', import.meta.url).pathname;

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class RealApi implements AsyncDisposable {
  readonly store: ResourceStore;
  readonly state: string;
  readonly folder: string;
  readonly #server: ApiServer;

  private constructor(store: ResourceStore, state: string, folder: string, server: ApiServer) {
    this.store = store;
    this.state = state;
    this.folder = folder;
    this.#server = server;
  }

  static async start(options: Partial<ApiOptions> = {}): Promise<RealApi> {
    const state = mkdtempSync(join(tmpdir(), 'postern-az-api-'));
    const folder = join(state, 'labs', 'postern');
    for (const path of [state, join(state, 'labs'), folder]) ensurePrivateFolder(path);
    const clock = () => new Date();
    const tokens = openTokens({ stateDir: folder, tenantId: TENANT, clock });
    const { api } = await createTestApi();
    const served = createApi({ ...api.options, tokens, clock, ...options });
    const server = await serveApi(served, { stateDir: folder, socketPath: join(folder, 'api.sock') });
    return new RealApi(api.options.store, state, folder, server);
  }

  /** Over the Unix socket; with `https`, as in the lab's shell. */
  az(args: readonly string[], { https = false, input = '' } = {}): Promise<Run> {
    const where = https ? { POSTERN_API_JSON: join(this.folder, 'api.json') } : { POSTERN_STATE: this.state };
    return execute(POSTERN, ['az', ...args], where, input);
  }

  writeToken(token: string): void {
    writeFileSync(join(this.folder, 'token'), token, { mode: 0o600 });
  }

  /** Makes the clients of this API trust another one's authority instead. */
  trustCaOf(other: RealApi): void {
    const { ca } = JSON.parse(readFileSync(join(other.folder, 'api.json'), 'utf8')) as { ca: string };
    const path = join(this.folder, 'api.json');
    const description = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...description, ca }));
  }

  /** Runs a script of `az` commands, as in the lab's shell. */
  script(path: string): Promise<Run> {
    const bin = join(this.state, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'az'), `#!/bin/sh\nexec '${POSTERN}' az "$@"\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}`, POSTERN_API_JSON: join(this.folder, 'api.json') };
    return execute('sh', ['-e', path], env);
  }

  /** As `az ... | true` in a shell, with the status of `az`. */
  pipeToNobody(args: readonly string[]): Promise<Run> {
    const command = 'set -o pipefail; "$@" | true';
    return execute('bash', ['--norc', '-c', command, 'bash', POSTERN, 'az', ...args], {
      POSTERN_STATE: this.state,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** Runs a program to its end, with nothing of our environment but the path. */
function execute(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, timeout: 60_000 });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', status => resolve({ status, stdout, stderr }));
    // A child that never reads its input closes the pipe; that is its right.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
