// Running it: changes, scale, logs, and the features around a firewall.

import { absent, differs, type Feature, refused, same } from './feature.ts';

const ISSUES = 'firewall/firewall-known-issues';
const MONITOR = 'firewall/monitor-firewall-reference';

export const OPERATION: readonly Feature[] = [
  differs(
    'How long a change takes',
    '3 to 5 minutes, one at a time',
    ISSUES,
    'in force when the command returns',
    'test/lab/policy.test.ts: a change is in force when its command returns, and cuts what it forbids',
    'test/lab/rule-fields.test.ts: 1,000 rules more are in force within a second',
  ),
  differs(
    'Two writes of one policy at once',
    'the second is refused with 409 `AnotherOperationInProgress`',
    'https://github.com/hashicorp/terraform-provider-azurerm/issues/15440',
    'the second waits its turn; only when 16 wait already, 409',
    'src/api/firewall-policies.test.ts: waits its turn: changes of one policy at once all succeed',
  ),
  differs(
    'A change that fails half way',
    'instances may have different rules',
    'firewall/firewall-faq',
    'the last good rules stay in force, as a whole',
    'test/netfilter/change.test.ts: a program that the kernel refuses changes nothing',
  ),
  differs(
    'IP groups changed together',
    'up to 20 in one operation',
    'firewall/create-ip-group',
    'any number, one after the other',
    'src/api/firewall-policies.test.ts: a write waits for the firewalls that run what it changes',
  ),
  same(
    'Subnet',
    '`AzureFirewallSubnet`, /26 or larger',
    'firewall/firewall-faq',
    'src/api/refusals.test.ts: stand in an AzureFirewallSubnet of their own, /26 or larger, that exists',
  ),
  differs(
    'Availability zones',
    'can be set',
    'firewall/features-by-sku',
    'stored and shown; there is one gateway',
    'src/api/behaviour.test.ts: keep the zones of a firewall, which mean nothing here',
  ),
  refused(
    'Prescaling',
    '2 to 50 capacity units',
    'firewall/prescaling',
    '`autoscaleConfiguration` is refused; offline it is left aside with a notice',
    'test/docs.test.ts: every property in the tables of refusals is refused, with its reason',
  ),
  refused(
    'Virtual hubs',
    'secured hubs',
    'firewall-manager/secured-virtual-hub',
    '`virtualHub`, `hubIPAddresses` and the SKU `AZFW_Hub` are refused',
    'src/model/firewall-faults.test.ts: SKU of a hub',
  ),
  absent(
    'Throughput by tier, instances that scale',
    '250 Mbps to 100 Gbps; 2 to 20 instances, 50 with prescaling',
    'firewall/firewall-performance',
    'that of the machine; `npm run bench` measures what judging costs',
  ),
  absent(
    'Maintenance windows',
    'daily, at least five hours',
    'firewall/customer-controlled-maintenance',
    'you restart it',
  ),
  absent('Packet capture', 'to a storage account', 'firewall/packet-capture', '`tcpdump` on the router'),
  absent(
    'Metrics, health, hit counters',
    'eight metrics, none for a rule',
    MONITOR,
    'the log has every decision',
  ),
  same(
    'Logs',
    '`AZFWNetworkRule`, `AZFWApplicationRule`, `AZFWNatRule`, `AZFWThreatIntel`, `AZFWDnsQuery`, `AZFWInternalFqdnResolutionFailure`',
    MONITOR,
    'test/lab/rule-fields.test.ts: every column of the tables is there',
  ),
  differs(
    'Where logs go',
    'Log Analytics, storage, event hubs; minutes later',
    'firewall/monitor-firewall',
    'JSON lines in the state folder, at once; `postern logs` reads them',
    'src/telemetry/file-sink.test.ts: writes one stamped line a record, in a folder and file of its owner only',
  ),
  absent(
    'Other tables',
    '`AZFWFlowTrace`, `AZFWFatFlow`, `AZFWDnsFlowTrace`, `AZFWIdpsSignature`, hourly aggregations',
    MONITOR,
    'the switches of the first three are refused where they are on',
  ),
  same(
    'What is logged',
    'the first packet of a connection; a probe that only connects to a port of application rules is not',
    'firewall/firewall-faq',
    'test/l7/tls.test.ts: what is not TLS is reset and logged; a probe that only connects is not logged',
  ),
  differs(
    'Floods of one denial',
    'each is a record',
    '',
    'equal ones above a limit are counted in one record',
    'test/lab/rule-fields.test.ts: a flood of identical denials is counted, and the log stays readable',
  ),
];
