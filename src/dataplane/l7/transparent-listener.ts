// The listening socket that TPROXY hands connections to. IP_TRANSPARENT lets accepted sockets keep the address and
// port that the client was connecting to as their local end; Node has no name for that option, so the socket is
// made by libc and given to Node. Needs CAP_NET_ADMIN in the network namespace.

import { AF_INET, bindSocket, closeSocket, int32, openSocket, SOL_SOCKET, setOption } from '#netlink/libc.ts';

const SOCK_STREAM = 1;
const SO_REUSEADDR = 2;
const SOL_IP = 0;
const IP_TRANSPARENT = 19;

/** A bound, not yet listening socket on all addresses. The caller owns the descriptor. */
export function openTransparentSocket(port: number): number {
  const fd = openSocket(AF_INET, SOCK_STREAM, 0);
  try {
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, int32(1));
    setOption(fd, SOL_IP, IP_TRANSPARENT, int32(1));
    bindSocket(fd, socketAddress(port));
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

/** `struct sockaddr_in` for 0.0.0.0. */
function socketAddress(port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  return bytes;
}
