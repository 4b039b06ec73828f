// `decide` without an index: one rule after the other. What tests compare `decide` with and the bench measures it against.

import { decideWith } from './decide.ts';
import type { Decision, DecisionContext, Flow } from './decision.ts';
import { linearSearch } from './linear-search.ts';
import type { ResolvedPolicy } from './policy.ts';

export function decideLinear(policy: ResolvedPolicy, flow: Flow, context: DecisionContext): Decision {
  return decideWith(linearSearch, policy, flow, context);
}
