// Decisions as one line of text, in which the three judges are compared and failures are printed. Pure.

import type { Decision } from '#ir/decision.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { formatIpv4 } from '#net/ipv4.ts';

/** `Allow forward P/G/C/R snat None`, `Deny - DefaultAction`, ... The four names of a rule, or `-` where none decided. */
export function verdictOf(decision: Decision): string {
  if (decision.action === 'Pending') return 'Pending';
  if (decision.action === 'Deny') return `Deny ${refText(decision.rule)} ${decision.reason}`;
  switch (decision.path) {
    case 'local':
      return 'Allow local';
    case 'proxy':
      return `Allow proxy ${refText(decision.rule)}`;
    case 'forward':
      return `Allow forward ${refText(decision.rule)} snat ${decision.snat}`;
    case 'nat': {
      const { translatedAddress: address, translatedFqdn: fqdn, translatedPort: port, snat } = decision;
      const target = address === undefined ? fqdn : formatIpv4(address);
      return `Allow nat ${refText(decision.rule)} to ${target}:${port}${snat ? ` snat ${snat}` : ''}`;
    }
  }
}

function refText(ref: RuleRef | null): string {
  if (!ref) return '-';
  // What the built-in rules are called is nobody's promise.
  if (ref.collection === 'InfrastructureRuleCollection') return ref.collection;
  return `${ref.policy}/${ref.group}/${ref.collection}/${ref.rule}`;
}

/** A verdict without the names of rules: what coverage is counted by. */
export function kindOf(verdict: string): string {
  return verdict.replace(/ \S*\/\S*/, ' rule').replace(/ to \S+/, ' to target');
}
