// Where the router keeps what it knows: every path below `<state>/router` that a command of the router uses.

import { join } from 'node:path';
import { routerFolder, stateFolder } from '#state/state-folder.ts';

export const POSTERN = join(import.meta.dirname, '../../bin/postern');

export interface RouterPaths {
  /** Holds imported tags. */
  readonly facts: string;
  readonly state: string;
  readonly pid: string;
  /** What `up --detach` says. */
  readonly output: string;
  /** What became of the configuration folder, for `postern status`. */
  readonly files: string;
  /** Why the gateway ended when it last ended by itself, for `postern status`. */
  readonly gatewayFault: string;
  readonly gatewaySocket: string;
  readonly gatewayState: string;
  readonly gatewayPid: string;
  readonly logs: string;
}

export function routerPaths(): RouterPaths {
  const state = routerFolder();
  const gatewayState = join(state, 'gateway');
  return {
    facts: stateFolder(),
    state,
    pid: join(state, 'pid'),
    output: join(state, 'up.log'),
    files: join(state, 'files.json'),
    gatewayFault: join(state, 'gateway-fault.json'),
    gatewaySocket: join(state, 'gateway.sock'),
    gatewayState,
    gatewayPid: join(gatewayState, 'pid'),
    logs: join(state, 'logs'),
  };
}
