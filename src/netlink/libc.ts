// The handful of libc calls that Node does not offer, through koffi. Calls are synchronous and cheap (about a
// microsecond); a failed one throws `NetlinkError` with the errno name.

import koffi from 'koffi';
import { NetlinkError } from './errors.ts';

const libc = koffi.load(null);
const calls = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)'),
  sendto: libc.func(
    'intptr_t sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *address, uint32_t addressLength)',
  ),
  recv: libc.func('intptr_t recv(int fd, _Out_ uint8_t *data, size_t length, int flags)'),
  close: libc.func('int close(int fd)'),
};

export const AF_INET = 2;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_RCVTIMEO = 20;
export const SO_MARK = 36;

const EINTR = 4;
const EAGAIN = 11;

function check(result: number, what: string): number {
  if (result < 0) throw new NetlinkError(what, koffi.errno());
  return result;
}

export function openSocket(domain: number, type: number, protocol: number): number {
  return check(calls.socket(domain, type | SOCK_CLOEXEC, protocol), 'socket');
}

export function bindSocket(fd: number, address: Buffer): void {
  check(calls.bind(fd, address, address.length), 'bind');
}

export function setOption(fd: number, level: number, name: number, value: Buffer): void {
  check(calls.setsockopt(fd, level, name, value, value.length), `setsockopt ${level}/${name}`);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** `struct timeval` on 64-bit machines. */
export function timeval(milliseconds: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(BigInt(Math.floor(milliseconds / 1000)), 0);
  bytes.writeBigInt64LE(BigInt((milliseconds % 1000) * 1000), 8);
  return bytes;
}

export function sendBytes(fd: number, data: Buffer, address: Buffer | null): void {
  for (;;) {
    const sent = Number(calls.sendto(fd, data, data.length, 0, address, address?.length ?? 0));
    if (sent >= 0) return;
    if (koffi.errno() !== EINTR) throw new NetlinkError('send', koffi.errno());
  }
}

/** Number of bytes read into `buffer`; undefined when the socket's receive timeout ran out. */
export function receiveBytes(fd: number, buffer: Buffer): number | undefined {
  const length = Number(calls.recv(fd, buffer, buffer.length, 0));
  if (length >= 0) return length;
  const errno = koffi.errno();
  if (errno === EAGAIN || errno === EINTR) return undefined;
  throw new NetlinkError('recv', errno);
}

export function closeSocket(fd: number): void {
  calls.close(fd);
}
