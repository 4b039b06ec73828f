// The thread that reads one NFLOG group, since reading blocks. It decodes and hands over batches; a main thread
// that falls behind by more than `MAX_BATCHES` loses records, which are counted, never memory.

import { parentPort, workerData } from 'node:worker_threads';
import { NetlinkError } from './errors.ts';
import { encodeLogBind, LOG_PACKET, parseLoggedPacket } from './log-messages.ts';
import type { LogBatch, LogEntry, LogWorkerData } from './log-reader.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import { parsePacketHeader } from './packet-header.ts';

/** About 100 records each. */
const MAX_BATCHES = 200;
const SNAP_LENGTH = 64;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

const { group, shared } = workerData as LogWorkerData;
const [STOP, WAITING] = [0, 1];

const socket = new NetlinkSocket({ receiveTimeoutMs: 100, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
const sequence = socket.nextSequence();
socket.send(encodeLogBind(group, SNAP_LENGTH, sequence));
for (const errno of socket.acknowledgements(`NFLOG group ${group}`, sequence, sequence).values())
  throw new NetlinkError(`binding to NFLOG group ${group}`, errno);
parentPort?.postMessage('bound');

let expected: number | undefined;
let lost = 0;
while (Atomics.load(shared, STOP) === 0) {
  const entries: LogEntry[] = [];
  for (const message of socket.receive() ?? []) {
    if (message.type !== LOG_PACKET) continue;
    const packet = parseLoggedPacket(message.body);
    const header = packet && parsePacketHeader(packet.payload);
    if (packet === undefined) continue;
    if (expected !== undefined) lost += (packet.sequence - expected) >>> 0;
    expected = (packet.sequence + 1) >>> 0;
    if (header === undefined) lost += 1;
    else entries.push({ prefix: packet.prefix, mark: packet.mark, header });
  }
  if (entries.length === 0) continue;
  if (Atomics.load(shared, WAITING) >= MAX_BATCHES) {
    lost += entries.length;
    continue;
  }
  Atomics.add(shared, WAITING, 1);
  parentPort?.postMessage({ entries, lost } satisfies LogBatch);
}
socket.close();
