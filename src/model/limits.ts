// Every number of Azure's that documents are held against, in one table with its source. The numbers can be switched off
// (`--no-azure-limits`): then only what Postern itself needs is checked, such as ports from 1 to 65535. What exceeds an
// `advised` number is no fault; it is said as a warning.

/** At most so many. */
interface Ceiling {
  readonly most: number;
  readonly what: string;
  readonly source: string;
  readonly advised?: true;
}

/** Inclusive bounds; `otherwise` holds without Azure's limits. */
interface Bounds {
  readonly first: number;
  readonly last: number;
  readonly otherwise: { readonly first: number; readonly last: number };
  readonly what: string;
  readonly source: string;
}

const ANY_PORT = { first: 1, last: 65535 };

export const AZURE_LIMITS = {
  priority: {
    what: 'Priority of rule collections and rule collection groups',
    first: 100,
    last: 65000,
    otherwise: { first: 0, last: 2 ** 31 - 1 },
    source: 'Swagger 2024-05-01, `priority` of rule collections and groups: inclusive minimum and maximum',
  },
  applicationPort: {
    what: 'Ports of application rules',
    first: 1,
    last: 64000,
    otherwise: ANY_PORT,
    source: 'Swagger 2024-05-01, `FirewallPolicyRuleApplicationProtocol.port`; 0 opens nothing',
  },
  natPort: {
    what: 'Ports of NAT rules',
    first: 1,
    last: 63999,
    otherwise: ANY_PORT,
    source: 'https://learn.microsoft.com/azure/firewall/firewall-known-issues',
  },
  collectionNameLength: {
    what: 'Characters in the name of a rule collection or group',
    most: 80,
    source: 'https://learn.microsoft.com/azure/firewall/rule-processing',
  },
  firewallNameLength: {
    what: 'Characters in the name of a firewall',
    most: 50,
    source: 'https://learn.microsoft.com/azure/firewall/firewall-faq',
  },
  publicIps: {
    what: 'Public IP addresses of a firewall',
    most: 250,
    source:
      'https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits',
  },
  publicIpsAndNatDestinations: {
    what: 'Public IP addresses plus unique NAT destinations (address, port and protocol)',
    most: 250,
    source:
      'https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits',
  },
  ruleCollections: {
    what: 'Rule collections of a firewall or policy',
    most: 2000,
    source: 'https://learn.microsoft.com/azure/firewall/firewall-known-issues: an ARM limit',
  },
  groupsPerPolicy: {
    what: 'Rule collection groups of a policy',
    most: 90,
    source:
      'https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits (60 in 2023, 50 for policies from before July 2022)',
  },
  groupBytes: {
    what: 'Bytes of a rule collection group, as JSON',
    most: 2 * 1024 * 1024,
    source:
      'https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits (1 MB for policies from before July 2022)',
  },
  ipGroups: {
    what: 'IP groups that the rules of a firewall name',
    most: 200,
    source: 'https://learn.microsoft.com/azure/firewall/create-ip-group',
  },
  ipGroupEntries: {
    what: 'Entries of an IP group',
    most: 5000,
    source: 'https://learn.microsoft.com/azure/firewall/create-ip-group',
  },
  dnsServers: {
    what: 'DNS servers',
    most: 15,
    source: 'https://learn.microsoft.com/azure/firewall/dns-settings',
  },
  networkFqdns: {
    what: 'FQDNs in network rules',
    most: 1000,
    advised: true,
    source:
      'https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits',
  },
  sourcesTimesDestinations: {
    what: 'Sum over the network rules of unique sources times unique destinations',
    most: 20000,
    advised: true,
    source:
      'https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits; https://learn.microsoft.com/azure/well-architected/service-guides/azure-firewall multiplies by ports too',
  },
} as const satisfies Record<string, Ceiling | Bounds>;

/** What the readers compare with: the table, or the table without Azure's numbers. */
export type Limits = {
  readonly [K in keyof typeof AZURE_LIMITS]: (typeof AZURE_LIMITS)[K] extends Bounds
    ? { readonly first: number; readonly last: number }
    : { readonly most: number };
};

const NO_AZURE_LIMITS = Object.fromEntries(
  Object.entries<Ceiling | Bounds>(AZURE_LIMITS).map(([name, limit]) => [
    name,
    'most' in limit ? { most: Number.POSITIVE_INFINITY } : limit.otherwise,
  ]),
) as unknown as Limits;

/** Absent means that they hold. */
export function limitsOf({ azureLimits = true }: { readonly azureLimits?: boolean }): Limits {
  return azureLimits ? AZURE_LIMITS : NO_AZURE_LIMITS;
}

/** Postern's own bound, always in force: Azure states no length for rule names, and log lines carry them. */
export const RULE_NAME_LENGTH = 256;
