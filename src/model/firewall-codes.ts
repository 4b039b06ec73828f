// The codes that faults in firewalls, policies and rule collection groups carry. Azure's code stands where Azure is known to
// send one; the others are Postern's own, worded in Azure's manner.

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
  /** Azure: seen in public scripts that move a firewall from classic rules to a policy. */
  policyAndRules: 'AzureFirewallPolicyAndRuleCollectionsConflict',
  policyTier: 'AzureFirewallPolicyInvalidSku',
  basePolicy: 'FirewallPolicyInvalidBasePolicy',
  ruleType: 'FirewallPolicyRuleCollectionInvalidRuleType',
  privateRange: 'FirewallPolicyInvalidPrivateRange',
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
