// A network as most tests of rules need it: a subnet of workloads and one of servers behind a firewall, and the route
// table that sends both through it. Commands are one line each, as a person types them.

import assert from 'node:assert/strict';
import type { Lab } from './lab.ts';

export const FIREWALL_PRIVATE = '10.42.2.4';
/** Host `db`, in the subnet `data`. */
export const SERVER_ADDRESS = '10.42.3.10';

export class Network {
  readonly lab: Lab;
  readonly group: string;

  constructor(lab: Lab, group = 'net-rg') {
    this.lab = lab;
    this.group = group;
  }

  /** `az network LINE -g GROUP`; words are separated by blanks, `""` is the empty one, and a failure throws. */
  az(line: string): Promise<string> {
    return this.lab.azOk('network', ...wordsOf(line), '-g', this.group);
  }

  /** As `az`, for a command that is to be refused; gives what it says. */
  async refused(line: string): Promise<string> {
    const { status, stderr, stdout } = await this.lab.az('network', ...wordsOf(line), '-g', this.group);
    assert.notEqual(status, 0, `${line} was accepted: ${stdout}`);
    return stderr;
  }

  /** VNet 10.42.0.0/16 with subnets apps and data, public IPs ip1 and ip2, and a firewall without data path. */
  async build(firewallFlags = ''): Promise<void> {
    await this.lab.azOk('group', 'create', '-n', this.group, '-l', 'eastus');
    await this.az(
      'vnet create -n vnet --address-prefixes 10.42.0.0/16 --subnet-name apps --subnet-prefix 10.42.1.0/24',
    );
    for (const subnet of [
      'AzureFirewallSubnet --address-prefix 10.42.2.0/26',
      'data --address-prefix 10.42.3.0/24',
    ])
      await this.az(`vnet subnet create --vnet-name vnet -n ${subnet}`);
    for (const name of ['ip1', 'ip2']) await this.az(`public-ip create -n ${name} --sku Standard`);
    await this.az(`firewall create -n fw${firewallFlags === '' ? '' : ` ${firewallFlags}`}`);
    await this.az('route-table create -n rt');
    for (const [name, prefix] of [
      ['default', '0.0.0.0/0'],
      ['to-apps', '10.42.1.0/24'],
      ['to-data', '10.42.3.0/24'],
    ])
      await this.az(
        `route-table route create --route-table-name rt -n ${name} --address-prefix ${prefix} --next-hop-type VirtualAppliance --next-hop-ip-address ${FIREWALL_PRIVATE}`,
      );
    for (const name of ['apps', 'data'])
      await this.az(`vnet subnet update --vnet-name vnet -n ${name} --route-table rt`);
  }

  async addHosts(): Promise<void> {
    await this.addHost('app', 'apps');
    await this.addHost('db', 'data', SERVER_ADDRESS);
  }

  /** The first IP configuration: from here on there is a data path. */
  async open(): Promise<void> {
    await this.az('firewall ip-config create -f fw -n config --public-ip-address ip1 --vnet-name vnet');
  }

  async addHost(name: string, subnet: string, address?: string): Promise<void> {
    const id = await this.az(`vnet subnet show --vnet-name vnet -n ${subnet} --query id -o tsv`);
    const ip = address === undefined ? [] : ['--private-ip', address];
    const added = await this.lab.command(['add-host', name, '--vnet-subnet-id', id, ...ip]);
    assert.equal(added.status, 0, added.stderr);
  }

  publicIp(name: string): Promise<string> {
    return this.az(`public-ip show -n ${name} --query ipAddress -o tsv`);
  }

  /** Creates a rule, alone in a collection of its own name. */
  rule(
    kind: 'network' | 'application' | 'nat',
    name: string,
    priority: number,
    fields: string,
  ): Promise<string> {
    const action = kind === 'nat' ? 'Dnat' : 'Allow';
    return this.az(
      `firewall ${kind}-rule create -f fw --collection-name ${name} --name ${name} --priority ${priority} --action ${action} ${fields}`,
    );
  }

  drop(kind: 'network' | 'application' | 'nat', name: string): Promise<string> {
    return this.az(`firewall ${kind}-rule collection delete -f fw --collection-name ${name}`);
  }

  /** Whether a word comes back from an echo server; the lab's Internet echoes on every port that serves nothing else. */
  async echoes(
    target: string,
    {
      protocol = 'tcp',
      from = 'app',
      timeoutMs = 1000,
    }: { protocol?: 'tcp' | 'udp'; from?: string; timeoutMs?: number } = {},
  ): Promise<boolean> {
    const [address = '', port = ''] = target.split(':');
    const args = [protocol, address, port, String(timeoutMs)];
    return (await this.lab.client<{ echoed: boolean }>(from, 'echo', args)).echoed;
  }

  /** What a web page at the URL says of its visitor; undefined when there is no answer. */
  async whoami(url: string, from = 'app'): Promise<{ client: string } | undefined> {
    const { status, stdout } = await this.lab.exec(from, ['curl', '-sS', '--max-time', '4', `${url}/whoami`]);
    if (status !== 0) return undefined;
    try {
      return JSON.parse(stdout) as { client: string };
    } catch {
      return undefined;
    }
  }
}

const wordsOf = (line: string): string[] => line.split(' ').map(word => (word === '""' ? '' : word));
