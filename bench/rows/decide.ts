// `decide` beside the loop over the same parsed rules that the tests take as its reference. Half of the flows match nothing,
// half match the last rule: the loop's worst, and what a default deny and a catch-all rule make common.

import { decide } from '#ir/decide.ts';
import { decideLinear } from '#ir/decide-linear.ts';
import type { DecisionContext, Flow } from '#ir/decision.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import {
  CLUSTER,
  createRandom,
  LAST_ADDRESS,
  LAST_NAME,
  policyOf,
  randomApplicationRules,
  randomNetworkRules,
} from '../random.ts';
import type { Comparison, Side, Size } from '../runner.ts';

const RULES = 10_000;
const FLOWS = 4096;
/** What the index over 10,000 rules may keep, with what it remembers of 4,096 flows. */
const INDEX_BYTES = 32e6;

interface Case {
  readonly policy: ResolvedPolicy;
  readonly flows: readonly Flow[];
  readonly context: DecisionContext;
}

const noNames: DecisionContext = { namesOfAddress: () => new Set() };

/** Whether the answer is the one that the row claims to be about. */
function check({ policy, flows, context }: Case, rules: number): void {
  for (const [index, flow] of flows.entries()) {
    const decision = decide(policy, flow, context);
    const rule = decision.action === 'Pending' ? 'pending' : decision.rule?.rule;
    if (rule !== (index % 2 === 0 ? undefined : `rule-${rules - 1}`))
      throw new Error(`the flow ${JSON.stringify(flow)} was decided by ${rule}`);
  }
}

function sides(make: () => Case, rules = RULES): (size: Size) => { subject: Side; yardstick: Side } {
  return ({ quick }) => {
    const subject = make();
    check(subject, rules);
    const loop = (judge: typeof decide, count: number) => () => {
      let allowed = 0;
      for (let index = 0; index < count; index++) {
        const flow = subject.flows[index % FLOWS] as Flow;
        if (judge(subject.policy, flow, subject.context).action === 'Allow') allowed++;
      }
      return allowed;
    };
    const quickly = quick ? 20_000 : 200_000;
    const slowly = Math.round((quick ? 100 : 600) * (RULES / rules));
    return {
      subject: { name: 'index', run: loop(decide, quickly), units: quickly },
      yardstick: { name: 'loop', run: loop(decideLinear, slowly), units: slowly },
    };
  };
}

/** A fresh policy after its flows have been decided: what is weighed is its index, with what that remembers. */
function indexOf(make: () => Case): () => () => unknown {
  return () => {
    const { policy, flows, context } = make();
    return () => {
      for (const flow of flows) decide(policy, flow, context);
      return policy;
    };
  };
}

function flowsTo(
  destinations: (random: (below: number) => number) => number,
  rest: (index: number) => Partial<Flow>,
): Flow[] {
  const random = createRandom(7);
  const [cluster = { first: 0, last: 0 }] = CLUSTER;
  return Array.from({ length: FLOWS }, (_, index) => ({
    protocol: 'TCP' as const,
    source: cluster.first + random(cluster.last - cluster.first),
    destination: index % 2 === 0 ? destinations(random) : LAST_ADDRESS,
    destinationPort: 30_000 + random(1000),
    from: 'inside' as const,
    ...rest(index),
  }));
}

/** Beyond what random rules name, in many places. */
const elsewhere = (random: (below: number) => number) => 0x80000000 + random(0x20000000);

const networkCase =
  (rules = RULES) =>
  (): Case => ({
    policy: policyOf({ networkRules: randomNetworkRules(rules) }),
    flows: flowsTo(elsewhere, () => ({})),
    context: noNames,
  });

const namedCase = (): Case => ({
  policy: policyOf({ networkRules: randomNetworkRules(RULES, { fqdns: 1000 }) }),
  flows: flowsTo(elsewhere, () => ({})),
  // Every address is known by names; none is a rule's.
  context: { namesOfAddress: address => new Set([`host-${address % 1000}.example.net`, 'cdn.example.net']) },
});

const applicationCase = (): Case => ({
  policy: policyOf({ applicationRules: randomApplicationRules(RULES) }),
  flows: flowsTo(elsewhere, index => ({
    destinationPort: 443,
    claim: { protocol: 'Https', fqdn: index % 2 === 0 ? `www.shop-${index}.example.com` : LAST_NAME },
  })),
  context: noNames,
});

/** Makes the index of a list anew: an index lives as long as its list, and this is another one. */
function buildIndex(networkRules: ResolvedPolicy['networkRules'], flow: Flow): ResolvedPolicy {
  const policy = policyOf({ networkRules: [...networkRules] });
  decide(policy, flow, noNames);
  return policy;
}

export const decideRows: readonly Comparison[] = [
  {
    name: 'network',
    what: 'decide, 10,000 network rules',
    unit: 'decision',
    prepare: sides(networkCase()),
    keeps: indexOf(networkCase()),
    bars: { timesAsFast: 100, atMostBytes: INDEX_BYTES },
  },
  {
    name: 'network-fqdn',
    what: 'decide, 10,000 network rules, 1,000 of them by FQDN',
    unit: 'decision',
    prepare: sides(namedCase),
    keeps: indexOf(namedCase),
    bars: { timesAsFast: 100, atMostBytes: INDEX_BYTES },
  },
  {
    name: 'application',
    what: 'decide, 10,000 application rules',
    unit: 'decision',
    prepare: sides(applicationCase),
    keeps: indexOf(applicationCase),
    bars: { timesAsFast: 100, atMostBytes: INDEX_BYTES },
  },
  {
    name: 'network-100000',
    what: 'decide, 100,000 network rules',
    unit: 'decision',
    prepare: sides(networkCase(10 * RULES), 10 * RULES),
    keeps: indexOf(networkCase(10 * RULES)),
    bars: { timesAsFast: 100, atMostBytes: 3 * INDEX_BYTES },
  },
  {
    name: 'index-growth',
    what: 'index over 100,000 network rules, beside ten over 10,000',
    unit: 'index',
    prepare: () => {
      const [flow] = flowsTo(elsewhere, () => ({}));
      if (!flow) throw new Error('no flow');
      const [many, few] = [randomNetworkRules(10 * RULES), randomNetworkRules(RULES)];
      return {
        subject: { name: 'one', run: () => buildIndex(many, flow), units: 1 },
        yardstick: {
          name: 'ten',
          run: () => Array.from({ length: 10 }, () => buildIndex(few, flow)),
          units: 1,
        },
      };
    },
    // Linear but for a logarithm, and for caches that the larger one does not fit into.
    bars: { timesAsFast: 0.3, atMostBytes: 32e6 },
  },
];
