// The usual set-up of the packet tests: client, gateway with a NetfilterPlane, server. The server owns 192.0.2.0/24
// and routes back to public addresses of the gateway only.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '#ir/program.ts';
import type { LogRecord } from '#telemetry/records.ts';
import { type NamespaceOptions, type Namespaces, openRoutedPath } from '../support/namespaces.ts';
import { Agent } from './agent.ts';
import { address, type ProgramLines, program } from './programs.ts';

export interface Connected {
  readonly connected: boolean;
  readonly error: string | null;
  readonly greeting: string;
  readonly localPort: number;
  readonly ms: number;
}

export interface Applied {
  readonly ms: number;
  readonly kept: number;
  readonly cut: number;
}

export class Bench {
  readonly net: Namespaces;
  readonly client: Agent;
  readonly server: Agent;
  gateway: Agent;

  constructor(net: Namespaces, client: Agent, server: Agent, gateway: Agent) {
    this.net = net;
    this.client = client;
    this.server = server;
    this.gateway = gateway;
  }

  static async open(options: NamespaceOptions & { readonly plane?: object } = {}): Promise<Bench> {
    const net = await openRoutedPath(options);
    try {
      const [client, server, gateway] = await Promise.all([
        Agent.start(net, 'client', 'host-process.ts'),
        Agent.start(net, 'server', 'host-process.ts'),
        startGateway(net, options.plane),
      ]);
      return new Bench(net, client, server, gateway);
    } catch (error) {
      await net.close();
      throw error;
    }
  }

  apply(lines: ProgramLines | Program): Promise<Applied> {
    return this.gateway.call('apply', { program: 'revision' in lines ? lines : program(lines) });
  }

  connect(to: string, port: number, options: object = {}): Promise<Connected> {
    return this.client.call('connect', { address: to, port, ...options });
  }

  add(fqdn: string, addresses: readonly string[], ttl = 60): Promise<number> {
    return this.gateway.call('add', { fqdn, addresses: addresses.map(address), ttl });
  }

  /** Log records so far, after the reader has had time for the last ones. */
  async records(): Promise<LogRecord[]> {
    await sleep(250);
    return this.gateway.events.flatMap(event =>
      'record' in (event as object) ? [(event as { record: LogRecord }).record] : [],
    );
  }

  async problems(): Promise<unknown[]> {
    return this.gateway.events.filter(event => 'problem' in (event as object));
  }

  async ruleset(): Promise<string> {
    return (await this.net.ok('gateway', ['nft', 'list', 'ruleset'])).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.net.close();
  }
}

export function startGateway(net: Namespaces, options: object = {}): Promise<Agent> {
  const interfaces = { inside: ['inside'], outside: 'outside', insidePrefixes: [] };
  return Agent.start(net, 'gateway', 'gateway-process.ts', JSON.stringify({ interfaces, ...options }));
}
