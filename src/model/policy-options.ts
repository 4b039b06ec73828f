// Where Postern lets its owner choose. Each has a flag of the same name (`--no-azure-limits`, `--bind-network-fqdns`,
// `--no-inherited-nat-rules`, `--infrastructure-fqdns`) in `postern lab up`, `postern up` and every offline command, so
// that what is tested is what runs. docs/compatibility.md says what Azure does.

export interface PolicyOptions {
  /** Hold documents against Azure's numbers (model/limits.ts). Without, only what Postern itself needs is checked. */
  readonly azureLimits: boolean;
  /**
   * Network FQDN rules are address rules, as in Azure: every name on the address passes. With this, a TLS connection (port
   * 443, and ports that application rules name for Https) that such a rule allows must also name, by SNI, a host of the rule.
   */
  readonly bindNetworkFqdns: boolean;
  /** Whether a child policy runs its parent's NAT collections too: Microsoft's pages disagree. */
  readonly inheritNatRules: boolean;
  /**
   * Names (wildcards as in application rules) that every source reaches over http:80 and https:443 when no rule matched, as
   * Azure's built-in infrastructure rule collection does. Microsoft does not publish its names, so there are none by default.
   */
  readonly infrastructureFqdns: readonly string[];
}

export const DEFAULT_POLICY_OPTIONS: PolicyOptions = {
  azureLimits: true,
  bindNetworkFqdns: false,
  inheritNatRules: true,
  infrastructureFqdns: [],
};
