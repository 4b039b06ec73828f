// One HTTP exchange with the control plane, over its Unix socket or over HTTPS with its own CA. Knows nothing of
// resources. Answers are bounded, and a connection is closed after each exchange so that the process can end.

import type { IncomingMessage, RequestOptions } from 'node:http';
import { AzError } from './errors.ts';
import { type ApiEndpoint, notAnswering, readPrivateFile } from './find-api.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Parsed JSON; the text itself if it is not JSON; undefined if empty. */
  readonly body: unknown;
}

export type Transport = (request: HttpRequest) => Promise<HttpResponse>;

/** A list of all service tags has about 10 MB; nothing else comes near. */
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;
/** A PUT is held for 2 s at most; everything else answers at once. */
const ANSWER_TIMEOUT_MS = 60_000;

export function createTransport(endpoint: ApiEndpoint): Transport {
  return async request => {
    const text = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options: RequestOptions = {
      method: request.method,
      path: request.path,
      agent: false,
      timeout: ANSWER_TIMEOUT_MS,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        authorization: `Bearer ${readPrivateFile(endpoint.tokenPath).trim()}`,
        'user-agent': 'postern-az',
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        'content-length': Buffer.byteLength(text ?? ''),
        ...request.headers,
      },
    };
    return exchange(await openRequest(endpoint, options), text, endpoint);
  };
}

async function openRequest(endpoint: ApiEndpoint, options: RequestOptions) {
  if (endpoint.socketPath) {
    const http = await import('node:http');
    return http.request({ ...options, socketPath: endpoint.socketPath, host: 'localhost' });
  }
  const https = await import('node:https');
  const { hostname, port } = new URL(endpoint.url);
  return https.request({ ...options, hostname, port: port || 443, ca: readPrivateFile(endpoint.caPath) });
}

function exchange(
  request: import('node:http').ClientRequest,
  text: string | undefined,
  endpoint: ApiEndpoint,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    request.on('error', error => reject(error instanceof AzError ? error : notAnswering(endpoint, error)));
    request.on('timeout', () => {
      request.destroy(new AzError(`The control plane did not answer within ${ANSWER_TIMEOUT_MS / 1000} s.`));
    });
    request.on('response', response => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MOST_ANSWER_BYTES) {
          request.destroy(new AzError(`The answer is longer than ${MOST_ANSWER_BYTES} bytes.`));
        }
        chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: readBody(Buffer.concat(chunks).toString('utf8')),
        }),
      );
    });
    request.end(text);
  });
}

function readBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
