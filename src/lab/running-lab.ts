// A running lab as `postern explain` sees it: its hosts and addresses, and what can be asked in its namespaces.

import { policyOptionFlags } from '#model/policy-option-flags.ts';
import { labToAsk } from '#state/labs.ts';
import { ask } from './ask.ts';
import { AZURE_DNS, WORKSTATION, WORKSTATION_ADDRESS } from './fabric/plan.ts';
import { labFiles } from './lab-files.ts';
import type { Resolved } from './look-inside.ts';
import type { LabStatus } from './status.ts';

/** Throws `LabError` where the lab is not up. */
export async function runningLab(name: string = labToAsk()) {
  const files = labFiles(name);
  const { hosts, networks, policyOptions, threatFeeds, processes } = (await ask(files, {
    command: 'status',
  })) as LabStatus;
  const all = [
    ...hosts.map(({ name, address, subnetId }) => ({ name, address, subnetId })),
    { name: WORKSTATION, address: WORKSTATION_ADDRESS, subnetId: null },
  ];
  return {
    label: `lab ${name}`,
    lab: name,
    notices: processes
      .filter(({ pid }) => pid === undefined)
      .map(process => `${process.name} does not run; it waits to be started again.`),
    policyFlags: policyOptionFlags(policyOptions),
    threatFeeds,
    hosts: all,
    outboundAddresses: networks.map(({ id, outboundAddress }) => [id, outboundAddress] as const),
    async resolve(
      fqdn: string,
      { host, servers }: { readonly host: string | undefined; readonly servers: readonly string[] },
    ) {
      const known = all.some(candidate => candidate.name === host);
      const namespace = known && host !== undefined ? host : WORKSTATION;
      // The workstation reaches the lab's Internet, and nothing in a VNet.
      const asked = known && servers.length > 0 ? servers : [AZURE_DNS];
      const answer = (await ask(files, {
        command: 'resolve',
        namespace,
        servers: asked,
        name: fqdn,
      })) as Resolved;
      return { ...answer, by: `asked by ${namespace}, ${asked.join(' or ')} answers` };
    },
    async loadedSets(firewallId: string) {
      return (await ask(files, { command: 'sets', firewall: firewallId })) as string;
    },
  };
}
