// Sockets that own every address (IP_TRANSPARENT): they take what nft's tproxy hands over, keep the address the client meant
// as their local end, and may answer from addresses that no interface has. Node has no name for that option, so the
// socket is made by libc and given to Node by its descriptor. Needs CAP_NET_ADMIN in the network namespace.

import {
  AF_INET,
  bindSocket,
  closeSocket,
  int32,
  openSocket,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  setOption,
} from './libc.ts';

const SO_REUSEADDR = 2;
const SOL_IP = 0;
const IP_TRANSPARENT = 19;

/** Bound to 0.0.0.0, not listening yet. The caller owns the descriptor. */
export function openTransparentSocket(protocol: 'tcp' | 'udp', port: number): number {
  const fd = openSocket(AF_INET, protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0);
  try {
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, int32(1));
    setOption(fd, SOL_IP, IP_TRANSPARENT, int32(1));
    bindSocket(fd, anyAddress(port));
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

/** `struct sockaddr_in` for 0.0.0.0. */
function anyAddress(port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  return bytes;
}
