// What other programs' packet rules would do to forwarded traffic, from `nft -j list ruleset`. A packet must be accepted by
// every table, so a foreign drop cannot be overruled here; a foreign translation, mark or flowtable gets in the way of ours.

import { commandName } from '#state/command-name.ts';
import { type Finding, ok, type Read, type Run, warning } from './finding.ts';

const SUBJECT = 'foreign packet rules';

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly policy?: string;
}

interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr?: readonly unknown[];
}

/** Whose rules they are, by the names these programs give their tables and chains. */
const OWNERS: readonly (readonly [RegExp, string, string])[] = [
  [
    /^DOCKER/,
    'Docker',
    'iptables -I DOCKER-USER -i INSIDE -o OUTSIDE -j ACCEPT; iptables -I DOCKER-USER -i OUTSIDE -o INSIDE -j ACCEPT',
  ],
  [/^ufw/, 'ufw', 'ufw route allow in on INSIDE out on OUTSIDE; ufw route allow in on OUTSIDE out on INSIDE'],
  [
    /^firewalld/,
    'firewalld',
    'firewall-cmd --permanent --zone=trusted --add-interface=INSIDE --add-interface=OUTSIDE; firewall-cmd --reload',
  ],
  [
    /^(KUBE|cali|CNI|cilium|FLANNEL)/,
    "Kubernetes' networking",
    'do not run workloads of a cluster on the router',
  ],
  [/^(LIBVIRT|libvirt)/, 'libvirt', ''],
  [/^(ts-|nm-shared)/, 'Tailscale or NetworkManager', ''],
];

export async function checkForeignRules(run: Run, read: Read): Promise<readonly Finding[]> {
  const { status, stdout, stderr } = await run(['nft', '-j', 'list', 'ruleset']);
  if (status !== 0)
    return [
      warning(SUBJECT, `cannot be read: ${stderr.trim().split('\n')[0]}`, `sudo ${commandName()} doctor`),
    ];
  const findings = [...judgeRuleset(stdout), ...judgeLegacy(read('/proc/self/net/ip_tables_names') ?? '')];
  return findings.length > 0 ? findings : [ok(SUBJECT, 'none that touch forwarded packets')];
}

/** `text` is what `nft -j list ruleset` prints. */
export function judgeRuleset(text: string): readonly Finding[] {
  const { nftables = [] } = JSON.parse(text) as {
    nftables?: { chain?: Chain; rule?: Rule; flowtable?: { family: string; table: string; name: string } }[];
  };
  const ours = ({ family, table }: { family: string; table: string }) =>
    (family === 'inet' && table === 'postern') || !['ip', 'inet'].includes(family);
  const chains = nftables.flatMap(({ chain }) => (chain && !ours(chain) ? [chain] : []));
  const rules = nftables.flatMap(({ rule }) => (rule && !ours(rule) ? [rule] : []));
  const ownerOf = (chain: Chain) => {
    const names = [chain.table, ...chains.filter(other => sameTable(other, chain)).map(({ name }) => name)];
    return OWNERS.find(([pattern]) => names.some(name => pattern.test(name)));
  };
  const findings: Finding[] = [];
  for (const chain of chains) {
    const what = effectOf(chain, rules, chains);
    if (what === undefined) continue;
    const [, owner, help] = ownerOf(chain) ?? [];
    const whose = owner === undefined ? '' : `, ${owner}`;
    const place = `table ${chain.family} ${chain.table}, chain ${chain.name} (${chain.hook}${whose})`;
    findings.push(
      warning(SUBJECT, `${place} ${what}`, help === '' ? undefined : (help ?? showCommand(chain))),
    );
  }
  for (const { flowtable } of nftables) {
    if (!flowtable || ours(flowtable)) continue;
    findings.push(
      warning(
        SUBJECT,
        `table ${flowtable.family} ${flowtable.table}, flowtable ${flowtable.name} forwards packets past all rules; a rule that is removed would not cut them`,
        `nft delete flowtable ${flowtable.family} ${flowtable.table} ${flowtable.name}`,
      ),
    );
  }
  return findings;
}

/** iptables of before nftables, which nft does not list. */
function judgeLegacy(names: string): readonly Finding[] {
  const tables = names.trim().split('\n').filter(Boolean);
  if (tables.length === 0) return [];
  return [
    warning(
      SUBJECT,
      `iptables-legacy has tables (${tables.join(', ')}), whose rules are judged as well`,
      'iptables-legacy -S; iptables-legacy -t nat -S',
    ),
  ];
}

function effectOf(chain: Chain, rules: readonly Rule[], chains: readonly Chain[]): string | undefined {
  const text = JSON.stringify(reachableRules(chain, rules, chains));
  if (chain.type === 'nat' && chain.hook === 'prerouting' && /"(dnat|redirect)":/.test(text))
    return 'translates destinations, before or instead of NAT rules';
  if (chain.type === 'nat' && chain.hook === 'postrouting' && /"(masquerade|snat)":/.test(text))
    return "translates sources, and may take the place of the firewall's public IPs";
  if (chain.type !== 'filter' || !['forward', 'prerouting'].includes(chain.hook ?? '')) return undefined;
  if (chain.policy === 'drop') return 'drops every forwarded packet that its own rules do not accept';
  if (/"(drop|reject)":/.test(text)) return 'drops some forwarded packets';
  if (/"mangle":\{"key":\{"ct":\{"key":"mark"/.test(text))
    return "sets connection marks, which carry Postern's decisions";
  return undefined;
}

/** The chain's rules and those of the chains it jumps to. */
function reachableRules(start: Chain, rules: readonly Rule[], chains: readonly Chain[]): readonly unknown[] {
  const seen = new Set<string>();
  const found: unknown[] = [];
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const rule of rules) {
      if (!sameTable(rule, start) || rule.chain !== name) continue;
      found.push(rule.expr);
      for (const [, target = ''] of JSON.stringify(rule.expr ?? []).matchAll(
        /"(?:jump|goto)":\{"target":"([^"]+)"/g,
      ))
        if (chains.some(chain => sameTable(chain, start) && chain.name === target)) visit(target);
    }
  };
  visit(start.name);
  return found;
}

const sameTable = (
  a: { readonly family: string; readonly table: string },
  b: { readonly family: string; readonly table: string },
) => a.family === b.family && a.table === b.table;

const showCommand = ({ family, table, name }: Chain) => `nft list chain ${family} ${table} ${name}`;
