// For tests: a control plane in memory behind a Unix socket, as small as the client needs, and a way to run `az`
// against it with given input, catching output and exit status. The real API has tests of its own.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { type ArmErrorBody, isRecord } from './errors.ts';
import type { AzIo } from './io.ts';
import { runAz } from './main.ts';

export const SUBSCRIPTION = '00000000-0000-4000-8000-000000000001';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface StubAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request itself, or leaves it to the store by returning undefined. */
export type Hook = (request: SeenRequest) => StubAnswer | undefined;

/** Parts of a document that have paths of their own, by the word in the path. */
const PARTS = ['subnets', 'routes'];

export class StubApi {
  readonly seen: SeenRequest[] = [];
  hook: Hook = () => undefined;
  readonly #documents = new Map<string, Record<string, unknown>>();
  #revision = 0;

  answer(request: SeenRequest): StubAnswer {
    this.seen.push(request);
    return this.hook(request) ?? this.#fromStore(request);
  }

  #fromStore({ method, path, body, headers }: SeenRequest): StubAnswer {
    const key = path.toLowerCase();
    const found = this.#documents.get(key);
    if (method === 'PUT') {
      if (headers['if-match'] !== undefined && headers['if-match'] !== found?.etag) {
        return failure(412, { code: 'PreconditionFailed', message: 'Somebody else wrote.' });
      }
      return { status: found ? 200 : 201, body: this.#put(path, isRecord(body) ? body : {}) };
    }
    if (method === 'DELETE') {
      for (const each of [...this.#documents.keys()]) {
        if (each === key || each.startsWith(`${key}/`)) this.#documents.delete(each);
      }
      return { status: 204 };
    }
    const words = key.split('/');
    if (words.length % 2 === 0) return { status: 200, body: { value: this.#below(key, words.length + 1) } };
    if (found) return { status: 200, body: found };
    const name = path.split('/').at(-1);
    return failure(404, { code: 'ResourceNotFound', message: `The resource '${name}' was not found.` });
  }

  #below(key: string, words: number): unknown[] {
    const inGroups = key.replace('/providers/', '/resourcegroups/*/providers/').split('*');
    return [...this.#documents]
      .filter(([id]) => {
        const direct = id.startsWith(`${key}/`) && id.split('/').length === words;
        const everywhere = inGroups.length === 2 && inGroups.every(part => id.includes(part));
        return direct || (everywhere && id.split('/').length === 9);
      })
      .map(([, document]) => document);
  }

  #put(path: string, body: Record<string, unknown>): Record<string, unknown> {
    const words = path.split('/');
    const properties = isRecord(body.properties) ? body.properties : {};
    const document = {
      ...body,
      id: path.replace('/resourcegroups/', '/resourceGroups/'),
      name: words.at(-1),
      etag: `W/"${++this.#revision}"`,
      properties: { ...this.#fill(path, properties), provisioningState: 'Succeeded' },
    };
    this.#documents.set(path.toLowerCase(), document);
    const subnets = Array.isArray(properties.subnets) ? properties.subnets.filter(isRecord) : [];
    for (const subnet of subnets) this.#put(`${path}/subnets/${subnet.name}`, subnet);
    return document;
  }

  /** What the server adds: addresses, and the three lists of rule collections. */
  #fill(path: string, properties: Record<string, unknown>): Record<string, unknown> {
    const word = path.split('/').at(-2) ?? '';
    if (PARTS.includes(word)) return properties;
    if (/publicIPAddresses/i.test(word)) return { ipAddress: '20.51.99.7', ...properties };
    if (!/azureFirewalls/i.test(word)) return properties;
    const configurations = Array.isArray(properties.ipConfigurations) ? properties.ipConfigurations : [];
    return {
      networkRuleCollections: [],
      applicationRuleCollections: [],
      natRuleCollections: [],
      ...properties,
      ipConfigurations: configurations.filter(isRecord).map(configuration => ({
        ...configuration,
        properties: {
          ...(isRecord(configuration.properties) ? configuration.properties : {}),
          privateIPAddress: '10.42.2.4',
        },
      })),
    };
  }
}

export function failure(status: number, error: ArmErrorBody): StubAnswer {
  return { status, body: { error } };
}

export interface AzRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AzOptions {
  /** Standard input; the end of input if absent. */
  readonly input?: string;
  readonly terminal?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export class AzHarness implements AsyncDisposable {
  readonly api = new StubApi();
  readonly state = mkdtempSync(join(tmpdir(), 'postern-az-'));
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async create(): Promise<AzHarness> {
    const server = createServer();
    const harness = new AzHarness(server);
    const folder = join(harness.state, 'labs', 'postern');
    await listen(server, folder, harness.api);
    return harness;
  }

  get env(): Readonly<Record<string, string>> {
    return { POSTERN_STATE: this.state };
  }

  az(args: readonly string[], options: AzOptions = {}): Promise<AzRun> {
    return runWith(args, { ...options, env: { ...this.env, ...options.env } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** Runs `az` in this process. */
export async function runWith(args: readonly string[], options: AzOptions = {}): Promise<AzRun> {
  const out = catcher(options.terminal);
  const err = catcher(options.terminal);
  const stdin = Readable.from(options.input === undefined ? [] : [options.input]);
  const io: AzIo = { stdin, stdout: out.stream, stderr: err.stream, env: options.env ?? {} };
  const status = await runAz(args, io);
  return { status, stdout: out.text(), stderr: err.text() };
}

function catcher(terminal = false): { stream: Writable & { isTTY?: boolean }; text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY: terminal }), text: () => chunks.join('') };
}

async function listen(server: Server, folder: string, api: StubApi): Promise<void> {
  const { mkdirSync } = await import('node:fs');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const description = {
    url: 'https://127.0.0.1:1',
    ca: 'ca.pem',
    subscription: SUBSCRIPTION,
    tenant: 'a-tenant',
  };
  writeFileSync(join(folder, 'api.json'), JSON.stringify(description));
  writeFileSync(join(folder, 'token'), 'the-token\n', { mode: 0o600 });
  server.on('request', async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: decodeURIComponent(pathname),
      query: search.slice(1),
      body: text === '' ? undefined : JSON.parse(text),
      headers: request.headers,
    };
    send(response, api.answer(seen));
  });
  await new Promise<void>(resolve => server.listen(join(folder, 'api.sock'), resolve));
}

function send(response: ServerResponse, { status, body, headers = {} }: StubAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** Words of a command; quotes around a word are taken off. */
export function words(line: string): string[] {
  return line.split(' ').map(word => word.replace(/^'(.*)'$/, '$1'));
}

/** Runs a command that must succeed without a word on standard error; its JSON. */
export async function ok(harness: AzHarness, line: string): Promise<unknown> {
  const { status, stdout, stderr } = await harness.az(words(line));
  assert.deepEqual({ line, status, stderr }, { line, status: 0, stderr: '' });
  return stdout === '' ? undefined : JSON.parse(stdout);
}

/** The last request that wrote. */
export function lastWrite(harness: AzHarness): Pick<SeenRequest, 'method' | 'path' | 'body'> {
  const write = harness.api.seen.findLast(({ method }) => method !== 'GET' && method !== 'HEAD');
  assert.ok(write, 'nothing was written');
  const { method, path, body } = write;
  return { method, path, body };
}
