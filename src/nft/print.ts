// Prints nftables trees as `nft -f` text that nft 1.0.6 and newer read. Names are checked against nft's keywords,
// which it refuses as names, so a bad name is our bug and found here with its name in the message.

import { strict as assert } from 'node:assert';
import { formatIpv4, formatRange } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import type { MatchValue, NftCommand, NftRule, NftSet, NftStatement, NftTable, NftVerdict } from './tree.ts';

/** Words of nft's language that look like plausible names. */
const KEYWORDS = new Set(
  (
    'accept add after all and at batch bridge chain comment continue counter create ct daddr define delete device ' +
    'dnat drop dup dynamic element ether expires export fib flags flow flush forward fwd get gt hook icmp icmpv6 ' +
    'iif iifname import in inet ingress input insert interval ip ip6 jump length limit list log lt map mark masquerade ' +
    'meta monitor netdev notrack numgen offset oif oifname or osf output over packet policy postrouting prerouting ' +
    'priority protocol queue quota raw redirect reject rename replace reset return rt rule ruleset saddr secmark set ' +
    'size snat socket state synproxy table tcp timeout tproxy type typeof udp until update vmap vlan'
  ).split(' '),
);

export function printCommands(commands: readonly NftCommand[]): string {
  return commands.map(command => `${printCommand(command)}\n`).join('');
}

function printCommand(command: NftCommand): string {
  const table = tableName(command.table);
  switch (command.kind) {
    case 'add table':
      return `add table ${table}`;
    case 'delete table':
      return `delete table ${table}`;
    case 'add chain': {
      const { name, base } = command.chain;
      const head = `add chain ${table} ${checkedName(name)}`;
      if (base === undefined) return head;
      return `${head} { type ${base.type} hook ${base.hook} priority ${base.priority}; policy ${base.policy}; }`;
    }
    case 'flush chain':
      return `flush chain ${table} ${checkedName(command.name)}`;
    case 'add rules':
      return command.chain.rules
        .map(rule => `add rule ${table} ${checkedName(command.chain.name)} ${printRule(rule)}`)
        .join('\n');
    case 'add counter':
      return `add counter ${table} ${checkedName(command.name)}`;
    case 'add set':
      return `add set ${table} ${checkedName(command.set.name)} ${printSetBody(command.set)}`;
    case 'delete chain':
      return `delete chain ${table} ${checkedName(command.name)}`;
    case 'add elements':
      return `add element ${table} ${checkedName(command.name)} { ${command.ranges.map(formatRange).join(', ')} }`;
    case 'delete set':
      return `delete set ${table} ${checkedName(command.name)}`;
  }
}

function printSetBody(set: NftSet): string {
  if (set.kind === 'intervals')
    return `{ type ipv4_addr; flags interval;${printElements(set.ranges.map(formatRange))} }`;
  if (set.kind === 'ports')
    return `{ type inet_service; flags interval;${printElements(set.ranges.map(formatPorts))} }`;
  if (set.kind === 'sources')
    return `{ type ipv4_addr; flags dynamic,timeout; size ${set.size}; timeout ${set.timeoutSeconds}s; }`;
  const elements = (set.elements ?? []).map(
    ({ address, timeoutMs }) => `${formatIpv4(address)} timeout ${Math.ceil(timeoutMs / 1000)}s`,
  );
  return `{ type ipv4_addr; flags timeout; size ${set.size};${printElements(elements)} }`;
}

function printElements(elements: readonly string[]): string {
  return elements.length === 0 ? '' : ` elements = { ${elements.join(', ')} };`;
}

export function printRule(rule: NftRule): string {
  assert(rule.length > 0, 'a rule needs a statement');
  return rule.map(printStatement).join(' ');
}

function printStatement(statement: NftStatement): string {
  switch (statement.kind) {
    case 'match': {
      const mask = statement.mask === undefined ? '' : ` & ${hex(statement.mask)}`;
      const operator = statement.negated ? ' !=' : statement.mask === undefined ? '' : ' ==';
      return `${statement.key}${mask}${operator} ${printValue(statement.value)}`;
    }
    case 'verdict':
      return printVerdict(statement.verdict);
    case 'vmap': {
      const entries = statement.verdicts.map(
        ({ mark, verdict }) => `${hex(mark)} : ${printVerdict(verdict)}`,
      );
      return `${statement.key} & ${hex(statement.mask)} vmap { ${entries.join(', ')} }`;
    }
    case 'set mark':
      return `${statement.target} set ${typeof statement.value === 'number' ? hex(statement.value) : statement.value}`;
    case 'log':
      return `log prefix "${statement.prefix}" group ${statement.group} snaplen ${statement.snapLength}`;
    case 'limit':
      return `limit rate ${statement.perSecond}/second burst ${statement.burst} packets`;
    case 'source over limit': {
      const limit = `limit rate over ${statement.perSecond}/second burst ${statement.burst} packets`;
      return `update @${checkedName(statement.set)} { ip saddr ${limit} }`;
    }
    case 'counter':
      return `counter name ${checkedName(statement.name)}`;
    case 'tproxy':
      return `tproxy ip to :${statement.port}`;
    case 'reject tcp reset':
      return 'reject with tcp reset';
    case 'notrack':
      return 'notrack';
    case 'dnat':
      return `dnat ip to ${formatIpv4(statement.address)}:${statement.port}`;
    case 'snat':
      return `snat ip to ${printSource(statement.addresses)}${printPorts(statement.addresses, statement.ports)}`;
  }
}

function printSource(addresses: readonly number[]): string {
  const [only] = addresses;
  assert(only !== undefined, 'source NAT needs an address');
  if (addresses.length === 1) return formatIpv4(only);
  const entries = addresses.map((address, index) => `${index} : ${formatIpv4(address)}`);
  return `numgen random mod ${addresses.length} map { ${entries.join(', ')} }`;
}

/** A map's port range needs a space before the colon; an address's must not have one. */
function printPorts(addresses: readonly number[], ports: PortRange | undefined): string {
  if (ports === undefined) return '';
  return `${addresses.length === 1 ? ':' : ' : '}${ports.first}-${ports.last}`;
}

function printValue(value: MatchValue): string {
  switch (value.kind) {
    case 'addresses':
      return printList(value.ranges.map(formatRange));
    case 'ports':
      return printList(value.ranges.map(formatPorts));
    case 'words':
      return printList(value.words.map(String));
    case 'strings':
      return printList(value.strings.map(quoted));
    case 'set':
      return `@${checkedName(value.name)}`;
    case 'mark':
      return hex(value.mark);
  }
}

function printList(items: readonly string[]): string {
  assert(items.length > 0, 'a match needs a value');
  return items.length === 1 ? (items[0] as string) : `{ ${items.join(', ')} }`;
}

function formatPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function printVerdict(verdict: NftVerdict): string {
  return typeof verdict === 'string' ? verdict : `goto ${checkedName(verdict.goto)}`;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}

/** Interface names may hold nearly anything; a trailing `*` would be a wildcard for nft. */
function quoted(name: string): string {
  assert(/^[^"\s\\*/]{1,15}$/.test(name), `not an interface name: ${name}`);
  return `"${name}"`;
}

function tableName(table: NftTable): string {
  return `${table.family} ${checkedName(table.name)}`;
}

function checkedName(name: string): string {
  assert(/^[a-z][a-z0-9_]{0,30}$/.test(name) && !KEYWORDS.has(name), `not a usable nftables name: ${name}`);
  return name;
}
