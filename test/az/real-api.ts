// The real API over a store in memory, served on a Unix socket and over TLS on loopback, in a state folder such as a
// lab has; and `bin/postern az` run against it as a process.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { createTestApi, SUBSCRIPTION, TENANT, type TestApi } from '#api/api-fixture.ts';
import type { ApiOptions } from '#api/options.ts';

const POSTERN = new URL('../../bin/postern', import.meta.url).pathname;

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class RealApi implements AsyncDisposable {
  readonly test: TestApi;
  readonly state: string;
  readonly folder: string;
  readonly #servers: readonly Server[];

  private constructor(test: TestApi, state: string, folder: string, servers: readonly Server[]) {
    this.test = test;
    this.state = state;
    this.folder = folder;
    this.#servers = servers;
  }

  static async start(options: Partial<ApiOptions> = {}): Promise<RealApi> {
    const test = await createTestApi(options as Parameters<typeof createTestApi>[0]);
    const state = mkdtempSync(join(tmpdir(), 'postern-az-api-'));
    const folder = join(state, 'labs', 'postern');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { certificate, key } = selfSigned(folder);
    const listener = getRequestListener(test.api.fetch);
    const plain = createServer(listener);
    const tls = createTlsServer({ cert: certificate, key }, listener);
    await new Promise<void>(resolve => plain.listen(join(folder, 'api.sock'), resolve));
    await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve));
    const { port } = tls.address() as AddressInfo;
    writeFileSync(join(folder, 'token'), test.token, { mode: 0o600 });
    writeFileSync(
      join(folder, 'api.json'),
      JSON.stringify({
        url: `https://127.0.0.1:${port}`,
        ca: join(folder, 'ca.pem'),
        subscription: SUBSCRIPTION,
        tenant: TENANT,
      }),
    );
    return new RealApi(test, state, folder, [plain, tls]);
  }

  /** Over the Unix socket; with `https`, as in the lab's shell. */
  az(args: readonly string[], { https = false, input = '' } = {}): Promise<Run> {
    const where = https ? { POSTERN_API_JSON: join(this.folder, 'api.json') } : { POSTERN_STATE: this.state };
    return execute(POSTERN, ['az', ...args], where, input);
  }

  writeToken(token: string): void {
    writeFileSync(join(this.folder, 'token'), token, { mode: 0o600 });
  }

  /** As `az ... | true` in a shell, with the status of `az`. */
  pipeToNobody(args: readonly string[]): Promise<Run> {
    const command = 'set -o pipefail; "$@" | true';
    return execute('bash', ['--norc', '-c', command, 'bash', POSTERN, 'az', ...args], {
      POSTERN_STATE: this.state,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      (server as ReturnType<typeof createServer>).closeAllConnections();
    }
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

function selfSigned(folder: string): { certificate: Buffer; key: Buffer } {
  const [certificatePath, keyPath] = [join(folder, 'ca.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  execFileSync('openssl', ['req', ...kind, ...subject, '-out', certificatePath, '-keyout', keyPath], {
    stdio: 'ignore',
  });
  return { certificate: readFileSync(certificatePath), key: readFileSync(keyPath) };
}
