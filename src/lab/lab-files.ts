// Where things are in a lab's folder, and what a lab may be called.

import { dirname, join, resolve } from 'node:path';
import { LAB_PROCESS_FILE } from '#state/labs.ts';
import { labFolder, stateFolder } from '#state/state-folder.ts';

export interface LabFiles {
  readonly name: string;
  readonly folder: string;
  /** The folder above all labs; imported tags are there. */
  readonly stateFolder: string;
  /** The process whose end is the end of the lab. */
  readonly processFile: string;
  /** The `up` that is building it. */
  readonly upFile: string;
  readonly socket: string;
  readonly internetConfig: string;
  readonly internetState: string;
  /** What programs trust: on hosts, and in the workstation. */
  readonly caBundle: string;
  readonly workstationCaBundle: string;
  readonly apiCa: string;
  readonly gatewaySocket: string;
  readonly gatewayState: string;
  readonly logs: string;
  /** What the lab's own processes print. */
  readonly output: string;
  readonly home: string;
  readonly bin: string;
  readonly apiJson: string;
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
/** Length of `sun_path` (unix(7)), with its closing zero. */
const SOCKET_PATH_BYTES = 108;

export class LabError extends Error {
  override readonly name: string = 'LabError';
}

export function labFiles(name: string): LabFiles {
  if (!NAME.test(name))
    throw new LabError(
      `'${name}' is no name for a lab: lower-case letters, digits and hyphens, at most 32 characters.`,
    );
  const folder = resolve(labFolder(name));
  const gatewaySocket = join(folder, 'gateway.sock');
  if (Buffer.byteLength(gatewaySocket) >= SOCKET_PATH_BYTES)
    throw new LabError(
      `The lab's folder ${folder} has too long a path for the sockets in it: set POSTERN_STATE to a shorter one.`,
    );
  return {
    name,
    folder,
    stateFolder: resolve(stateFolder()),
    processFile: join(folder, LAB_PROCESS_FILE),
    upFile: join(folder, 'up.pid'),
    socket: join(folder, 'lab.sock'),
    internetConfig: join(folder, 'internet.json'),
    internetState: join(folder, 'internet'),
    caBundle: join(folder, 'ca-bundle.pem'),
    workstationCaBundle: join(folder, 'ca-bundle-workstation.pem'),
    apiCa: join(folder, 'ca.pem'),
    gatewaySocket,
    gatewayState: join(folder, 'gateway'),
    logs: join(folder, 'logs'),
    output: join(folder, 'logs', 'lab.log'),
    home: join(folder, 'home'),
    bin: join(folder, 'bin'),
    apiJson: join(folder, 'api.json'),
  };
}

/** This checkout's programs. */
export const PROGRAM = dirname(dirname(import.meta.dirname));
export const POSTERN = join(PROGRAM, 'bin/postern');
export const NODE_COMMAND: readonly string[] = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  join(PROGRAM, 'src/main.ts'),
];
