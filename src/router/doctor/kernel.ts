// What the kernel offers, found out by trying it in a network namespace of its own, which is gone after each trial. The
// running machine's rules are not touched.

import { join } from 'node:path';
import { commandName } from '#state/command-name.ts';
import { type Finding, missing, ok, type Run, warning } from './finding.ts';

interface Trial {
  readonly subject: string;
  /** Statements of nft inside a table. */
  readonly table: string;
  /** The module that offers it, for kernels that ship it apart. */
  readonly module: string;
  /** What it is for, where the gateway runs without it. */
  readonly optionalFor?: string;
}

const chain = (rule: string, hook = 'type filter hook prerouting priority mangle;') =>
  `chain c {\n${hook}\n${rule}\n}\n`;
const NAT = 'type nat hook postrouting priority srcnat;';

export const TRIALS: readonly Trial[] = [
  { subject: 'nftables', table: 'chain c { }', module: 'nf_tables' },
  {
    subject: 'sets with intervals',
    table: 'set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }',
    module: 'nf_tables',
  },
  {
    subject: 'sets with time-outs',
    table: 'set s { type ipv4_addr; flags timeout; size 16; }',
    module: 'nf_tables',
  },
  {
    subject: 'connection tracking',
    table: chain('ct state established accept; ct mark set 1'),
    module: 'nft_ct nf_conntrack',
  },
  {
    subject: 'verdict maps',
    table: `chain d { }\n${chain('ct mark & 0xf0000000 vmap { 0x10000000 : goto d }')}`,
    module: 'nft_ct',
  },
  { subject: 'tproxy', table: chain('meta l4proto tcp tproxy ip to :15001 accept'), module: 'nft_tproxy' },
  { subject: 'fib', table: chain('fib daddr type local accept'), module: 'nft_fib_inet' },
  {
    subject: 'reject',
    table: chain('meta l4proto tcp reject with tcp reset', ''),
    module: 'nft_reject_inet',
  },
  { subject: 'NFLOG', table: chain('log prefix "x" group 1 snaplen 64'), module: 'nft_log nfnetlink_log' },
  { subject: 'rate limits', table: chain('limit rate 10/second accept'), module: 'nft_limit' },
  {
    subject: 'source NAT',
    table: chain('meta l4proto tcp snat ip to 192.0.2.1:1024-65535', NAT),
    module: 'nft_chain_nat nft_nat',
  },
  {
    subject: 'numgen',
    table: chain('snat ip to numgen random mod 2 map { 0 : 192.0.2.1, 1 : 192.0.2.2 }', NAT),
    module: 'nft_numgen',
  },
  {
    subject: 'notrack',
    table: chain('meta mark 1 notrack', 'type filter hook output priority raw;'),
    module: 'nft_ct',
  },
  {
    subject: 'queue',
    table: chain('queue num 1'),
    module: 'nft_queue nfnetlink_queue',
    optionalFor: 'not used yet: judging TLS by name without terminating it',
  },
  {
    subject: 'flowtables',
    table: `flowtable f { hook ingress priority 0; devices = { lo }; }\n${chain('meta l4proto tcp flow add @f', 'type filter hook forward priority 0;')}`,
    module: 'nf_flow_table_inet nft_flow_offload',
    optionalFor: 'not used yet: a faster path for long flows',
  },
];

const PROBE = join(import.meta.dirname, 'netlink-probe.ts');

/** `asRoot` false: inside a user namespace as well. */
export async function checkKernel(run: Run, asRoot: boolean): Promise<readonly Finding[]> {
  const scratch = ['unshare', '--net', ...(asRoot ? [] : ['--user', '--map-root-user'])];
  const possible = await run([...scratch, 'true']);
  if (possible.status !== 0) {
    return [
      missing(
        'network namespaces',
        `none can be made to try the kernel in: ${possible.stderr.trim()}`,
        asRoot
          ? 'run on a machine, or in a container, that may make namespaces'
          : `sudo ${commandName()} doctor`,
      ),
    ];
  }
  const findings: Finding[] = [];
  for (const trial of TRIALS) findings.push(await tryTable(run, scratch, trial));
  const routing = await run([...scratch, 'ip', 'rule', 'add', 'fwmark', '1', 'lookup', '20559']);
  findings.push(
    routing.status === 0
      ? ok('policy routing', 'works')
      : missing('policy routing', `ip rule add: ${routing.stderr.trim()} (CONFIG_IP_MULTIPLE_TABLES)`),
  );
  const probe = await run([...scratch, process.execPath, '--disable-warning=ExperimentalWarning', PROBE]);
  findings.push(
    probe.status === 0
      ? ok('netlink', 'connection tracking and logs can be read')
      : missing('netlink', lastLine(probe.stderr), 'modprobe -a nf_conntrack_netlink nfnetlink_log'),
  );
  return findings;
}

async function tryTable(
  run: Run,
  scratch: readonly string[],
  { subject, table, module, optionalFor }: Trial,
): Promise<Finding> {
  const { status, stderr } = await run([...scratch, 'nft', '-f', '-'], `table inet trial {\n${table}\n}\n`);
  if (status === 0) return ok(subject, 'works');
  const why = (stderr.trim().split('\n')[0] ?? '').replace(/^\/dev\/stdin:[\d:-]+ /, '');
  const help = `modprobe -a ${module}`;
  return optionalFor === undefined
    ? missing(subject, why, help)
    : warning(subject, `${why} (${optionalFor})`, help);
}

function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return lines.find(line => /Error/.test(line)) ?? lines.at(-1) ?? '';
}
