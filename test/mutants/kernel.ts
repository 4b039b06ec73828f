// Bugs on the way from a program to packets: translation of addresses, and the text that nft reads.

import { inArea } from './mutant.ts';

const NAT_RULES = 'src/dataplane/netfilter/nat-rules.ts';
const PRINT = 'src/nft/print.ts';
const DECIDE = 'src/ir/decide.ts';

export const nat = inArea('NAT', [
  {
    name: 'from outside every rule is asked, not NAT rules alone',
    file: DECIDE,
    find: "  if (flow.from === 'outside') return deny('NoNatRule');\n",
    replace: '',
  },
  {
    name: 'a target that does not resolve takes the flow',
    file: 'src/ir/matches.ts',
    find: 'return translatedFqdn === undefined || resolves(translatedFqdn);',
    replace: 'return translatedFqdn === undefined || resolves !== undefined;',
  },
  {
    name: 'private space that is not listed sees a public address',
    file: DECIDE,
    find: "return isIanaPrivate(destination) ? 'PrivateIp' : 'PublicIp';",
    replace: "return 'PublicIp';",
  },
  {
    name: 'a translated flow keeps the source of its client',
    file: NAT_RULES,
    find: "  rules.push([match.words('ct status', ['dnat']), ...anyPrivate, toPrivateAddress]);\n",
    replace: '',
  },
  {
    name: 'the kernel translates the address and leaves the port',
    file: NAT_RULES,
    find: "{ kind: 'dnat', address, port: clause.targetPort }",
    replace: "{ kind: 'dnat', address, port: clause.ports.first }",
  },
  {
    name: 'a NAT rule for one protocol takes both',
    file: NAT_RULES,
    find: "match.words('meta l4proto', [clause.protocol.toLowerCase()]),",
    replace: 'PORTS_PROTOCOLS,',
  },
  {
    name: 'private ranges get the private address all the same',
    file: NAT_RULES,
    find: '  if (bypassed !== undefined) rules.push([...bypassed, accept]);\n',
    replace: '  void bypassed;\n',
  },
  {
    name: 'a NAT rule stands at the first of its addresses only',
    file: 'src/compiler/compile.ts',
    find: 'addressesOf(rule.destinations).flatMap(destination =>',
    replace: 'addressesOf(rule.destinations).slice(0, 1).flatMap(destination =>',
  },
]);

export const nftPrinting = inArea('nft printing', [
  {
    name: 'a negated match is printed as a plain one',
    file: PRINT,
    find: "const operator = statement.negated ? ' !='",
    replace: "const operator = statement.negated ? ''",
  },
  {
    name: 'a range of ports is printed as its first',
    file: PRINT,
    find: 'return first === last ? String(first)',
    replace: 'return first <= last ? String(first)',
  },
  {
    name: 'of a list only the first item is printed',
    file: PRINT,
    find: 'return items.length === 1 ? ',
    replace: 'return items.length >= 1 ? ',
  },
  {
    name: 'a range of a power of two is printed as a prefix wherever it begins',
    file: 'src/net/ipv4.ts',
    find: ' && first % (last - first + 1) === 0)',
    replace: ')',
  },
  {
    name: 'no colon stands before the port of a translation',
    file: PRINT,
    find: '(statement.address)}:',
    replace: '(statement.address)}',
  },
  {
    name: 'marks lose their class',
    file: PRINT,
    find: "typeof statement.value === 'number' ? hex(statement.value)",
    replace: "typeof statement.value === 'number' ? hex(statement.value & 0x0fffffff)",
  },
]);
