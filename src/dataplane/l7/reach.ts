// From a name that a client claims to an open connection to its server: judged, resolved, dialled. Whoever called has the bytes
// that the server must see first.

import { admit } from './admit.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Connection } from './connection.ts';
import { connectFirst, Unreachable } from './dial.ts';
import type { Claim } from './judge.ts';
import type { Services } from './services.ts';

/** Undefined when the connection is over: refused, with the reason logged, or its server does not answer. */
export async function reachServer(
  connection: Connection,
  claim: Claim,
  services: Services,
): Promise<ByteStream | undefined> {
  const admission = await admit(connection, claim, '', services);
  if (admission.status === 'refused') {
    connection.cut();
    return undefined;
  }
  try {
    const { ends, signal } = connection;
    const server = await connectFirst(admission.addresses, ends.destinationPort, services, signal);
    return connection.attach(server.socket, server.address, claim.fqdn ?? '');
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    connection.cut();
    return undefined;
  }
}
