// HTTP on port 80 and TLS on port 443, for every name and address. Which certificate to show is known from the ClientHello,
// so that is read first, without taking it away: its SNI, or without one the address that was connected to. Node's own
// servers do the rest; they never listen themselves and are handed finished connections.

import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { normalizeFqdn } from '#net/fqdn.ts';
import { ClientHelloReader, type HelloResult } from '#wire/tls.ts';
import type { CertificateCache } from './certificates.ts';
import type { Ends } from './connections.ts';
import type { Journal } from './journal.ts';
import { type PageRequest, type PageResponse, servePage, serveTunnel, type Visit } from './pages.ts';

const HANDSHAKE_MS = 15_000;
const KEEP_ALIVE_MS = 120_000;
/** A client that holds a connection without using it for so long has forgotten it. */
const IDLE_MS = 30 * 60_000;

export class WebServers {
  readonly #journal: Journal;
  readonly #certificates: CertificateCache;
  readonly #http: HttpServer;
  /** For clients that name the site, and for those that do not: its certificate changes with every connection. */
  readonly #named: Http2SecureServer;
  readonly #unnamed: Http2SecureServer;
  /** By what Node hands back with a request: the connection, or the HTTP/2 session on it. */
  readonly #visits = new WeakMap<object, Visit>();

  constructor(journal: Journal, certificates: CertificateCache) {
    this.#journal = journal;
    this.#certificates = certificates;
    this.#http = this.#equip(createHttpServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }));
    const options = { allowHTTP1: true, ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: HANDSHAKE_MS };
    this.#unnamed = this.#equipSecure(createSecureServer(options));
    this.#named = this.#equipSecure(
      createSecureServer({
        ...options,
        SNICallback: (name, done) => {
          certificates.contextFor(normalizeFqdn(name)).then(
            context => done(null, context),
            (error: Error) => done(error),
          );
        },
      }),
    );
  }

  acceptHttp(socket: Socket, ends: Ends): void {
    this.#visits.set(socket, { ...ends, protocol: 'http', sni: undefined });
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    this.#http.emit('connection', socket);
  }

  async acceptTls(socket: Socket, ends: Ends): Promise<void> {
    socket.setTimeout(HANDSHAKE_MS, () => socket.destroy());
    const hello = await readHello(socket);
    if (hello?.status !== 'hello') {
      socket.destroy();
      return;
    }
    this.#journal.write({
      ...ends,
      protocol: 'tls',
      ...(hello.sni === undefined ? {} : { name: hello.sni }),
    });
    socket.setTimeout(0); // From here on the server's own handshake time-out counts.
    if (hello.sni !== undefined) {
      this.#named.emit('connection', socket);
      return;
    }
    const certificate = await this.#certificates.issue(ends.server);
    if (socket.destroyed) return;
    this.#unnamed.setSecureContext(certificate); // The connection takes it at once, before another one can change it.
    this.#unnamed.emit('connection', socket);
  }

  #equipSecure(server: Http2SecureServer): Http2SecureServer {
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.setTimeout(IDLE_MS, () => socket.destroy());
      if (socket.alpnProtocol !== 'h2') this.#remember(socket, socket, 'https');
    });
    server.on('session', session => this.#remember(session, session.socket as TLSSocket, 'h2'));
    server.on('sessionError', () => {}); // The client broke the protocol or went away; its session is closed.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return this.#equip(server);
  }

  #equip<Server extends HttpServer | Http2SecureServer>(server: Server): Server {
    server.on('request', (request: PageRequest, response: PageResponse) => this.#serve(request, response));
    for (const event of ['connect', 'upgrade'])
      server.on(event, (request: IncomingMessage, stream: Socket, head: unknown) => {
        // HTTP/2 announces its own CONNECT requests by the same event, with a response in the place of the stream.
        if (!Buffer.isBuffer(head)) return this.#serve(request, stream as unknown as PageResponse);
        const visit = this.#visits.get(request.socket);
        if (visit) serveTunnel(request, stream, head, visit, this.#journal);
        else stream.destroy();
      });
    server.on('clientError', (_error: Error, socket: Socket) => {
      if (socket.writable && socket.bytesWritten === 0)
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    return server;
  }

  #serve(request: PageRequest, response: PageResponse): void {
    const connection = 'stream' in request ? request.stream.session : request.socket;
    const visit = connection && this.#visits.get(connection);
    response.on('error', () => {});
    if (!visit) {
      request.socket?.destroy();
      return;
    }
    servePage(request, response, visit, this.#journal).catch(() => response.destroy());
  }

  #remember(key: object, socket: TLSSocket, protocol: 'https' | 'h2'): void {
    const { remoteAddress, remotePort, localAddress, localPort, servername } = socket as TLSSocket & {
      servername?: string | false;
    };
    if (remoteAddress === undefined || remotePort === undefined) return;
    if (localAddress === undefined || localPort === undefined) return;
    const ends = {
      client: remoteAddress,
      clientPort: remotePort,
      server: localAddress,
      serverPort: localPort,
    };
    this.#visits.set(key, { ...ends, protocol, sni: servername || undefined });
  }
}

/** The ClientHello, with all that was read put back. Undefined: the client went away before it was whole. */
function readHello(socket: Socket): Promise<HelloResult | undefined> {
  const reader = new ClientHelloReader();
  const chunks: Buffer[] = [];
  return new Promise(resolve => {
    const finish = (result: HelloResult | undefined) => {
      socket.off('readable', read).off('end', gone).off('close', gone);
      if (chunks.length > 0) socket.unshift(Buffer.concat(chunks));
      resolve(result);
    };
    const gone = () => finish(undefined);
    const read = () => {
      for (
        let chunk = socket.read() as Buffer | null;
        chunk !== null;
        chunk = socket.read() as Buffer | null
      ) {
        chunks.push(chunk);
        const result = reader.push(chunk);
        if (result.status !== 'need-more') return finish(result);
      }
    };
    socket.on('readable', read).once('end', gone).once('close', gone);
  });
}
