// Application rules: names in TLS, HTTP and TDS.

import { differs, type Feature, refused, same } from './feature.ts';

const PROCESSING = 'firewall/rule-processing';
const ISSUES = 'firewall/firewall-known-issues';
const PREMIUM = 'firewall/premium-features';

export const APPLICATION_RULES: readonly Feature[] = [
  same(
    'Protocols and ports',
    '`Http`, `Https`, `Mssql`, each with a port of its own choice',
    PROCESSING,
    'src/ir/facts-application.test.ts: protocol and port belong together',
    'test/l7/tls.test.ts: where rules name both protocols for a port the first byte tells',
  ),
  same(
    'Highest port',
    'Pages disagree: 64000 or 65535. Here: 64000',
    'https://learn.microsoft.com/rest/api/virtualnetwork/firewall-policy-rule-collection-groups',
    'src/model/rule-collection-group.test.ts: ports end at 64000 in application rules and at 63999 in NAT rules',
  ),
  same(
    'Wildcards',
    '`*.contoso.com` is every name below, not `contoso.com`; `*contoso.com` is `evilcontoso.com` too; `*` is everything',
    'firewall/firewall-faq',
    'src/ir/facts-application.test.ts: *contoso.com is every name that ends so: contoso.com, and evilcontoso.com too',
    'test/lab/rules.test.ts: a wildcard covers deeper names and not the name itself; a Deny before it wins',
  ),
  same(
    'Wildcards elsewhere than at the left end',
    'refused',
    'firewall/firewall-faq',
    'src/model/firewall-rule-faults.test.ts: www.contoso.*',
    'src/net/net.test.ts: patterns have one wildcard at the left end',
  ),
  same(
    'The address that the client chose',
    'ignored: the firewall resolves the name itself, with its own DNS servers',
    PROCESSING,
    'src/ir/facts-application.test.ts: the address that the client chose does not count: the firewall resolves the name itself',
    'test/l7/tls.test.ts: an allowed name is served end to end and verified; the client address plays no part',
  ),
  same(
    'The same for HTTPS without inspection',
    'Pages disagree: stated for HTTP and inspected HTTPS on one, for SNI on another',
    'firewall/dns-details',
    'test/l7/tls.test.ts: an allowed name is served end to end and verified; the client address plays no part',
  ),
  same(
    'Destination addresses of a rule',
    'in rules of policies only; classic rules have none',
    'https://learn.microsoft.com/rest/api/virtualnetwork/firewall-policy-rule-collection-groups',
    'src/model/rule-collection-group.test.ts: has application rules that look at the destination too; without one, any will do',
    'src/ir/facts-application.test.ts: unless a rule of a policy names destinations',
  ),
  differs(
    "Names that resolve to the firewall itself, loopback, link-local or the platform's address",
    'not stated',
    '',
    'never connected to; other addresses of the answer are',
    'test/l7/http.test.ts: whatever a name resolves to, forbidden addresses are never connected to; others of the answer are',
    "test/lab/bypass.test.ts: an allowed name never leads to addresses that are nobody's server",
  ),
  same(
    'No SNI',
    'denied, even by a rule for `*`; logged as `SNI TLS extension was missing`',
    ISSUES,
    'src/ir/facts-application.test.ts: without an SNI, or a Host, even a rule for every name denies',
    'src/wire/tls.test.ts: no extension, an empty list, an empty name and an IP literal are no name',
  ),
  same(
    'TLS itself',
    'passes untouched without inspection: ALPN, HTTP/2 and client certificates stay between client and server',
    PREMIUM,
    'test/l7/tls.test.ts: a hello in single bytes and over many records is judged and replayed unchanged',
  ),
  same(
    'Kept-alive HTTP',
    'each request is judged by its Host',
    PROCESSING,
    'test/l7/http.test.ts: each request of a kept connection is judged, pipelined or not, and goes to its own server',
  ),
  differs(
    'HTTP/2 without TLS',
    'not stated',
    '',
    '`Upgrade: h2c` and the preface of HTTP/2 are refused, since later requests could not be judged',
    'test/l7/http.test.ts: what cannot be judged is refused with 400 and the reason, and reaches nobody',
  ),
  same(
    'Host with another port than the connection has',
    'dropped',
    PROCESSING,
    'src/ir/facts-application.test.ts: a Host whose port is not the TCP port is dropped, whatever the rules',
    'test/l7/http.test.ts: a port in Host that is not the TCP port drops the connection',
  ),
  same(
    '`X-Forwarded-For` of plain HTTP',
    'Pages disagree: filled, appended to, or overwritten. Here: appended to',
    ISSUES,
    'src/wire/http.test.ts: X-Forwarded-For is appended and nothing else changes',
  ),
  same(
    'Source address that servers see',
    'always one of the firewall, private destinations included',
    'firewall/snat-private-range',
    'src/ir/facts-network.test.ts: application rules translate always, private destinations included',
    'test/support/showcase/addresses.ts: by network rule a server sees the host itself, by application rule the firewall',
  ),
  same(
    'FQDN tags',
    "stand for their names, with the rule's own protocols or the tag's",
    'firewall/fqdn-tags',
    'src/compiler/lower-firewall.test.ts: gives names of a tag their own protocol where the rule has none',
    'src/ir/facts-review.test.ts: an FQDN tag covers its own names, not what else a cluster needs',
  ),
  same(
    '`Mssql`',
    'by the name in TLS inside TDS, in the proxy mode of SQL Server',
    ISSUES,
    'src/ir/facts-application.test.ts: mssql is a protocol of its own, by SNI, on 1433 or the port that the rule gives',
    'test/lab/policy.test.ts: on the port of SQL Server the name in the hello decides',
  ),
  refused(
    '`Mssql` in redirect mode',
    '`sql.allowSqlRedirect`, or a network rule with the tag `Sql` and ports 11000 to 11999',
    'firewall/sql-fqdn-filtering',
    'the network rule does; the switch is refused',
    'src/model/firewall-policy.test.ts: SQL redirection',
  ),
  differs(
    '`Mssql`: clients without encryption',
    'not stated',
    '',
    'the firewall answers the PRELOGIN and asks for encryption, TDS 7 and 8; a client that cannot encrypt is told so and not served',
    'test/l7/tds.test.ts: a client that cannot encrypt hears that it must, and is not served',
  ),
  refused(
    'TLS inspection, URLs',
    'Premium',
    PREMIUM,
    '`terminateTLS`, `targetUrls`, `transportSecurity` and `identity` are refused',
    'src/model/rule-collection-group.test.ts: TLS inspection',
    'src/model/firewall-policy.test.ts: TLS inspection',
  ),
  refused(
    'Web categories',
    'Standard by name, Premium by URL',
    'firewall/web-categories',
    '`webCategories` is refused',
    'src/model/rule-collection-group.test.ts: web category',
  ),
  refused(
    'Headers inserted into requests',
    'up to 16,384 bytes a rule',
    'firewall/configure-http-header-insertion',
    '`httpHeadersToInsert` is refused',
    'src/model/rule-collection-group.test.ts: inserted header',
  ),
  refused(
    'Explicit proxy',
    'preview',
    'firewall/explicit-proxy',
    '`explicitProxy` is refused unless it is off',
    'src/model/firewall-policy.test.ts: explicit proxy',
  ),
  same(
    'Encrypted ClientHello',
    'not read: the outer name is judged',
    ISSUES,
    'src/wire/tls.test.ts: reads the name and the protocols of a hello that Node sends',
  ),
];
