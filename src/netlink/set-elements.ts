// Elements of an nf_tables set of IPv4 addresses with timeouts, without the nft tool: some 20 microseconds for an
// addition that packets see when the call returns. One call is one transaction.
//
// Kernels before 6.12 do not refresh the timeout of an element that is added again, so a refresh is a removal
// and an addition in one transaction, which packets see as one.

import { listAttributes, nested, parseAttributes, text, u32, u64 } from './attributes.ts';
import { NetlinkError } from './errors.ts';
import { FLAG_ACK, FLAG_CREATE, FLAG_DUMP, FLAG_REQUEST, nfMessage } from './messages.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const SUBSYSTEM_NFTABLES = 10;
const NEW_SET_ELEMENT = (SUBSYSTEM_NFTABLES << 8) | 12;
const GET_SET_ELEMENT = (SUBSYSTEM_NFTABLES << 8) | 13;
const DELETE_SET_ELEMENT = (SUBSYSTEM_NFTABLES << 8) | 14;
const GET_TABLE = 1;
const FAMILY_INET = 1;

const LIST_TABLE = 1;
const LIST_SET = 2;
const LIST_ELEMENTS = 3;
const LIST_ITEM = 1;
const ELEMENT_KEY = 1;
const ELEMENT_TIMEOUT = 4;
const ELEMENT_EXPIRATION = 5;
const DATA_VALUE = 1;

export interface ElementChange {
  readonly table: string;
  readonly set: string;
  /** Removed first. A missing one fails the whole change with ENOENT. */
  readonly remove?: readonly number[];
  readonly add?: readonly { readonly address: number; readonly timeoutMs: number }[];
}

/** The bytes of one change; `first` is the sequence number of the batch begin. */
export function encodeElementChange(change: ElementChange, first: number): { bytes: Buffer; last: number } {
  let sequence = first;
  const messages = [
    nfMessage({ type: BATCH_BEGIN, flags: FLAG_REQUEST, sequence, resource: SUBSYSTEM_NFTABLES }),
  ];
  const request = (type: number, flags: number, elements: readonly Buffer[]): void => {
    if (elements.length === 0) return;
    sequence += 1;
    const attributes = [
      text(LIST_TABLE, change.table),
      text(LIST_SET, change.set),
      nested(LIST_ELEMENTS, ...elements),
    ];
    messages.push(
      nfMessage({ type, flags: FLAG_REQUEST | FLAG_ACK | flags, sequence, family: FAMILY_INET, attributes }),
    );
  };
  const { remove = [], add = [] } = change;
  request(
    DELETE_SET_ELEMENT,
    0,
    remove.map(address => nested(LIST_ITEM, elementKey(address))),
  );
  request(
    NEW_SET_ELEMENT,
    FLAG_CREATE,
    add.map(({ address, timeoutMs }) =>
      nested(
        LIST_ITEM,
        elementKey(address),
        u64(ELEMENT_TIMEOUT, timeoutMs),
        u64(ELEMENT_EXPIRATION, timeoutMs),
      ),
    ),
  );
  const last = sequence;
  messages.push(
    nfMessage({ type: BATCH_END, flags: FLAG_REQUEST, sequence: last + 1, resource: SUBSYSTEM_NFTABLES }),
  );
  return { bytes: Buffer.concat(messages), last };
}

function elementKey(address: number): Buffer {
  return nested(ELEMENT_KEY, u32(DATA_VALUE, address));
}

/** When it returns, packets see the change; when it throws, nothing changed. */
export function changeElements(socket: NetlinkSocket, change: ElementChange): void {
  if ((change.remove?.length ?? 0) + (change.add?.length ?? 0) === 0) return;
  // Five numbers at most: begin, removal, addition, end, and a spare.
  const first = socket.nextSequence();
  const { bytes, last } = encodeElementChange(change, first);
  while (socket.nextSequence() <= last);
  socket.send(bytes);
  const what = `elements of set ${change.set}`;
  for (const errno of socket.acknowledgements(what, first, last).values())
    throw new NetlinkError(what, errno);
}

export interface SetElement {
  readonly address: number;
  /** Milliseconds until the kernel forgets it; undefined when it does not. */
  readonly expiresMs: number | undefined;
}

export function parseElements(body: Buffer): SetElement[] {
  const list = parseAttributes(body.subarray(4)).get(LIST_ELEMENTS) ?? Buffer.alloc(0);
  return listAttributes(list).flatMap(({ value }) => {
    const element = parseAttributes(value);
    const key = parseAttributes(element.get(ELEMENT_KEY) ?? Buffer.alloc(0)).get(DATA_VALUE);
    const expiration = element.get(ELEMENT_EXPIRATION);
    if (key?.length !== 4) return [];
    const expiresMs = expiration?.length === 8 ? Number(expiration.readBigUInt64BE()) : undefined;
    return [{ address: key.readUInt32BE(0), expiresMs }];
  });
}

/** What a set of IPv4 addresses holds; undefined when there is no such table or set. */
export function listElements(socket: NetlinkSocket, table: string, set: string): SetElement[] | undefined {
  const sequence = socket.nextSequence();
  const attributes = [text(LIST_TABLE, table), text(LIST_SET, set)];
  socket.send(
    nfMessage({
      type: GET_SET_ELEMENT,
      flags: FLAG_REQUEST | FLAG_DUMP,
      sequence,
      family: FAMILY_INET,
      attributes,
    }),
  );
  const elements: SetElement[] = [];
  try {
    socket.dump(`set ${set}`, sequence, message => elements.push(...parseElements(message.body)));
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return elements;
}

/** True when this network namespace has an `inet` table of that name. */
export function tableExists(socket: NetlinkSocket, table: string): boolean {
  const sequence = socket.nextSequence();
  const attributes = [text(LIST_TABLE, table)];
  const type = (SUBSYSTEM_NFTABLES << 8) | GET_TABLE;
  socket.send(nfMessage({ type, flags: FLAG_REQUEST | FLAG_ACK, sequence, family: FAMILY_INET, attributes }));
  for (const errno of socket.acknowledgements(`table ${table}`, sequence, sequence).values()) {
    const error = new NetlinkError(`table ${table}`, errno);
    if (error.code === 'ENOENT') return false;
    throw error;
  }
  return true;
}
