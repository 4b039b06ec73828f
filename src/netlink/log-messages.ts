// NFLOG on the wire: binding to a group, and what the kernel says of one logged packet. Pure.

import { attribute, parseAttributes, u8, u16, u32 } from './attributes.ts';
import { FLAG_ACK, FLAG_REQUEST, nfMessage } from './messages.ts';

const SUBSYSTEM_LOG = 4;
export const LOG_PACKET = SUBSYSTEM_LOG << 8;
const LOG_CONFIG = LOG_PACKET | 1;

const CONFIG_COMMAND = 1;
const CONFIG_MODE = 2;
const CONFIG_BUFFER = 3;
const CONFIG_TIMEOUT = 4;
const CONFIG_THRESHOLD = 5;
const CONFIG_FLAGS = 6;
const COMMAND_BIND = 1;
const COPY_PACKET = 2;
const FLAG_SEQUENCE = 1;

const PACKET_HEADER = 1;
const PACKET_MARK = 2;
const PACKET_PAYLOAD = 9;
const PACKET_PREFIX = 10;
const PACKET_SEQUENCE = 12;

/** Messages the kernel gathers, or 50 ms, whichever comes first. */
const GATHER_MESSAGES = 100;
const GATHER_CENTISECONDS = 5;
const GATHER_BYTES = 64 * 1024;

export interface LoggedPacket {
  readonly prefix: string;
  readonly mark: number;
  /** The packet from its IP header on, as long as the rule's `snaplen`. */
  readonly payload: Buffer;
  readonly sequence: number;
}

/** The message that binds to `group`; it is acknowledged. */
export function encodeLogBind(group: number, snapLength: number, sequence: number): Buffer {
  const mode = Buffer.alloc(6);
  mode.writeUInt32BE(snapLength);
  mode.writeUInt8(COPY_PACKET, 4);
  const attributes = [
    u8(CONFIG_COMMAND, COMMAND_BIND),
    attribute(CONFIG_MODE, mode),
    u32(CONFIG_BUFFER, GATHER_BYTES),
    u32(CONFIG_TIMEOUT, GATHER_CENTISECONDS),
    u32(CONFIG_THRESHOLD, GATHER_MESSAGES),
    u16(CONFIG_FLAGS, FLAG_SEQUENCE),
  ];
  return nfMessage({
    type: LOG_CONFIG,
    flags: FLAG_REQUEST | FLAG_ACK,
    sequence,
    resource: group,
    attributes,
  });
}

export function parseLoggedPacket(body: Buffer): LoggedPacket | undefined {
  const attributes = parseAttributes(body.subarray(4));
  const payload = attributes.get(PACKET_PAYLOAD);
  if (!attributes.has(PACKET_HEADER) || payload === undefined) return undefined;
  const mark = attributes.get(PACKET_MARK);
  const sequence = attributes.get(PACKET_SEQUENCE);
  const prefix = attributes.get(PACKET_PREFIX)?.toString('latin1') ?? '';
  return {
    prefix: prefix.replace(/\0.*$/, ''),
    mark: mark && mark.length === 4 ? mark.readUInt32BE(0) : 0,
    payload,
    sequence: sequence && sequence.length === 4 ? sequence.readUInt32BE(0) : 0,
  };
}
