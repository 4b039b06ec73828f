// A TLS connection: reads the ClientHello, has its name judged, connects to where that name really lives, replays the
// bytes and then only moves them. A second hello (after a HelloRetryRequest) or a renegotiation passes unread: whatever
// it says, it reaches only the server of the judged name. The client never gets an answer of ours: a refusal is a
// reset, as with Azure.

import type { ApplicationProtocol } from '#ir/policy.ts';
import { TDS8_ALPN } from '#wire/tds.ts';
import { type ClientHello, ClientHelloReader } from '#wire/tls.ts';
import { pumpBoth } from './byte-stream.ts';
import type { Connection } from './connection.ts';
import { reachServer } from './reach.ts';
import { applicationRecord, PROTOCOL_NAMES } from './records.ts';
import type { Services } from './services.ts';

/** `named` are the protocols of the port. */
export async function serveTls(
  connection: Connection,
  named: ReadonlySet<ApplicationProtocol>,
  services: Services,
): Promise<void> {
  const refuse = (detail: string) => {
    const protocol = named.has('Https') ? 'Https' : 'Mssql';
    const outcome = { action: 'Deny', rule: null, reason: 'NotTls', detail } as const;
    services.log.write(applicationRecord(connection.ends, PROTOCOL_NAMES[protocol], '', '', outcome));
    connection.cut();
  };
  const start = await readHello(connection, refuse, services);
  if (!start) return;
  const claim = { protocol: protocolOf(start.hello, named), fqdn: start.hello.sni };
  const upstream = await reachServer(connection, claim, services);
  if (!upstream) return;
  await upstream.write(start.bytes);
  await pumpBoth(connection.client, upstream);
}

/** On a port of both, TDS 8.0 names itself. */
function protocolOf(hello: ClientHello, named: ReadonlySet<ApplicationProtocol>): ApplicationProtocol {
  if (!named.has('Mssql')) return 'Https';
  return !named.has('Https') || hello.alpn.includes(TDS8_ALPN) ? 'Mssql' : 'Https';
}

/** The hello and all bytes read with it; undefined when the connection is over, with the reason logged. */
async function readHello(
  connection: Connection,
  refuse: (detail: string) => void,
  { limits: { headDeadlineMs } }: Services,
): Promise<{ readonly hello: ClientHello; readonly bytes: Buffer } | undefined> {
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
