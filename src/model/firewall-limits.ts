// Every number and code that a firewall document is held against, in one table with its source. Azure's code stands
// where Azure is known to send one; the others are Postern's own, worded in Azure's manner.

export const LIMITS = {
  /** Swagger 2024-05-01, `priority` of every rule collection: inclusive minimum and maximum. */
  priority: { first: 100, last: 65000 },
  /** https://learn.microsoft.com/azure/firewall/rule-processing: names of rule collections. */
  collectionNameLength: 80,
  /** Azure states no length for rule names, and spaces are in use; this bounds log lines. */
  ruleNameLength: 256,
  /** https://learn.microsoft.com/azure/firewall/firewall-faq. */
  firewallNameLength: 50,
  /** Swagger 2024-05-01, `AzureFirewallApplicationRuleProtocol.port`; 0 opens nothing. */
  applicationPort: { first: 1, last: 64000 },
  /** https://learn.microsoft.com/azure/firewall/firewall-known-issues: NAT rules stop at 63999. */
  natPort: { first: 1, last: 63999 },
  /** azure-subscription-service-limits#azure-firewall-limits: public addresses plus unique DNAT destinations. */
  publicIpsAndNatDestinations: 250,
  /** https://learn.microsoft.com/azure/firewall/firewall-known-issues: an ARM limit. */
  collectionsPerFirewall: 2000,
  /** https://learn.microsoft.com/azure/firewall/create-ip-group. */
  ipGroupsPerFirewall: 200,
  ipGroupEntries: 5000,
  /** https://learn.microsoft.com/azure/firewall/dns-settings. */
  dnsServers: 15,
} as const;

export const CODES = {
  /** Azure: seen in hashicorp/terraform-provider-azurerm#8312; also for an unknown service tag (Azure/azure-cli#16986). */
  address: 'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
  /** Azure: seen in hashicorp/terraform-provider-azurerm#18353. */
  natPort: 'AzureFirewallRuleInvalidDnatPortOrRangeFormat',
  /** Azure: seen in public Terraform configurations for AKS egress. */
  dnsProxy: 'AzureFirewallDNSProxyMustBeEnabled',
  /** Azure: a request parameter that does not fit the SKU. */
  request: 'AzureFirewallInvalidRequest',
  /** Azure (Microsoft.Network): wrong JSON type or enum value, missing field. */
  format: 'InvalidRequestFormat',
  /** Azure (Microsoft.Network). */
  name: 'InvalidResourceName',
  /** Azure (Microsoft.Network): two child resources of one name. */
  duplicateName: 'DuplicateResourceName',
  /** Azure (Microsoft.Network). */
  reference: 'InvalidResourceReference',
  priority: 'AzureFirewallRuleCollectionInvalidPriority',
  duplicatePriority: 'AzureFirewallRuleCollectionDuplicatePriority',
  port: 'AzureFirewallRuleInvalidPortOrRangeFormat',
  protocol: 'AzureFirewallRuleInvalidProtocol',
  fqdn: 'AzureFirewallRuleInvalidFqdn',
  fqdnTag: 'AzureFirewallRuleInvalidFqdnTag',
  natDestination: 'AzureFirewallRuleInvalidDnatDestinationAddress',
  natTarget: 'AzureFirewallRuleInvalidDnatTranslation',
  ipv6: 'AzureFirewallRuleIpv6NotSupported',
  source: 'AzureFirewallRuleMissingSource',
  destination: 'AzureFirewallRuleMissingDestination',
  limit: 'AzureFirewallLimitExceeded',
  unsupported: 'UnsupportedProperty',
  unknown: 'InvalidRequestFormat',
} as const;
