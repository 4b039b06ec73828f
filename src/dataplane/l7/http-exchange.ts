// One request and its answer between a client and the server it was judged for. Head and body go to the server as
// they come, the answer goes back as it comes, both at once and framed by what their heads say, so that the
// engine knows where each ends and can judge the next request. Nothing is collected but one head.

import { parseResponse, type RequestHead, type ResponseHead } from '#wire/http.ts';
import { bodyReader } from '#wire/http-body.ts';
import { HeadReader, type RawHead } from '#wire/http-head.ts';
import { type ByteStream, Gone, pumpBoth } from './byte-stream.ts';
import type { Connection } from './connection.ts';

/** How long, and for how many bytes, a client may go on sending what nobody will read after its last answer. */
const LINGER_MS = 2_000;
const LINGER_BYTES = 1024 * 1024;

/** The server did not answer, or not in a way that can be passed on. */
export class UpstreamFailure extends Gone {
  /** The server had sent something. */
  readonly answered: boolean;
  /** The client had been sent something; only a reset can tell it now. */
  readonly answerStarted: boolean;

  constructor(message: string, answered: boolean, answerStarted: boolean) {
    super(message);
    this.answered = answered;
    this.answerStarted = answerStarted;
  }
}

/** Sends the request (`head` is what the server gets for its head) and its answer; true if another may follow. */
export async function exchange(
  connection: Connection,
  upstream: ByteStream,
  request: RequestHead,
  head: Buffer,
): Promise<boolean> {
  const { client } = connection;
  const upload = new Upload(connection, upstream, request, head);
  let response: ResponseHead;
  try {
    response = await relayAnswer(upstream, client, request);
  } catch (error) {
    await upload.stop();
    throw error;
  }
  if (response.code === 101 || (request.wantsTunnel === 'connect' && response.code < 300)) {
    if ((await upload.result) === 'sent') await pumpBoth(client, upstream);
    return false;
  }
  if (request.keepAlive && response.keepAlive) {
    // A server that answers early may still want the body; one that answers instead of "100 Continue" does not.
    if (request.expectsContinue && !upload.settled) await upload.stop();
    if ((await upload.result) === 'sent') return true;
  }
  await upload.stop();
  connection.dropUpstream();
  await linger(client);
  return false;
}

/** Finishes sending and throws away, within bounds, what still comes: a reset would overtake the last answer. */
export async function linger(client: ByteStream): Promise<void> {
  client.end();
  const timer = setTimeout(() => client.reset(), LINGER_MS);
  try {
    for (let left = LINGER_BYTES; left > 0; ) {
      const chunk = await client.read();
      if (chunk === null) return;
      left -= chunk.length;
    }
    client.reset();
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The request on its way to the server. */
class Upload {
  /** Never rejects: trouble with the client cuts the connection, trouble with the server shows in its answer. */
  readonly result: Promise<'sent' | 'unsent'>;
  settled = false;
  readonly #connection: Connection;
  readonly #upstream: ByteStream;
  #stopped = false;

  constructor(connection: Connection, upstream: ByteStream, request: RequestHead, head: Buffer) {
    this.#connection = connection;
    this.#upstream = upstream;
    this.result = this.#run(request, head).finally(() => {
      this.settled = true;
    });
  }

  /** Gives up what is not sent yet, and the server with it. Afterwards the client's stream is free to be read. */
  async stop(): Promise<void> {
    if (this.settled) return;
    this.#stopped = true;
    this.#upstream.socket.destroy();
    this.#connection.client.interruptRead();
    await this.result;
  }

  async #run(request: RequestHead, head: Buffer): Promise<'sent' | 'unsent'> {
    try {
      if (!(await this.#send(head))) return 'unsent';
      return await this.#sendBody(request);
    } catch {
      if (!this.#stopped) this.#connection.cut();
      return 'unsent';
    }
  }

  async #sendBody(request: RequestHead): Promise<'sent' | 'unsent'> {
    if (request.body.kind === 'none') return 'sent';
    const { client } = this.#connection;
    const body = bodyReader(request.body);
    while (!this.#stopped) {
      const chunk = await client.read();
      if (chunk === null) throw new Gone('the client finished within a request body');
      const { used, state } = body.take(chunk);
      if (state === 'broken') throw new Gone('the chunks of a request body are malformed');
      client.unread(chunk.subarray(used));
      if (!(await this.#send(chunk.subarray(0, used)))) return 'unsent';
      if (state === 'done') return 'sent';
    }
    return 'unsent';
  }

  /** False when the server takes nothing any more. */
  async #send(bytes: Buffer): Promise<boolean> {
    try {
      await this.#upstream.write(bytes);
      return true;
    } catch {
      return false;
    }
  }
}

async function relayAnswer(
  upstream: ByteStream,
  client: ByteStream,
  request: RequestHead,
): Promise<ResponseHead> {
  const progress = { answered: false, started: false };
  const fail = (message: string) => new UpstreamFailure(message, progress.answered, progress.started);
  const fromServer = async (): Promise<Buffer | null> => {
    const chunk = await upstream.read().catch(() => {
      throw fail('it reset the connection');
    });
    if (chunk) progress.answered = true;
    return chunk;
  };
  const toClient = async (bytes: Buffer): Promise<void> => {
    progress.started = true;
    await client.write(bytes);
  };

  for (;;) {
    const raw = await readResponseHead(upstream, fromServer, fail);
    const response = parseResponse(raw, request);
    if (response.status === 'refused') throw fail(response.problem);
    const isInterim = response.code < 200 && response.code !== 101;
    if (response.code === 101 && request.wantsTunnel !== 'upgrade')
      throw fail('it switches protocols without having been asked');
    await toClient(raw.bytes);
    if (isInterim) continue;
    if (response.code !== 101) await relayBody(response, upstream, fromServer, toClient, fail);
    return response;
  }
}

async function readResponseHead(
  upstream: ByteStream,
  fromServer: () => Promise<Buffer | null>,
  fail: (message: string) => UpstreamFailure,
): Promise<RawHead> {
  const reader = new HeadReader();
  for (;;) {
    const chunk = await fromServer();
    if (chunk === null) throw fail('it closed the connection without an answer');
    const result = reader.push(chunk);
    if (result.status === 'refused') throw fail(result.problem);
    if (result.status === 'need-more') continue;
    upstream.unread(result.rest);
    return result.head;
  }
}

async function relayBody(
  { body }: ResponseHead,
  upstream: ByteStream,
  fromServer: () => Promise<Buffer | null>,
  toClient: (bytes: Buffer) => Promise<void>,
  fail: (message: string) => UpstreamFailure,
): Promise<void> {
  if (body.kind === 'none') return;
  const reader = bodyReader(body);
  for (;;) {
    const chunk = await fromServer();
    if (chunk === null) {
      if (body.kind === 'close') return;
      throw fail('it closed the connection within its answer');
    }
    const { used, state } = reader.take(chunk);
    if (state === 'broken') throw fail('the chunks of its answer are malformed');
    upstream.unread(chunk.subarray(used));
    await toClient(chunk.subarray(0, used));
    if (state === 'done') return;
  }
}
