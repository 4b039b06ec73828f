// The lab daemon: `postern lab daemon --name LAB`, started by `up` inside the lab's namespaces and by nobody else. It
// makes the parts of a lab, answers on the lab's socket, and ends them in order.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sameId } from '#arm/resource-id.ts';
import { startControlPlane } from '#control/control-plane.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import { SystemCommandRunner } from './fabric/commands.ts';
import { KernelFabric } from './fabric/kernel-fabric.ts';
import { INTERNET, namespaceOfFirewall, WORKSTATION } from './fabric/plan.ts';
import { KeptProcess } from './kept-process.ts';
import { Lab } from './lab.ts';
import { labEnvironment } from './lab-environment.ts';
import { LabError, type LabFiles, NODE_COMMAND } from './lab-files.ts';
import { removeFolder } from './lab-process.ts';
import { type LabRequest, listenForRequests } from './lab-socket.ts';
import { loadedSets, resolveIn } from './look-inside.ts';
import { OutputLog } from './output-log.ts';
import { toLabStatus } from './status.ts';
import { trustLab } from './trust.ts';

/** Exit must not wait for ever for a client that keeps its connection. */
const CLOSE_MS = 5000;

export interface DaemonOptions {
  readonly threatFeeds: readonly string[];
  readonly policyOptions: PolicyOptions;
}

export async function runDaemon(files: LabFiles, options: DaemonOptions): Promise<number> {
  const output = new OutputLog(files.output);
  const log = (line: string) => output.write(line);
  const stopped = new Promise<void>(resolve => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  const closers: (() => Promise<unknown>)[] = [];
  // Whoever asks for the end over the socket removes the folder; at a signal nobody else does.
  let removesFolder = false;
  try {
    await startLab({ files, ...options, log, closers, leaveFolder: () => (removesFolder = false) });
    removesFolder = true;
    await stopped;
    return 0;
  } catch (error) {
    const message = error instanceof LabError ? error.message : error instanceof Error ? error.stack : error;
    log(`lab: ${message}`);
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    const closing = (async () => {
      for (const close of closers.reverse()) await close();
    })();
    await Promise.race([closing, sleep(CLOSE_MS, undefined, { ref: false })]);
    if (removesFolder) removeFolder(files);
  }
}

interface Start extends DaemonOptions {
  readonly files: LabFiles;
  readonly log: (line: string) => void;
  readonly closers: (() => Promise<unknown>)[];
  readonly leaveFolder: () => void;
}

async function startLab(start: Start): Promise<void> {
  const { files, threatFeeds, policyOptions, log, closers, leaveFolder } = start;
  // The lab's CA is not there yet, and its own programs need no trust in it.
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = labEnvironment(files, WORKSTATION, process.env);
  let lab: Lab | undefined;
  const control = await startControlPlane({
    stateDir: files.folder,
    factsDir: files.stateFolder,
    policyOptions,
    usersOf: id => lab?.usersOf(id) ?? [],
    report: message => log(`control plane: ${message}`),
  });
  closers.push(() => control.close());
  lab = new Lab({
    files,
    store: control.store,
    fabric: new KernelFabric(new SystemCommandRunner()),
    threatFeeds,
    environment,
    log,
  });
  const running = lab;
  closers.push(() => running.close());
  await running.start();

  const internet = new KeptProcess({
    name: 'internet',
    command: [
      ...['nsenter', `--net=/run/netns/${INTERNET}`, '--', ...NODE_COMMAND, 'internet'],
      ...['--config', files.internetConfig, '--state', files.internetState],
    ],
    environment,
    output: join(files.logs, 'internet.log'),
    log,
  });
  closers.push(() => internet.stop());
  await internet.ready.catch((error: Error) => {
    throw new LabError(error.message);
  });
  trustLab(files);

  const startedAt = new Date();
  const server = await listenForRequests(files.socket, request =>
    answer(request, {
      ...{
        files,
        lab: running,
        url: control.url,
        policyOptions,
        threatFeeds,
        internet,
        startedAt,
        leaveFolder,
      },
    }),
  );
  closers.push(async () => server.close());
}

interface Running {
  readonly files: LabFiles;
  readonly lab: Lab;
  readonly url: string;
  readonly policyOptions: PolicyOptions;
  readonly threatFeeds: readonly string[];
  readonly internet: KeptProcess;
  readonly startedAt: Date;
  readonly leaveFolder: () => void;
}

async function answer(request: LabRequest, running: Running): Promise<unknown> {
  const { lab } = running;
  switch (request.command) {
    case 'status':
      await lab.settled();
      return toLabStatus({
        ...running,
        name: running.files.name,
        folder: running.files.folder,
        topology: lab.topology,
        processes: [running.internet.status, ...lab.gateways],
        events: [...lab.events, ...lab.faults],
      });
    case 'add-host':
      return lab.addHost(request).then(({ address }) => ({ address: formatIpv4(address) }));
    case 'enter':
      await lab.settled();
      if (lab.hasNamespace(request.namespace)) return {};
      throw new LabError(noSuchHost(request.namespace, lab));
    case 'resolve':
      await lab.settled();
      if (!lab.hasNamespace(request.namespace)) throw new LabError(noSuchHost(request.namespace, lab));
      return resolveIn(request);
    case 'sets':
      return loadedSets(namespaceOf(request.firewall, lab));
    case 'stop':
      running.leaveFolder();
      setImmediate(() => process.kill(process.pid, 'SIGTERM'));
      return {};
  }
}

function namespaceOf(firewallId: string, { topology: { firewalls } }: Lab): string {
  const firewall = firewalls.find(({ id }) => sameId(id, firewallId));
  if (firewall) return namespaceOfFirewall(firewall);
  throw new LabError(`There is no firewall '${firewallId}' with a network in this lab.`);
}

function noSuchHost(name: string, { namespaceNames, topology: { hosts } }: Lab): string {
  const names: readonly string[] = [WORKSTATION, ...hosts.map(host => host.name)];
  const others = namespaceNames.filter(namespace => !names.includes(namespace));
  return [
    `There is no host '${name}' in this lab. There are: ${names.join(', ')}.`,
    `These namespaces of the network itself can be entered, too: ${others.join(', ')}.`,
  ].join('\n');
}
