// The flags of `PolicyOptions` on a command line, the same for every command that has them: `POLICY_OPTION_FLAGS` goes into
// the options of Node's `parseArgs`, `policyOptionsOf` reads what it found, `policyOptionFlags` is the way back, for a process
// that starts another one and for people who ask what is not as usual. Pure.

import { parseFqdnPattern } from '#net/fqdn.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from './policy-options.ts';

export const POLICY_OPTION_FLAGS = {
  'no-azure-limits': { type: 'boolean' },
  'bind-network-fqdns': { type: 'boolean' },
  'no-inherited-nat-rules': { type: 'boolean' },
  'infrastructure-fqdns': { type: 'string', multiple: true },
} as const;
export type PolicyOptionFlag = keyof typeof POLICY_OPTION_FLAGS;

/** For a command's help. */
export const POLICY_OPTION_HELP = `\
  --no-azure-limits          checks no documents against Azure's numbers, only what Postern itself needs
  --bind-network-fqdns       TLS that a network rule allows by an FQDN must name a host of the rule by SNI, too
  --no-inherited-nat-rules   a child policy does not run the NAT rules of its parent
  --infrastructure-fqdns NAME[,NAME]...
                             names that every source reaches over http:80 and https:443 when no rule matched
`;

/** What `parseArgs` answers; `values` may hold other options too. */
export type PolicyOptionValues = Readonly<Record<string, unknown>>;

export function policyOptionsOf(values: PolicyOptionValues): {
  readonly options: PolicyOptions;
  /** All of them, each naming its flag. */
  readonly faults: readonly string[];
} {
  const given = (flag: PolicyOptionFlag): unknown => values[flag];
  const names = [given('infrastructure-fqdns') ?? []].flat().map(String);
  const fqdns = names.flatMap(list => list.split(',')).map(name => name.trim());
  const faults = fqdns
    .filter(fqdn => parseFqdnPattern(fqdn) === undefined)
    .map(
      fqdn =>
        `--infrastructure-fqdns: '${fqdn}' is no name: expected names such as a.example.org or *.example.org, with commas between.`,
    );
  const options = {
    azureLimits: given('no-azure-limits') === true ? false : DEFAULT_POLICY_OPTIONS.azureLimits,
    bindNetworkFqdns: given('bind-network-fqdns') === true,
    inheritNatRules:
      given('no-inherited-nat-rules') === true ? false : DEFAULT_POLICY_OPTIONS.inheritNatRules,
    infrastructureFqdns: [...new Set(fqdns.map(fqdn => fqdn.toLowerCase()))],
  };
  return { options, faults };
}

/** What differs from the defaults, as words of a command line; empty when nothing does. */
export function policyOptionFlags(options: PolicyOptions): string[] {
  return [
    ...(options.azureLimits ? [] : ['--no-azure-limits']),
    ...(options.bindNetworkFqdns ? ['--bind-network-fqdns'] : []),
    ...(options.inheritNatRules ? [] : ['--no-inherited-nat-rules']),
    ...(options.infrastructureFqdns.length === 0
      ? []
      : ['--infrastructure-fqdns', options.infrastructureFqdns.join(',')]),
  ];
}
