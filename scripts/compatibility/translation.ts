// NAT rules, source addresses, and how long connections live.

import { absent, chosen, differs, type Feature, refused, same } from './feature.ts';

const DNAT = 'firewall/destination-nat-rules';
const SNAT = 'firewall/snat-private-range';
const ISSUES = 'firewall/firewall-known-issues';
const TCP = 'firewall/tcp-session-behavior';

export const TRANSLATION: readonly Feature[] = [
  same(
    'NAT rules',
    'source, TCP or UDP, an address of the firewall, ports; to an address or a name, and a port',
    DNAT,
    'src/ir/facts-nat.test.ts: source, protocol, address and port of the firewall have to match together',
    'test/netfilter/nat.test.ts: from outside NAT rules answer; nothing else does, whatever network rules say',
  ),
  same(
    'NAT rules for protocol `Any`',
    'TCP and UDP, counted as two',
    DNAT,
    'src/model/firewall.test.ts: translates a NAT rule for Any into TCP and UDP',
    'test/lab/rule-fields.test.ts: a NAT rule for protocol Any and several ports carries TCP and UDP, and the backend sees the firewall',
  ),
  same(
    'NAT rules at the private address',
    'Standard and Premium, in policies only',
    DNAT,
    'src/compiler/resolve-policy.test.ts: NAT rules stand at an address of the firewall, the private one not in tier Basic',
    'test/lab/policy.test.ts: NAT rules of the child come before network rules of the parent, on the public address and the private one',
  ),
  same(
    'No network rule is needed',
    'a NAT match allows',
    'firewall/rule-processing',
    'src/ir/facts-review.test.ts: a DNAT rule from * takes in the virtual networks, and needs no network rule',
  ),
  same(
    'Source address that the target sees',
    'a private address of the firewall; a public one where the target is public',
    'https://techcommunity.microsoft.com/blog/azurenetworksecurityblog/azure-firewall-nat-behaviors/3825834',
    'src/ir/decide.test.ts: is the translation, and whose address the target sees: never the client’s',
    'src/dataplane/netfilter/plan.test.ts: private ranges are left alone, DNATed flows to them get the private address',
  ),
  same(
    'Source `*`',
    'takes in traffic between virtual networks too',
    ISSUES,
    'src/ir/facts-nat.test.ts: source * takes in what comes from the virtual networks',
  ),
  same(
    'A name as target',
    'its first address; while it does not resolve the rule does not match',
    DNAT,
    'test/netfilter/nat.test.ts: a NAT target that is a name follows its first address',
    'src/ir/facts-nat.test.ts: a rule whose translated name does not resolve does not match; the next one is asked',
  ),
  same(
    'A port without a NAT rule',
    'silence',
    'https://github.com/MicrosoftDocs/azure-docs/issues/68039',
    'src/ir/facts-order.test.ts: nothing reaches a public address on a port without a DNAT rule',
    'test/lab/bypass.test.ts: from the Internet: silence but for the NAT rule, also for sources of the inside, and live flows are safe',
  ),
  same(
    'A public IP with NAT rules',
    'still serves SNAT',
    DNAT,
    'test/support/showcase/traffic.ts: servers see only the public IP of the firewall',
    'test/support/showcase/traffic.ts: the NAT rule serves a web server of aks-subnet',
  ),
  same(
    'SNAT of network rules',
    'public destinations see a public address; RFC 1918 and 100.64.0.0/10 see the client',
    SNAT,
    'src/ir/facts-network.test.ts: public destinations see a public address, RFC 1918 and RFC 6598 the client',
    'test/netfilter/nat.test.ts: a private destination sees the host itself, a public one the firewall',
  ),
  same(
    '`privateRanges`',
    'replace the default, unless `IANAPrivateRanges` is among them; `0.0.0.0/0` is never, `255.255.255.255/32` always',
    SNAT,
    'src/ir/facts-review.test.ts: private ranges of its own replace the default ones, unless IANAPrivateRanges is among them',
    'src/ir/facts-network.test.ts: 255.255.255.255/32 always translates',
  ),
  same(
    'Private space outside of `privateRanges`',
    'sees a private address of the firewall',
    SNAT,
    'src/ir/facts-network.test.ts: a list of its own replaces the default one; private space outside of it sees the private address',
  ),
  refused(
    '`autoLearnPrivateRanges`',
    'with a route server',
    SNAT,
    'refused: there is no route server',
    'src/model/firewall-policy.test.ts: learned ranges',
  ),
  differs(
    'SNAT ports',
    '2,496 for each public IP, instance and destination',
    ISSUES,
    '1024 to 65535 of each public IP for each destination; there is one instance',
    'test/netfilter/nat.test.ts: an address without a free port is passed over',
  ),
  chosen(
    'Which public IP',
    'random for each connection, or the next one when the first has no ports',
    'firewall/integrate-with-nat-gateway',
    'random',
    'test/netfilter/nat.test.ts: 400 connections spread over 20 addresses, adjacent or not',
  ),
  refused(
    'NAT gateway on the subnet of the firewall',
    'takes over the outbound addresses',
    'firewall/integrate-with-nat-gateway',
    '`natGateway` of subnets is refused',
    'src/api/refusals.test.ts: asks for nothing that Azure has and Postern does not; read-only and empty members are let through',
  ),
  refused(
    'Forced tunnelling, management NIC',
    'a subnet and a public IP of its own',
    'firewall/forced-tunneling',
    '`managementIpConfiguration` is refused; offline it is left aside with a notice',
    'src/model/firewall-faults.test.ts: properties.managementIpConfiguration',
  ),
  differs(
    'Idle connections',
    '4 minutes to and from the Internet, then a reset to both ends; 5 minutes east-west, without',
    TCP,
    '4 minutes by application rule (8 where one end does not read), then a reset; network and NAT flows follow conntrack and end without',
    'test/l7/http.test.ts: a head that does not come in time, and a connection that idles, are reset',
  ),
  absent(
    'Scale-in, instance failure',
    'connections are drained for 90 s',
    TCP,
    'one gateway; when it is started again, flows by network rule go on',
  ),
];
