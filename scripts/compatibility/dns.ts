// DNS settings and the DNS proxy.

import { absent, chosen, differs, type Feature, same } from './feature.ts';

const DNS = 'firewall/dns-settings';

export const DNS_PROXY: readonly Feature[] = [
  same(
    'Off by default, Azure DNS is asked',
    'the DNS settings of the VNet are not inherited by the firewall',
    DNS,
    'src/model/firewall-policy.test.ts: says nothing: tier Standard, threat intelligence alerts, no proxy, no ranges of its own',
    'src/dataplane/dns/dns-proxy.test.ts: works while the proxy is off, which nobody can ask',
  ),
  same(
    'Listener',
    'port 53 of the private address, UDP and TCP',
    DNS,
    'src/ir/facts-nat.test.ts: the proxy answers on port 53 of the private address, over UDP and TCP, without a rule',
    'test/lab/settings.test.ts: without DNS proxy port 53 of the firewall is silent; with it, UDP and TCP are answered',
  ),
  same(
    'Upstream servers',
    'up to 15, one at random; another one when it fails',
    DNS,
    'src/dataplane/dns/dns-proxy.test.ts: that are silent or refuse connections are passed over, and an answer comes',
    'test/lab/settings.test.ts: DNS servers of its own are asked; one that is silent and one that fails are passed over',
  ),
  same(
    'Health check, no fallback',
    'every 5 s, for the root, while a server is unhealthy; all down means no answer',
    DNS,
    'src/dataplane/dns/dns-proxy.test.ts: that are all down give SERVFAIL at once, are asked for the root every 5 s, and are used when they answer',
    'test/lab/settings.test.ts: no DNS server that works means no answer: nothing falls back to Azure DNS',
  ),
  differs(
    'Cache',
    "the answer's TTL, at most 1 h; negative at most 30 min; no pre-fetch",
    'firewall/dns-details',
    'the same; the TTLs that clients see are cut to these too',
    'src/dataplane/dns/answer.test.ts: how long an answer is kept',
    'src/dataplane/dns/answer.test.ts: limits TTLs to what the cache would keep',
  ),
  differs(
    'EDNS',
    'not stated',
    '',
    'hop by hop: of its options only extended errors pass',
    'src/dataplane/dns/answer.test.ts: carries OPT only for a client that speaks EDNS, without the cookies of the upstream',
  ),
  differs(
    'Names that threat intelligence denies',
    'it applies to names asked of the proxy; what is answered is not stated',
    DNS,
    'NXDOMAIN with the extended error 15 (Blocked)',
    'src/dataplane/dns/dns-proxy.test.ts: denies a listed name, and an alias that leads to one, and logs both',
  ),
  chosen(
    'DNS settings of a parent',
    'inherited on one page, known not to be on another',
    'firewall/firewall-known-issues',
    'not inherited, with the warning `DnsSettingsNotInherited` where that makes a difference',
    'src/compiler/inheritance.test.ts: no DNS settings, with a warning',
    'src/ir/facts-review.test.ts: DNS settings are not inherited: a child without its own runs no proxy',
  ),
  absent(
    'Private DNS zones',
    "Pages disagree: used by the firewall when linked to its VNet, by the proxy's clients only through the server that is asked",
    DNS,
    "the lab's Internet can be told records of your own",
  ),
  differs(
    'What one client can take',
    'not stated',
    '',
    '2,048 unanswered questions, 64 TCP connections, 32 questions on each',
    'src/dataplane/dns/listener.test.ts: is 2,048 unanswered questions; answered ones make room',
  ),
];
