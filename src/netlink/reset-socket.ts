// Ends a TCP connection with RST, now. Node's own `resetAndDestroy` first ends the writable side and waits until what is
// left is sent; and when the other end resets meanwhile, libuv refuses Node's reset (a shutdown is under way), Node does
// not notice, and the handle leaks: the process then spins at its end (seen with Node 24.21). Closing a socket that
// lingers for zero seconds (socket(7), SO_LINGER) is what a reset is, and has neither fault.

import type { Socket } from 'node:net';
import { SOL_SOCKET, setOption } from './libc.ts';

const SO_LINGER = 13;
/** `struct linger { int l_onoff; int l_linger; }`: on, for no time. */
const AT_ONCE = Buffer.from(Int32Array.of(1, 0).buffer);

/** Node keeps the descriptor in its handle and offers no other way to it. */
interface WithHandle {
  readonly _handle?: { readonly fd?: number } | null;
}

/** What is still to be sent is dropped. A socket that is not connected yet is only closed. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  const fd = (socket as Socket & WithHandle)._handle?.fd;
  if (fd !== undefined && fd >= 0 && !socket.connecting) setOption(fd, SOL_SOCKET, SO_LINGER, AT_ONCE);
  socket.destroy();
}
