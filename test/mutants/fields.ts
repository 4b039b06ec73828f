// Bugs in what single fields of a rule match: groups, names, ports, protocols, wildcards.

import { inArea } from './mutant.ts';

const LOWERING = 'src/compiler/lowering.ts';
const MATCHES = 'src/ir/matches.ts';
const NETWORK_RULES = 'src/dataplane/netfilter/network-rules.ts';
const PORTS = 'src/net/ports.ts';
const FQDN = 'src/net/fqdn.ts';

export const ipGroups = inArea('IP groups', [
  {
    name: 'an emptied group means every address',
    file: LOWERING,
    find: 'if (own.length === 0) return [...large];',
    replace: 'if (own.length === 0) return large.size > 0 ? [...large] : [[ALL_IPV4]];',
  },
  {
    name: 'a large group is forgotten',
    file: LOWERING,
    find: '      large.add(set);\n',
    replace: '',
  },
  {
    name: 'a large group beside addresses is forgotten',
    file: LOWERING,
    find: 'return isEverything(own) ? [own] : [own, ...large];',
    replace: 'return [own];',
  },
  {
    name: 'groups beside addresses are forgotten',
    file: LOWERING,
    find: '...list.ipGroups.flatMap(id => small(this.#ipGroup(id, ref))),',
    replace: '...(list.ranges.length > 0 ? [] : list.ipGroups.flatMap(id => small(this.#ipGroup(id, ref)))),',
  },
  {
    name: 'only the first member of a group counts',
    file: 'src/model/ip-group.ts',
    find: 'return mergeRanges(texts.flatMap(text => parseRange(text) ?? []));',
    replace: 'return mergeRanges(texts.slice(0, 1).flatMap(text => parseRange(text) ?? []));',
  },
]);

export const fqdnSets = inArea('FQDN sets', [
  {
    name: 'an address must have all names of the rule',
    file: MATCHES,
    find: 'return fqdns.some(fqdn => names.has(fqdn));',
    replace: 'return fqdns.every(fqdn => names.has(fqdn));',
  },
  {
    name: 'names beside addresses are lost on the way to the kernel',
    file: 'src/compiler/compile.ts',
    find: 'return [...found, ...fqdns.map(',
    replace: 'return found.length > 0 ? found : [...fqdns.map(',
  },
  {
    name: 'only the first name of a rule reaches the kernel',
    file: NETWORK_RULES,
    find: 'byName.push(...rulesTo(named));',
    replace: 'if (byName.length === 0) byName.push(...rulesTo(named));',
  },
  {
    name: 'names that stay watched are not handed over to new rules',
    file: 'src/dataplane/dns/dns-proxy.ts',
    find: 'name => !this.#publishAgain(name)',
    replace: '() => false',
  },
  {
    name: 'addresses that a rule names itself must say the name too',
    file: 'src/ir/decide.ts',
    find: `    tlsPortsOf(policy).has(flow.destinationPort) &&
    !rule.destinations.some(set => includesAddress(set, flow.destination))`,
    replace: `    tlsPortsOf(policy).has(flow.destinationPort) &&
    rule.destinationFqdns.length > 0`,
  },
]);

export const ports = inArea('ports', [
  {
    name: 'the last port of a range is outside',
    file: PORTS,
    find: 'range.first <= port && port <= range.last',
    replace: 'range.first <= port && port < range.last',
  },
  {
    name: 'a range is its first port',
    file: PORTS,
    find: 'const last = Number(match[2] ?? match[1]);',
    replace: 'const last = Number(match[1]);',
  },
  {
    name: '1-65535 counts as every port',
    file: MATCHES,
    find: 'some(({ first, last }) => first === 0 && last === 65535)',
    replace: 'some(({ first, last }) => first <= 1 && last === 65535)',
  },
  {
    name: 'the compiler takes every range up to 65535 for all ports',
    file: 'src/compiler/compile.ts',
    find: 'only?.first === ALL_PORTS.first && only.last === ALL_PORTS.last',
    replace: 'only?.last === ALL_PORTS.last',
  },
  {
    name: 'ranges with one port between them are joined',
    file: 'src/net/ipv4.ts',
    find: 'range.first <= previous.last + 1',
    replace: 'range.first <= previous.last + 2',
  },
  {
    name: 'the L7 engine does not answer on the port of SQL Server',
    file: 'src/ir/application-ports.ts',
    find: '[80, 443, 1433] as const',
    replace: '[80, 443] as const',
  },
]);

export const protocolAny = inArea('protocol Any', [
  {
    name: 'Any with ports lets ICMP through',
    file: MATCHES,
    find: "return rule.protocols.includes('ICMP') || (rule.protocols.includes('Any') && everyPort);",
    replace: "return rule.protocols.includes('ICMP') || rule.protocols.includes('Any');",
  },
  {
    name: 'Any with ports lets other protocols through',
    file: MATCHES,
    find: "      return rule.protocols.includes('Any') && everyPort;",
    replace: "      return rule.protocols.includes('Any');",
  },
  {
    name: 'in the kernel Any without ports is TCP and UDP',
    file: NETWORK_RULES,
    find: 'return [{ matches: [], end: endOfAny }];',
    replace: 'return [{ matches: [PORTS_PROTOCOLS], end: endOfAny }];',
  },
  {
    name: 'in the kernel Any with ports is TCP alone',
    file: NETWORK_RULES,
    find: "protocols.includes('Any')\n    ? ['tcp', 'udp']",
    replace: "protocols.includes('Any')\n    ? ['tcp']",
  },
  {
    name: 'Any of a NAT rule is TCP alone',
    file: 'src/model/nat-rule.ts',
    find: "protocols.includes('Any') ? ['TCP', 'UDP']",
    replace: "protocols.includes('Any') ? ['TCP']",
  },
]);

export const wildcards = inArea('wildcards', [
  {
    name: '*.example.org matches example.org and evilexample.org',
    file: FQDN,
    find: 'const suffix = pattern.slice(1);',
    replace: "const suffix = pattern.slice(pattern.startsWith('*.') ? 2 : 1);",
  },
  {
    name: 'a name that only contains the suffix matches',
    file: FQDN,
    find: 'name.endsWith(pattern.suffix) &&',
    replace: 'name.includes(pattern.suffix) &&',
  },
  {
    name: 'a wildcard stops at a dot',
    file: FQDN,
    find: 'name.endsWith(pattern.suffix) &&',
    replace:
      "name.endsWith(pattern.suffix) && !name.slice(0, name.length - pattern.suffix.length).includes('.') &&",
  },
  {
    name: 'names in rules keep their case',
    file: FQDN,
    find: 'text.trim().toLowerCase();',
    replace: 'text.trim();',
  },
  {
    name: 'long lists of targets forget their wildcards',
    file: 'src/ir/target-index.ts',
    find: 'return exact.has(fqdn) || wildcards.some(pattern => matchesFqdn(pattern, fqdn));',
    replace: 'return exact.has(fqdn);',
  },
  {
    name: 'the index tries the first dot of a name only',
    file: 'src/ir/search/name-index.ts',
    find: "dot > 0; dot = name.indexOf('.', dot + 1))",
    replace: 'dot > 0; dot = -1)',
  },
]);
