// Network rules: addresses, ports, protocols, and the names that stand for addresses.

import { differs, type Feature, refused, same } from './feature.ts';

const PROCESSING = 'firewall/rule-processing';
const NAMES = 'firewall/fqdn-filtering-network-rules';

export const NETWORK_RULES: readonly Feature[] = [
  same(
    'Sources and destinations',
    'addresses, prefixes, ranges, `*`, IP groups; destinations also service tags and FQDNs',
    PROCESSING,
    'src/ir/facts-network.test.ts: sources and destinations are addresses, prefixes, ranges with both ends, or everything',
  ),
  same(
    'Service tags',
    'by name, with or without a region, in any case',
    'virtual-network/service-tags-overview',
    'test/lab/rule-fields.test.ts: a service tag means the same in any case, and what the tables say that were imported while the lab runs',
    'src/model/firewall-rule-faults.test.ts: tag of no region',
  ),
  same(
    'A name in `destinationAddresses`',
    'refused with `AzureFirewallRuleInvalidIpAddressOrRangeFormat`',
    'https://github.com/hashicorp/terraform-provider-azurerm/issues/8312',
    'src/model/firewall-rule-faults.test.ts: FQDN as address',
  ),
  same(
    'Ports',
    'one, a range, a list, `*`; 1 to 65535',
    'azure-resource-manager/management/azure-subscription-service-limits',
    'src/ir/facts-network.test.ts: ports are single ones, ranges with both ends, or a list of these',
  ),
  same(
    'Protocol `Any`',
    'every IP protocol; TCP and UDP only where ports are given (rules saved before November 2020 meant less)',
    PROCESSING,
    'src/ir/facts-network.test.ts: Any with a port is TCP and UDP',
    'test/netfilter/rules.test.ts: Any with ports is TCP and UDP; without ports every protocol; ICMP ignores ports',
  ),
  same(
    'ICMP and other protocols to the Internet',
    'they cannot get a public address, so they pass to private destinations only',
    'firewall/firewall-known-issues',
    'src/ir/facts-network.test.ts: only TCP and UDP get a public address: a rule that allows another protocol to the Internet does not let it out',
    'test/lab/policy.test.ts: an allowed ping to the Internet is denied, and the log says by which rule and why',
  ),
  refused(
    'IPv6 in a rule',
    'makes the firewall fail',
    'firewall/firewall-known-issues',
    'refused with `AzureFirewallRuleIpv6NotSupported`; IPv6 packets are denied and logged',
    'src/model/firewall-rule-faults.test.ts: AzureFirewallRuleIpv6NotSupported',
    'test/netfilter/rules.test.ts: IPv6 is denied and logged, neighbour discovery is not logged',
  ),
  same(
    'IP groups',
    'of addresses, prefixes and ranges, in rules of every type',
    'firewall/create-ip-group',
    'test/lab/rule-fields.test.ts: IP groups as source and destination of a network rule; a change is in force, an emptied one skips the rule',
    'test/lab/rule-fields.test.ts: IP groups as source of application and NAT rules',
  ),
  same(
    'An emptied IP group',
    'its rule is skipped: it matches neither everything nor nothing-then-deny',
    'firewall/create-ip-group',
    'src/ir/facts-review.test.ts: an emptied IP group skips its rule; addresses beside it stay',
    'test/lab/policy.test.ts: a rule whose IP group is emptied is skipped, and back when the group is',
    'src/cli/decide.test.ts: a rule that is skipped is told in its place, and as the nearest',
  ),
  same(
    'FQDNs are address rules',
    'every name on the address passes on that port; `--bind-network-fqdns` is stricter',
    NAMES,
    'src/ir/facts-network.test.ts: an FQDN stands for its addresses: every name on them passes',
    'test/lab/policy.test.ts: a network FQDN rule is about the address: every name on it passes',
  ),
  same('FQDNs: wildcards', 'refused', NAMES, 'src/model/firewall-rule-faults.test.ts: *.ubuntu.com'),
  same(
    'FQDNs: DNS proxy',
    'must be on, unless `requireProxyForNetworkRules` is false',
    NAMES,
    'src/compiler/resolve-policy.test.ts: names in network rules need the DNS proxy of the policy itself',
    'src/model/firewall.test.ts: may switch off that FQDNs of network rules need the proxy',
  ),
  differs(
    'FQDNs: resolution',
    'every 15 s, addresses are kept for 15 min after they were last seen, all that an answer has',
    NAMES,
    'the same, and an address is in force before the DNS answer that names it leaves',
    'src/dataplane/dns/dns-proxy.test.ts: are resolved every 15 s without anybody asking, past the cache, and at once when new',
    'src/dataplane/dns/dns-proxy.test.ts: have their addresses in the sets before the answer leaves, also from the cache and behind aliases',
    'test/netfilter/rules.test.ts: addresses of a name expire, are refreshed by adding, and survive a change of policy',
  ),
  differs(
    'FQDNs: names that do not resolve',
    'logged in `AZFWInternalFqdnResolutionFailure`',
    'firewall/monitor-firewall-reference',
    'the same, once a minute for a name, with its rule',
    'src/dataplane/dns/dns-proxy.test.ts: that fail are logged once a minute, with their rule',
  ),
  same(
    'A client that resolves elsewhere',
    'an address that the firewall has not seen for the name matches nothing',
    'firewall/dns-details',
    'src/ir/facts-network.test.ts: an address that the firewall has not seen for the name matches nothing',
  ),
  same(
    'QUIC',
    'has no name that is looked at: UDP 443 needs a network rule',
    'firewall/firewall-known-issues',
    'src/ir/facts-application.test.ts: QUIC is not filtered by name: UDP 443 needs a network rule',
  ),
];
