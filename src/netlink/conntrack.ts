// Conntrack entries by netlink: list those with a mark, rewrite marks, delete. Entries that vanished meanwhile are
// no error. IPv4 only, since nothing else is forwarded.

import { type Attributes, attribute, parseAttributes, u32 } from './attributes.ts';
import { errnoName, NetlinkError } from './errors.ts';
import { FLAG_ACK, FLAG_DUMP, FLAG_REQUEST, nfMessage } from './messages.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

const SUBSYSTEM_CONNTRACK = 1;
const NEW = SUBSYSTEM_CONNTRACK << 8;
const GET = NEW | 1;
const DELETE = NEW | 2;
const FAMILY_IPV4 = 2;

const TUPLE_ORIGINAL = 1;
const TUPLE_REPLY = 2;
const STATUS = 3;
const MARK = 8;
const MARK_MASK = 21;
const NESTED = 0x8000;

const STATUS_DNAT = 1 << 5;

/** Messages a `send`; their errors fit the socket's buffer. */
const BATCH = 200;

export interface FlowTuple {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** 0 for protocols without ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface ConntrackEntry {
  readonly mark: number;
  readonly original: FlowTuple;
  readonly reply: FlowTuple;
  readonly dnat: boolean;
  /** The original tuple as the kernel wrote it, which names the entry in later requests. */
  readonly key: Buffer;
}

export function parseEntry(body: Buffer): ConntrackEntry | undefined {
  const attributes = parseAttributes(body.subarray(4));
  const key = attributes.get(TUPLE_ORIGINAL);
  const reply = attributes.get(TUPLE_REPLY);
  if (key === undefined || reply === undefined) return undefined;
  return {
    mark: numberOf(attributes, MARK),
    original: parseTuple(key),
    reply: parseTuple(reply),
    dnat: (numberOf(attributes, STATUS) & STATUS_DNAT) !== 0,
    key: Buffer.from(key),
  };
}

function parseTuple(bytes: Buffer): FlowTuple {
  const tuple = parseAttributes(bytes);
  const addresses = parseAttributes(tuple.get(1) ?? Buffer.alloc(0));
  const protocol = parseAttributes(tuple.get(2) ?? Buffer.alloc(0));
  return {
    protocol: numberOf(protocol, 1),
    source: numberOf(addresses, 1),
    destination: numberOf(addresses, 2),
    sourcePort: numberOf(protocol, 2),
    destinationPort: numberOf(protocol, 3),
  };
}

function numberOf(attributes: Attributes, type: number): number {
  const bytes = attributes.get(type);
  return bytes === undefined || bytes.length === 0 ? 0 : bytes.readUIntBE(0, Math.min(bytes.length, 4));
}

/** Entries whose mark under `mask` is `mark`; the kernel does the filtering. */
export function listByMark(socket: NetlinkSocket, mark: number, mask: number): ConntrackEntry[] {
  const sequence = socket.nextSequence();
  const attributes = [u32(MARK, mark), u32(MARK_MASK, mask)];
  socket.send(
    nfMessage({ type: GET, flags: FLAG_REQUEST | FLAG_DUMP, sequence, family: FAMILY_IPV4, attributes }),
  );
  const entries: ConntrackEntry[] = [];
  socket.dump('conntrack dump', sequence, message => {
    const entry = parseEntry(message.body);
    // Kernels older than the filter would answer everything.
    if (entry !== undefined && ((entry.mark ^ mark) & mask) === 0) entries.push(entry);
  });
  return entries;
}

export function updateMarks(
  socket: NetlinkSocket,
  changes: readonly { readonly entry: ConntrackEntry; readonly mark: number }[],
): void {
  inBatches(socket, 'conntrack mark', NEW, changes, ({ entry, mark }) => [
    attribute(TUPLE_ORIGINAL | NESTED, entry.key),
    u32(MARK, mark),
  ]);
}

export function deleteEntries(socket: NetlinkSocket, entries: readonly ConntrackEntry[]): void {
  inBatches(socket, 'conntrack delete', DELETE, entries, entry => [
    attribute(TUPLE_ORIGINAL | NESTED, entry.key),
  ]);
}

function inBatches<T>(
  socket: NetlinkSocket,
  what: string,
  type: number,
  items: readonly T[],
  attributesOf: (item: T) => readonly Buffer[],
): void {
  for (let start = 0; start < items.length; start += BATCH) {
    const batch = items.slice(start, start + BATCH);
    const sequences = batch.map(() => socket.nextSequence());
    const first = sequences[0] as number;
    const last = sequences.at(-1) as number;
    const messages = batch.map((item, index) =>
      nfMessage({
        type,
        flags: FLAG_REQUEST | (index === batch.length - 1 ? FLAG_ACK : 0),
        sequence: sequences[index] as number,
        family: FAMILY_IPV4,
        attributes: attributesOf(item),
      }),
    );
    socket.send(Buffer.concat(messages));
    for (const errno of socket.acknowledgements(what, first, last).values())
      if (errnoName(errno) !== 'ENOENT') throw new NetlinkError(what, errno);
  }
}
