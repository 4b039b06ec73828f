// Azure's built-in infrastructure rule collection: names that every source reaches when no rule matched. Microsoft does not
// publish its names, so the owner gives them (`PolicyOptions.infrastructureFqdns`), as names or wildcards.

import type { ApplicationRule } from '#ir/policy.ts';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { ALL_IPV4 } from '#net/ipv4.ts';

const COLLECTION = 'InfrastructureRuleCollection';

/** One rule a name. What is no name has been refused where options are read, and throws here. */
export function infrastructureRules(fqdns: readonly string[]): ApplicationRule[] {
  return fqdns.map(fqdn => {
    const pattern = parseFqdnPattern(fqdn);
    if (!pattern) throw new RangeError(`'${fqdn}' is no domain name for an infrastructure rule`);
    return {
      ref: { policy: '', group: '', collection: COLLECTION, rule: fqdn },
      action: 'Allow',
      sources: EVERYWHERE,
      protocols: PROTOCOLS,
      targets: [{ pattern, tag: '' }],
    };
  });
}

const EVERYWHERE = [ALL_IPV4];
const PROTOCOLS = [
  { protocol: 'Http', port: 80 },
  { protocol: 'Https', port: 443 },
] as const;
