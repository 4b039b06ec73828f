// Which rule decided: the same four names in logs, explanations, errors and test messages. Azure leaves all
// four empty when no rule matched; classic rules have no policy and no group.

export interface RuleRef {
  /** Firewall policy name; empty for classic rules. */
  readonly policy: string;
  /** Rule collection group; empty for classic rules. */
  readonly group: string;
  readonly collection: string;
  readonly rule: string;
}

export function formatRuleRef(ref: RuleRef): string {
  return [ref.policy, ref.group, ref.collection, ref.rule].filter(part => part !== '').join('/');
}
