// Questions to a running lab over its Unix socket, which only the lab's owner may open: one JSON line there, one back.

import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { LabError } from './lab-files.ts';

export type LabRequest =
  | { readonly command: 'status' }
  | {
      readonly command: 'add-host';
      readonly name: string;
      readonly subnetId?: string;
      readonly privateIp?: string;
    }
  /** Waits until the fabric is as the store says, and tells whether the namespace is there. */
  | { readonly command: 'enter'; readonly namespace: string }
  /** Asks these name servers from a namespace, as a program there would. */
  | {
      readonly command: 'resolve';
      readonly namespace: string;
      readonly servers: readonly string[];
      readonly name: string;
    }
  /** The sets that the gateway of a firewall, by its id, has loaded: the JSON that nft prints. */
  | { readonly command: 'sets'; readonly firewall: string }
  | { readonly command: 'stop' };

export type LabAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly message: string };

const MAX_REQUEST_BYTES = 64 * 1024;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Errors become answers; `LabError`s without the name of their class. */
export async function listenForRequests(
  path: string,
  handle: (request: LabRequest) => Promise<unknown>,
): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer(socket => {
    readLine(socket, MAX_REQUEST_BYTES)
      .then(async line => ({ ok: true as const, result: await handle(parseRequest(line)) }))
      .catch((error: Error): LabAnswer => ({ ok: false, message: error.message }))
      .then(answer => socket.end(`${JSON.stringify(answer)}\n`));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(before);
  });
  chmodSync(path, 0o600);
  return server;
}

/** The lab's answer; throws `LabError` with its words when it refuses, and the socket's error when nobody answers. */
export async function askLab(path: string, request: LabRequest): Promise<unknown> {
  const socket = createConnection(path);
  const line = readLine(socket, MAX_ANSWER_BYTES);
  socket.write(`${JSON.stringify(request)}\n`);
  const answer = JSON.parse(await line) as LabAnswer;
  if (!answer.ok) throw new LabError(answer.message);
  return answer.result;
}

function readLine(socket: Socket, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the lab closed the connection without an answer')));
    socket.on('data', (chunk: Buffer) => {
      const end = chunk.indexOf(10);
      parts.push(end < 0 ? chunk : chunk.subarray(0, end));
      size += chunk.length;
      if (end >= 0) resolve(Buffer.concat(parts).toString());
      else if (size > limit) socket.destroy();
    });
  });
}

function parseRequest(line: string): LabRequest {
  const value = JSON.parse(line) as Record<string, unknown>;
  const text = (key: string) => (typeof value[key] === 'string' ? value[key] : undefined);
  const subnetId = text('subnetId');
  const privateIp = text('privateIp');
  switch (value.command) {
    case 'status':
    case 'stop':
      return { command: value.command };
    case 'enter':
      return { command: 'enter', namespace: text('namespace') ?? '' };
    case 'resolve':
      return {
        command: 'resolve',
        namespace: text('namespace') ?? '',
        servers: Array.isArray(value.servers) ? value.servers.map(String) : [],
        name: text('name') ?? '',
      };
    case 'sets':
      return { command: 'sets', firewall: text('firewall') ?? '' };
    case 'add-host':
      return {
        command: 'add-host',
        name: text('name') ?? '',
        ...(subnetId === undefined ? {} : { subnetId }),
        ...(privateIp === undefined ? {} : { privateIp }),
      };
    default:
      throw new LabError(`the lab knows no request '${value.command}'`);
  }
}
