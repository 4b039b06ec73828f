// The servers of the lab's Internet put together: sockets, names, pages and the journal. It runs in a network namespace in
// which every address that no route leads to is local (`ip route add local 0.0.0.0/0 dev lo table main`), and answers for
// all of them. The route belongs into the main table: in the local one it would hide the routes back to the clients.

import { join } from 'node:path';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import { raiseFileLimit } from '#netlink/file-limit.ts';
import { openAuthority } from './ca.ts';
import { CertificateCache } from './certificates.ts';
import type { InternetSettings } from './config.ts';
import { Acceptor, type Ends, echo } from './connections.ts';
import { type Datagram, DatagramSocket } from './datagram-socket.ts';
import { answerDns } from './dns-message.ts';
import { serveDnsOverTcp } from './dns-tcp.ts';
import { Journal } from './journal.ts';
import { NameService } from './names.ts';
import { answerNtp } from './ntp.ts';
import { assertOwnsEveryAddress, loadRules, NO_RULES, rulesFor } from './redirect.ts';
import { WebServers } from './web.ts';

const DNS_PORT = 53;
const HTTP_PORT = 80;
const NTP_PORT = 123;
const HTTPS_PORT = 443;
/** Port 7 is the echo service, so a client that asks for it directly gets what it expects. */
const ECHO_PORT = 7;
const WANTED_FILES = 65_536;
/** Descriptors for everything that is no accepted connection. */
const SPARE_FILES = 512;
const MAX_CONNECTIONS = 20_000;

export class Internet {
  #names: NameService;
  readonly #journal: Journal;
  readonly #acceptor: Acceptor;
  readonly #datagrams: DatagramSocket;

  private constructor(settings: InternetSettings, journal: Journal) {
    this.#names = new NameService(settings);
    this.#journal = journal;
    const files = raiseFileLimit(WANTED_FILES);
    this.#acceptor = new Acceptor(journal, Math.max(16, Math.min(MAX_CONNECTIONS, files - SPARE_FILES)));
    this.#datagrams = new DatagramSocket(ECHO_PORT, datagram => this.#onDatagram(datagram));
  }

  /** Resolves when everything answers. `state` holds the authority (ca.pem) and the journal (internet.jsonl). */
  static async start(
    settings: InternetSettings,
    state: string,
    warn: (message: string) => void,
  ): Promise<Internet> {
    await assertOwnsEveryAddress();
    const journal = new Journal(join(state, 'internet.jsonl'), {
      rotateBytes: settings.journalBytes,
      onError: error => warn(`the journal cannot be written: ${error.message}`),
    });
    const authority = await openAuthority(state);
    const internet = new Internet(settings, journal);
    try {
      await internet.#listen(new WebServers(journal, new CertificateCache(authority)));
    } catch (error) {
      await internet.close();
      throw error;
    }
    return internet;
  }

  /** Another configuration of names: those already given out are forgotten, connections and the journal go on. */
  configure(settings: InternetSettings): void {
    this.#names = new NameService(settings);
  }

  async close(): Promise<void> {
    await Promise.all([
      loadRules(NO_RULES).catch(() => {}), // The namespace usually goes away with its rules.
      this.#acceptor.close(),
      this.#datagrams.close(),
    ]);
    await this.#journal.flush();
  }

  async #listen(web: WebServers): Promise<void> {
    await this.#acceptor.listen(ECHO_PORT, socket => echo(socket));
    await this.#acceptor.listen(DNS_PORT, (socket, ends) =>
      serveDnsOverTcp(socket, message => this.#answerDns(message, 'tcp', ends)),
    );
    await this.#acceptor.listen(HTTP_PORT, (socket, ends) => web.acceptHttp(socket, ends));
    await this.#acceptor.listen(HTTPS_PORT, (socket, ends) => {
      web.acceptTls(socket, ends).catch(() => socket.destroy());
    });
    await loadRules(rulesFor([ECHO_PORT, DNS_PORT, HTTP_PORT, HTTPS_PORT], ECHO_PORT));
  }

  #onDatagram(datagram: Datagram): void {
    const receivedAt = Date.now();
    const { serverPort, clientPort, data } = datagram;
    const ends = {
      client: formatIpv4(datagram.client),
      clientPort,
      server: formatIpv4(datagram.server),
      serverPort,
    };
    let response: Buffer | undefined;
    if (serverPort === DNS_PORT) response = this.#answerDns(data, 'udp', ends);
    else {
      this.#journal.write({ protocol: serverPort === NTP_PORT ? 'ntp' : 'udp', ...ends });
      response = serverPort === NTP_PORT ? answerNtp(data, receivedAt, Date.now()) : data;
    }
    if (response) this.#datagrams.reply(datagram, response);
  }

  #answerDns(message: Buffer, transport: 'udp' | 'tcp', ends: Ends): Buffer | undefined {
    const asker = parseIpv4(ends.client) ?? 0;
    const server = parseIpv4(ends.server) ?? 0;
    const { response, name, type } = answerDns(message, { asker, server, transport }, this.#names);
    this.#journal.write({
      protocol: transport === 'udp' ? 'dns' : 'dns-tcp',
      ...ends,
      ...(name === undefined ? {} : { name: name.toLowerCase() }),
      ...(type === undefined ? {} : { type }),
    });
    return response;
  }
}
