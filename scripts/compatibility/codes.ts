// The error codes of faults in firewalls and policies: Azure's where it is known to send one, ours where no source tells.

import { CODES } from '#model/firewall-codes.ts';
import { table } from './feature.ts';

/** Where Azure is known to send the code. Those that are not named here are ours, in Azure's manner. */
const AZURES: Readonly<Record<string, string>> = {
  AzureFirewallRuleInvalidIpAddressOrRangeFormat:
    'https://github.com/hashicorp/terraform-provider-azurerm/issues/8312',
  AzureFirewallRuleInvalidDnatPortOrRangeFormat:
    'https://github.com/hashicorp/terraform-provider-azurerm/issues/18353',
  AzureFirewallDNSProxyMustBeEnabled: '',
  AzureFirewallInvalidRequest: '',
  AzureFirewallPolicyAndRuleCollectionsConflict: '',
  InvalidRequestFormat: '',
  InvalidResourceName: '',
  DuplicateResourceName: '',
  InvalidResourceReference: '',
};

/** Codes of the API alone, for policies. */
const OF_THE_API = ['FirewallPolicyInUseByFirewalls', 'FirewallPolicyInUseByChildPolicies'];

export function codesTable(): string {
  const codes = [...new Set<string>([...Object.values(CODES), ...OF_THE_API])].sort();
  const link = (code: string) => (AZURES[code] ? `[seen here](${AZURES[code]})` : 'seen in use');
  return table(
    ['Code', 'Whose'],
    codes.map(code => [`\`${code}\``, code in AZURES ? `Azure's, ${link(code)}` : 'ours']),
  );
}
