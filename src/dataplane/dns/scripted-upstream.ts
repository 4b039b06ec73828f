// A DNS server for tests, on loopback, UDP and TCP on one port: a function says what it answers. Records what it was
// asked, and by which port.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import dnsPacket, { type DecodedPacket, type Packet } from 'dns-packet';
import { framed } from './exchange.ts';

export interface Asked {
  readonly packet: DecodedPacket;
  readonly bytes: Uint8Array;
  readonly protocol: 'udp' | 'tcp';
  readonly port: number;
}

/** A packet is answered with the id, question and flags of the query; undefined is silence; bytes are sent as they are. */
export type Script = (asked: Asked) => Packet | Uint8Array | undefined | Promise<Packet | undefined>;

export class ScriptedUpstream {
  script: Script;
  readonly asked: Asked[] = [];
  readonly #address: string;
  #udp: UdpSocket | undefined;
  #tcp: TcpServer | undefined;
  readonly #connections = new Set<Socket>();
  port = 0;

  constructor(address: string, script: Script) {
    this.#address = address;
    this.script = script;
  }

  /** Port 0 takes a free one. */
  async open(port = 0): Promise<void> {
    const tcp = createServer(socket => this.#serve(socket));
    tcp.listen(port, this.#address);
    await once(tcp, 'listening');
    const bound = tcp.address();
    this.port = typeof bound === 'object' && bound ? bound.port : port;
    this.#tcp = tcp;
    const udp = createSocket('udp4');
    udp.on('message', async (bytes, from) => {
      const answer = await this.#answer(bytes, 'udp', from.port);
      if (answer && this.#udp === udp) udp.send(answer, from.port, from.address);
    });
    udp.bind(this.port, this.#address);
    await once(udp, 'listening');
    this.#udp = udp;
  }

  async close(): Promise<void> {
    const udp = this.#udp;
    this.#udp = undefined;
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([
      udp && new Promise<void>(resolve => udp.close(resolve)),
      this.#tcp && new Promise<void>(resolve => this.#tcp?.close(() => resolve())),
    ]);
    this.#tcp = undefined;
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => undefined);
    let received = Buffer.alloc(0);
    socket.on('data', async chunk => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const query = received.subarray(2, 2 + received.readUInt16BE(0));
        received = received.subarray(2 + query.length);
        const answer = await this.#answer(query, 'tcp', socket.remotePort ?? 0);
        if (answer) socket.write(framed(answer));
      }
    });
  }

  async #answer(bytes: Buffer, protocol: 'udp' | 'tcp', port: number): Promise<Uint8Array | undefined> {
    const packet = dnsPacket.decode(bytes);
    const asked: Asked = { packet, bytes: Uint8Array.from(bytes), protocol, port };
    this.asked.push(asked);
    const answer = await this.script(asked);
    if (answer === undefined || answer instanceof Uint8Array) return answer;
    const encoded = dnsPacket.encode({
      type: 'response',
      id: packet.id ?? 0,
      questions: packet.questions ?? [],
      ...answer,
    });
    return encoded;
  }
}
