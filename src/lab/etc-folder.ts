// A namespace's own /etc: links to the machine's files, except for the few that say which network this is. Programs get
// it mounted over /etc in a mount namespace of their own, so it does not matter whether the machine's /etc/resolv.conf
// is a file, a link into /run, or missing, nor who replaces it meanwhile.

import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { formatIpv4 } from '#net/ipv4.ts';

/** In the lab's private /run; the machine's /etc is mounted in it by the start script. */
export const LAB_RUN = '/run/postern';
const MACHINE_ETC = join(LAB_RUN, 'etc');
const MAX_NAMESERVERS = 3;

export interface EtcContent {
  readonly hostname: string;
  /** Undefined: no address of its own to be found under its name. */
  readonly address: number | undefined;
  readonly dnsServers: readonly number[];
  readonly home: string;
}

export function etcFolderOf(namespace: string): string {
  return join(LAB_RUN, 'namespaces', namespace);
}

export function writeEtcFolder(namespace: string, content: EtcContent): void {
  const folder = etcFolderOf(namespace);
  const own = etcFiles(content, readMachineFile('passwd'), readMachineFile('nsswitch.conf'));
  if (!lstatSync(folder, { throwIfNoEntry: false })) {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(MACHINE_ETC)) if (!(name in own)) linkMachineFile(folder, name);
  }
  for (const [name, text] of Object.entries(own)) {
    // Replaced as a whole: a resolver never reads half a file.
    writeFileSync(join(folder, `.${name}.new`), text);
    renameSync(join(folder, `.${name}.new`), join(folder, name));
  }
}

export function removeEtcFolder(namespace: string): void {
  rmSync(etcFolderOf(namespace), { recursive: true, force: true });
}

/** Name of a file in /etc to its content. */
export function etcFiles(
  { hostname, address, dnsServers, home }: EtcContent,
  passwd: string,
  nsswitch: string,
): Record<string, string> {
  const own = address === undefined ? '' : `${formatIpv4(address)} ${hostname}\n`;
  return {
    hostname: `${hostname}\n`,
    hosts: `127.0.0.1 localhost\n${own}`,
    'resolv.conf': [
      ...dnsServers.slice(0, MAX_NAMESERVERS).map(server => `nameserver ${formatIpv4(server)}`),
      'options timeout:3 attempts:2',
      '',
    ].join('\n'),
    // Programs that ask for the user's home here, such as ssh, must not find the real one.
    passwd: passwd.replaceAll(/^([^:\n]*:[^:\n]*:0:[^:\n]*:[^:\n]*):[^:\n]*:/gm, `$1:${home}:`),
    // Names are looked up in the files above and in the lab's DNS, not by a resolver of the machine.
    'nsswitch.conf': `${nsswitch.replaceAll(/^hosts:.*$\n?/gm, '')}hosts: files dns\n`,
  };
}

function readMachineFile(name: string): string {
  try {
    return readFileSync(join(MACHINE_ETC, name), 'utf8');
  } catch {
    return '';
  }
}

function linkMachineFile(folder: string, name: string): void {
  const source = join(MACHINE_ETC, name);
  const target = join(folder, name);
  // A relative link would lead elsewhere from another folder, so the link itself is taken over.
  if (lstatSync(source).isSymbolicLink()) symlinkSync(readlinkSync(source), target);
  else symlinkSync(source, target);
}
