// Writes the few DNS messages that are made here and not passed on: queries, answers without records, and the
// EDNS record (RFC 6891). Everything with other records in it is an upstream's bytes.

import { CLASS_IN, FLAG, HEADER_LENGTH, TYPE, viewOf } from './dns.ts';

const DNSSEC_OK = 0x8000;

export interface OptRecord {
  /** The largest UDP message that its sender takes. */
  readonly udpSize: number;
  readonly dnssecOk: boolean;
  /** Upper eight bits of the response code. */
  readonly extendedRcode?: number;
  /** Options as they stand on the wire. */
  readonly options?: Uint8Array;
}

export function writeOpt({
  udpSize,
  dnssecOk,
  extendedRcode = 0,
  options = new Uint8Array(),
}: OptRecord): Uint8Array {
  const bytes = new Uint8Array(11 + options.length);
  const view = viewOf(bytes);
  view.setUint16(1, TYPE.OPT);
  view.setUint16(3, udpSize);
  view.setUint8(5, extendedRcode);
  view.setUint16(7, dnssecOk ? DNSSEC_OK : 0);
  view.setUint16(9, options.length);
  bytes.set(options, 11);
  return bytes;
}

/** A message of at most one question and an OPT record. `question` is the bytes of a question, or empty. */
export function writeMessage(
  id: number,
  flags: number,
  question: Uint8Array,
  opt: OptRecord | undefined,
): Uint8Array {
  const tail = opt ? writeOpt(opt) : new Uint8Array();
  const bytes = new Uint8Array(HEADER_LENGTH + question.length + tail.length);
  const view = viewOf(bytes);
  view.setUint16(0, id);
  view.setUint16(2, flags);
  view.setUint16(4, question.length > 0 ? 1 : 0);
  view.setUint16(10, opt ? 1 : 0);
  bytes.set(question, HEADER_LENGTH);
  bytes.set(tail, HEADER_LENGTH + question.length);
  return bytes;
}

/** The question for a normalized name (`parseFqdn`'s, or empty for the root), class IN. */
export function writeQuestion(name: string, type: number): Uint8Array {
  const labels = name === '' ? [] : name.split('.');
  const bytes = new Uint8Array(name === '' ? 5 : name.length + 6);
  let offset = 0;
  for (const label of labels) {
    bytes[offset++] = label.length;
    for (let index = 0; index < label.length; index++) bytes[offset++] = label.charCodeAt(index);
  }
  const view = viewOf(bytes);
  view.setUint16(offset + 1, type);
  view.setUint16(offset + 3, CLASS_IN);
  return bytes;
}

/** A recursive query for one normalized name. */
export function writeQuery(id: number, name: string, type: number): Uint8Array {
  return writeMessage(id, FLAG.RD, writeQuestion(name, type), undefined);
}
