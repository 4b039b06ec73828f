// A TLS connection: reads the ClientHello, has its name judged, connects to where that name really lives, replays the
// bytes and then only moves them. A second hello (after a HelloRetryRequest) or a renegotiation passes unread: whatever
// it says, it reaches only the server of the judged name. The client never gets an answer of ours: a refusal is a
// reset, as with Azure.

import { type ClientHello, ClientHelloReader } from '#wire/tls.ts';
import { admit } from './admit.ts';
import { pumpBoth } from './byte-stream.ts';
import type { Connection } from './connection.ts';
import { connectFirst, Unreachable } from './dial.ts';
import { claimOfHello } from './judge.ts';
import { applicationRecord } from './records.ts';
import type { Services } from './services.ts';

export async function serveTls(connection: Connection, services: Services): Promise<void> {
  const start = await readHello(connection, services);
  if (!start) return;
  const claim = claimOfHello(start.hello);
  const admission = await admit(connection, claim, '', services);
  if (admission.status === 'refused') {
    connection.cut();
    return;
  }
  try {
    const { ends, signal } = connection;
    const server = await connectFirst(admission.addresses, ends.destinationPort, services, signal);
    const upstream = connection.attach(server.socket, server.address, claim.fqdn ?? '');
    await upstream.write(start.bytes);
    await pumpBoth(connection.client, upstream);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    connection.cut();
  }
}

/** The hello and all bytes read with it; undefined when the connection is over, with the reason logged. */
async function readHello(
  connection: Connection,
  services: Services,
): Promise<{ readonly hello: ClientHello; readonly bytes: Buffer } | undefined> {
  const refuse = (detail: string) => {
    const outcome = { action: 'Deny', rule: null, reason: 'NotTls', detail } as const;
    services.log.write(applicationRecord(connection.ends, 'HTTPS', '', '', outcome));
    connection.cut();
  };
  const { headDeadlineMs } = services.limits;
  connection.startDeadline(headDeadlineMs, () => refuse(`no ClientHello within ${headDeadlineMs} ms`));
  const reader = new ClientHelloReader();
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await connection.client.read();
    if (chunk === null) {
      connection.stopDeadline();
      // A probe that only connects is not logged, as with Azure.
      if (chunks.length > 0) refuse('the client finished before its ClientHello was complete');
      else connection.client.end();
      return undefined;
    }
    chunks.push(chunk);
    const result = reader.push(chunk);
    if (result.status === 'need-more') continue;
    connection.stopDeadline();
    if (result.status === 'hello') return { hello: result, bytes: Buffer.concat(chunks) };
    refuse(result.problem);
    return undefined;
  }
}
