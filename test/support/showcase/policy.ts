// A firewall that follows a policy with a parent: each answer of `postern decide` about the rules in the store is tried with
// packets at once, and both must agree.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Lab, ROOT, run } from '../lab.ts';
import { type Check, curl, EASTUS_ADDRESS, echo, ok } from './kit.ts';

export const TEAM = 'team-rg';
const NODE = { host: 'team-node', address: '10.52.1.4' };
/** In the subnet, outside of the IP group. */
const DESK = { host: 'team-desk', address: '10.52.1.200' };
type Host = typeof NODE;

export async function prepareTeam(lab: Lab): Promise<void> {
  const subnet = await lab.azOk(
    ...['network', 'vnet', 'subnet', 'show', '-g', TEAM, '--vnet-name', 'team-vnet', '-n', 'team-subnet'],
    ...['--query', 'id', '-o', 'tsv'],
  );
  for (const { host, address } of [NODE, DESK])
    await ok(lab.command(['add-host', host, '--vnet-subnet-id', subnet, '--private-ip', address]));
}

interface Answer {
  readonly action: string;
  readonly rule: { policy: string; group: string; collection: string; name: string } | null;
  readonly reason: string;
}

/** What the rules say, in a few words such as `Allow by team/work/names/registry`. */
async function asked(lab: Lab, { address }: Host, to: string): Promise<string> {
  const question = [
    '--policy',
    'store',
    '--name',
    lab.name,
    '--firewall',
    'team-fw',
    '--from',
    address,
    '--to',
    to,
  ];
  const { stdout, stderr } = await run([join(ROOT, 'bin/postern'), 'decide', ...question, '-o', 'json'], {
    env: lab.env,
  });
  assert.notEqual(stdout, '', stderr);
  const { action, rule, reason } = JSON.parse(stdout) as Answer;
  return rule
    ? `${action} by ${[rule.policy, rule.group, rule.collection, rule.name].join('/')}`
    : `${action}, ${reason}`;
}

async function isServed(lab: Lab, { host }: Host, url: string): Promise<boolean> {
  return (await curl(lab, host, '-o', '/dev/null', url)).status === 200;
}

interface Case {
  readonly title: string;
  readonly from: Host;
  readonly to: string;
  readonly says: string;
  readonly tried: (lab: Lab) => Promise<boolean>;
}

const https = (from: Host) => (lab: Lab) => isServed(lab, from, 'https://mcr.microsoft.com/');
const tcp = (from: Host, port: number) => async (lab: Lab) =>
  (await echo(lab, from.host, 'tcp', EASTUS_ADDRESS, port, 1200)).echoed;

const CASES: readonly Case[] = [
  {
    title: 'https://mcr.microsoft.com from a host of the IP group',
    from: NODE,
    to: 'mcr.microsoft.com:443',
    says: 'Allow by team/work/names/registry',
    tried: https(NODE),
  },
  {
    title: 'the same from a host outside of it',
    from: DESK,
    to: 'mcr.microsoft.com:443',
    says: 'Deny, DefaultAction',
    tried: https(DESK),
  },
  {
    title: 'TCP 9000 to AzureCloud.eastus, by the child',
    from: DESK,
    to: `${EASTUS_ADDRESS}:9000`,
    says: 'Allow by team/work/region/services',
    tried: tcp(DESK, 9000),
  },
  {
    title: 'TCP 3306: the parent (60000) denies before the child (100) allows',
    from: NODE,
    to: `${EASTUS_ADDRESS}:3306`,
    says: 'Deny by platform/never/no-databases/mysql',
    tried: tcp(NODE, 3306),
  },
];

async function agree(lab: Lab, { from, to, says, tried }: Case): Promise<string> {
  assert.equal(await asked(lab, from, to), says);
  assert.equal(await tried(lab), says.startsWith('Allow'), `${to} from ${from.host}: packets disagree`);
  return `${says}; packets agree`;
}

export const POLICY: readonly Check[] = [
  ...CASES.map(
    (one): Check => ({
      group: 'Parent, child and IP group',
      title: one.title,
      run: lab => agree(lab, one),
    }),
  ),
  {
    group: 'Parent, child and IP group',
    title: 'with the IP group emptied its rule is skipped',
    run: async lab => {
      const group = ['network', 'ip-group', 'update', '-g', TEAM, '-n', 'nodes'];
      await lab.azOk(...group, '--ip-addresses', '[]');
      const [first] = CASES;
      assert.ok(first);
      const seen = await agree(lab, { ...first, says: 'Deny, DefaultAction' });
      await lab.azOk(...group, '--ip-addresses', '10.52.1.0/25');
      await agree(lab, first);
      return `${seen}, and back with the group`;
    },
  },
];
