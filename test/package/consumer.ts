// Compiled against the package's types only: what a user may write, and mistakes that the types must catch.

import { decide, type PolicyDecision, parsePolicy, type RuleRef } from 'postern';
import { loadTags } from 'postern/tags';

const parsed = parsePolicy('[]', { tags: loadTags(), azureLimits: false });
if (parsed.policy) {
  const decision: PolicyDecision = decide(parsed.policy, {
    source: '10.0.0.1',
    destination: '10.0.0.2',
    destinationPort: 80,
  });
  const rule: RuleRef | null = decision.rule;
  console.log(rule?.rule, decision.path, decision.snat, decision.translatedAddress, decision.translatedPort);
  // @ts-expect-error A flow has a destination.
  decide(parsed.policy, { source: '10.0.0.1' });
  // @ts-expect-error And no key `port`.
  decide(parsed.policy, { source: '10.0.0.1', destination: '10.0.0.2', port: 80 });
}
