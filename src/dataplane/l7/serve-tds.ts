// A connection to SQL Server by TDS 7.x, where the client waits for an answer before it starts TLS and so says which server it
// wants only after it has heard from one. The engine gives that first answer itself: that everything is to be encrypted. From
// the ClientHello on it is as any TLS connection; the server it leads to is told what the client said and must have given
// the same answer. Redirection happens inside TLS, unseen: it needs a network rule, as with Azure
// (https://learn.microsoft.com/azure/firewall/sql-fqdn-filtering).

import {
  answerPrelogin,
  brokenPromise,
  offersEncryption,
  PRELOGIN,
  type Prelogin,
  PreloginReader,
  preloginForServer,
  TABULAR_RESULT,
  TdsPacketReader,
  writePrelogin,
  writeTdsPacket,
} from '#wire/tds.ts';
import { type ClientHello, ClientHelloReader } from '#wire/tls.ts';
import { type ByteStream, pumpBoth } from './byte-stream.ts';
import type { Connection } from './connection.ts';
import { linger } from './http-exchange.ts';
import { reachServer } from './reach.ts';
import { applicationRecord, type Outcome } from './records.ts';
import type { Services } from './services.ts';

export async function serveTds(connection: Connection, services: Services): Promise<void> {
  const { client } = connection;
  const { headDeadlineMs, connectMs } = services.limits;
  const log = (reason: Outcome['reason'], detail: string, fqdn = '') => {
    const outcome: Outcome = { action: 'Deny', rule: null, reason, detail };
    services.log.write(applicationRecord(connection.ends, 'MSSQL', fqdn, '', outcome));
  };
  const refuse: typeof log = (...why) => {
    log(...why);
    connection.cut();
  };

  connection.startDeadline(headDeadlineMs, () =>
    refuse('NotTds', `no ClientHello within ${headDeadlineMs} ms`),
  );
  const prelogin = await readPrelogin(client, PRELOGIN);
  if (typeof prelogin === 'string') return refuse('NotTds', prelogin);
  await client.write(writeTdsPacket(TABULAR_RESULT, writePrelogin(answerPrelogin(prelogin))));
  if (!offersEncryption(prelogin)) {
    connection.stopDeadline();
    log('NotTls', 'the client does not encrypt, so it names no server');
    // It has the answer, and so can say why its connection ends.
    return linger(client);
  }
  const start = await readWrappedHello(client);
  if (typeof start === 'string') return refuse('NotTds', start);
  connection.stopDeadline();

  const fqdn = start.hello.sni;
  const upstream = await reachServer(connection, { protocol: 'Mssql', fqdn }, services);
  if (!upstream) return;
  const giveUp = (problem: string) => refuse('ServerUnfit', problem, fqdn);
  connection.startDeadline(connectMs, () => giveUp(`no answer to PRELOGIN within ${connectMs} ms`));
  await upstream.write(writeTdsPacket(PRELOGIN, writePrelogin(preloginForServer(prelogin))));
  const answer = await readPrelogin(upstream, TABULAR_RESULT);
  if (typeof answer === 'string') return giveUp(answer);
  connection.stopDeadline();
  const broken = brokenPromise(prelogin, answer);
  if (broken !== undefined) return giveUp(broken);
  await upstream.write(start.bytes);
  await pumpBoth(client, upstream);
}

/** The message, or why there is none. Bytes behind it stay in the stream. */
async function readPrelogin(stream: ByteStream, type: number): Promise<Prelogin | string> {
  const reader = new PreloginReader(type);
  for (;;) {
    const chunk = await stream.read();
    if (chunk === null) return 'the connection ended before PRELOGIN was complete';
    const result = reader.push(chunk);
    if (result.status === 'need-more') continue;
    if (result.status === 'not-tds') return result.problem;
    stream.unread(result.rest);
    return result.prelogin;
  }
}

/** The hello with all bytes read, packets and all, or why there is none. */
async function readWrappedHello(
  stream: ByteStream,
): Promise<{ readonly hello: ClientHello; readonly bytes: Buffer } | string> {
  const packets = new TdsPacketReader(PRELOGIN);
  const reader = new ClientHelloReader();
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await stream.read();
    if (chunk === null) return 'the client finished before its ClientHello was complete';
    chunks.push(chunk);
    for (let bytes = chunk; bytes.length > 0; ) {
      const result = packets.push(bytes);
      if (result.status === 'need-more') break;
      if (result.status === 'not-tds') return result.problem;
      const hello = reader.push(result.packet.payload);
      if (hello.status === 'not-tls') return hello.problem;
      if (hello.status === 'hello') return { hello, bytes: Buffer.concat(chunks) };
      bytes = result.rest;
    }
  }
}
