// Compiled against the package's types only: what a user may write, and one mistake that the types must catch.

import { type Decision, decide, parsePolicy } from 'postern';
import { loadTags } from 'postern/tags';

const parsed = parsePolicy('[]', { tags: loadTags(), azureLimits: false });
if (parsed.policy) {
  const decision: Decision = decide(parsed.policy, { source: '10.0.0.1', destination: '10.0.0.2' });
  if (decision.action === 'Allow' && decision.path === 'forward') console.log(decision.snat);
  // @ts-expect-error A flow has a destination.
  decide(parsed.policy, { source: '10.0.0.1' });
}
