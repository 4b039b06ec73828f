// A listening TCP socket that accepts connections to any address (IP_TRANSPARENT), which TPROXY needs and Node
// cannot open itself. The descriptor goes to `server.listen({ fd })`, which then owns it.

import koffi from 'koffi';
import { NetlinkError } from './errors.ts';
import { AF_INET, bindSocket, closeSocket, int32, openSocket, SOL_SOCKET, setOption } from './libc.ts';

const SOCK_STREAM = 1;
const SO_REUSEADDR = 2;
const SOL_IP = 0;
const IP_TRANSPARENT = 19;
const BACKLOG = 4096;

const listen = koffi.load(null).func('int listen(int fd, int backlog)');

/** Port 0 lets the kernel choose. */
export function openTransparentListener(port: number): number {
  const fd = openSocket(AF_INET, SOCK_STREAM, 0);
  try {
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, int32(1));
    setOption(fd, SOL_IP, IP_TRANSPARENT, int32(1));
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_INET, 0);
    address.writeUInt16BE(port, 2);
    bindSocket(fd, address);
    if (listen(fd, BACKLOG) < 0) throw new NetlinkError('listen', koffi.errno());
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}
