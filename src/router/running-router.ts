// The gateway of this machine as `postern explain` sees it. Which machines are behind it is theirs to know; names are asked of the
// servers that the gateway asks.

import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatIpv4 } from '#net/ipv4.ts';
import { commandName } from '#state/command-name.ts';
import { readProcessFile } from '#state/process-file.ts';
import { routerPaths } from './paths.ts';
import type { FilesState } from './status.ts';

const AZURE_DNS = '168.63.129.16';
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
    notices: [
      ...(readProcessFile(paths.gatewayPid)
        ? []
        : ['the gateway does not run; the kernel keeps its last rules.']),
      ...files.faults.map(fault => `the newest files are NOT in force: ${fault}`),
    ],
    policyFlags: files.options ?? [],
    threatFeeds: files.threatFeeds ?? [],
    privateAddress: privateAddressOf(join(paths.gatewayState, 'program.json')),
    hosts: [],
    outboundAddresses: [],
    async resolve(name: string, { servers }: { readonly servers: readonly string[] }) {
      const upstream = servers.filter(address => address !== AZURE_DNS);
      const asked = upstream.length > 0 ? upstream : (files.dnsServers ?? []);
      if (asked.length === 0)
        return { addresses: [], fault: 'no name server is known', by: 'nobody was asked' };
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

/** Which address of this machine stands for the private one of the firewall; undefined while no rules are in force. */
function privateAddressOf(programFile: string): string | undefined {
  try {
    const { privateAddress } = JSON.parse(readFileSync(programFile, 'utf8')) as { privateAddress?: unknown };
    return typeof privateAddress === 'number' ? formatIpv4(privateAddress) : undefined;
  } catch {
    return undefined;
  }
}
