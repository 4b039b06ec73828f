// The gateway of this machine as `postern explain` sees it. Which machines are behind it is theirs to know; names are asked of the
// servers that the gateway asks.

import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { commandName } from '#state/command-name.ts';
import { readProcessFile } from '#state/process-file.ts';
import { systemDnsServers } from './dns-servers.ts';
import { routerPaths } from './paths.ts';
import type { FilesState } from './status.ts';

const TIMEOUT_MS = 1500;
const MOST_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

/** Throws where the gateway is not up. */
export async function runningRouter() {
  const paths = routerPaths();
  if (!readProcessFile(paths.pid))
    throw new Error(`No gateway is up on this machine (${paths.state}). Start it: ${commandName()} up`);
  const files = JSON.parse(readFileSync(paths.files, 'utf8')) as FilesState;
  return {
    label: 'this router',
    lab: undefined,
    policyFlags: files.options ?? [],
    threatFeeds: [],
    hosts: [],
    outboundAddresses: [],
    async resolve(name: string, { servers }: { readonly servers: readonly string[] }) {
      const upstream = servers.filter(address => address !== '168.63.129.16');
      const asked = upstream.length > 0 ? upstream : systemDnsServers();
      const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 2 });
      resolver.setServers(asked);
      const by = `asked by this machine, ${asked.join(' or ')} answers`;
      try {
        return { addresses: await resolver.resolve4(name), by };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        return { addresses: [], fault: code ?? message, by };
      }
    },
    async loadedSets() {
      const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
      const { stdout } = await run('nft', ['-j', 'list', 'sets'], { maxBuffer: MOST_BYTES, env });
      return stdout;
    },
  };
}
