// All mutants, in the order in which they are planted.

import { fqdnSets, ipGroups, ports, protocolAny, wildcards } from './fields.ts';
import { nat, nftPrinting } from './kernel.ts';
import type { Mutant } from './mutant.ts';
import { inheritance, layering, ordering } from './order.ts';

export const MUTANTS: readonly Mutant[] = [
  ...ordering,
  ...inheritance,
  ...layering,
  ...ipGroups,
  ...fqdnSets,
  ...ports,
  ...protocolAny,
  ...nat,
  ...nftPrinting,
  ...wildcards,
];
