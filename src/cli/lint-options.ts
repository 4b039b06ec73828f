// The options of `postern lint` beyond the policy itself, read into values; all that is wrong with them comes back together.

import { COMBINED_CODES } from '#analysis/lint/aks-combined.ts';
import type { AksCluster } from '#analysis/lint/aks-needs.ts';
import { LINT_CODES, type LintCode, SEVERITIES, type Severity } from '#analysis/lint/finding.ts';
import type { StatedConnections } from '#analysis/lint/translation.ts';
import type { ResolvedNames } from '#analysis/question.ts';
import { AKS_CLOUDS, type AksCloud, type AksOutbound, aksFeatures } from '#facts/aks-outbound.ts';
import type { AddressSet } from '#ir/policy.ts';
import { ALL_IPV4, mergeRanges, parseIpv4, parseRange } from '#net/ipv4.ts';
import { FLOW_FLAGS, readResolved } from './flow-options.ts';
import { OUTPUT_FLAGS, type ValuesOf } from './offline-command.ts';
import { POLICY_INPUT_FLAGS } from './policy-input.ts';

/** For `begin`; `readLintArguments` reads what it found. */
export const LINT_FLAGS = {
  ...POLICY_INPUT_FLAGS,
  ...OUTPUT_FLAGS,
  resolve: FLOW_FLAGS.resolve,
  connections: { type: 'string' },
  instances: { type: 'string' },
  aks: { type: 'boolean' },
  all: { type: 'boolean' },
  cloud: { type: 'string' },
  features: { type: 'string', multiple: true },
  from: { type: 'string', multiple: true },
  'api-server': { type: 'string' },
  'dns-server': { type: 'string' },
  'private-cluster': { type: 'boolean' },
  disable: { type: 'string', multiple: true },
  'fail-on': { type: 'string' },
  sarif: { type: 'string' },
  list: { type: 'boolean' },
} as const;

const OUTPUTS = ['text', 'json', 'sarif'] as const;

export interface LintArguments {
  readonly output: (typeof OUTPUTS)[number];
  readonly failOn: Severity;
  readonly disabled: ReadonlySet<LintCode>;
  readonly names: ResolvedNames;
  readonly connections?: StatedConnections;
  /** Whoever leaves out some findings about AKS wants the others, so that none may stand for several. */
  readonly eachByItself: boolean;
  /** Without `location` the region of the firewall is meant. */
  readonly cluster?: Omit<AksCluster, 'location'> & { readonly location: string | undefined };
}

type LintValues = ValuesOf<typeof LINT_FLAGS>;

export function readLintArguments(
  values: LintValues,
  outbound: () => AksOutbound,
): { readonly arguments: LintArguments; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const fault = <T>(message: string, otherwise: T): T => {
    faults.push(message);
    return otherwise;
  };
  const word = <T extends string>(flag: string, text: string, words: readonly T[], otherwise: T): T =>
    words.find(known => known.toLowerCase() === text.toLowerCase()) ??
    fault(`--${flag} ${text}: one of ${words.join(', ')}.`, otherwise);
  const { names, faults: unresolved } = readResolved(values.resolve);
  faults.push(...unresolved);
  const count = (flag: 'connections' | 'instances', text: string): number =>
    /^[1-9]\d{0,8}$/.test(text) ? Number(text) : fault(`--${flag} ${text}: a number from 1.`, 1);
  const connections = values.connections === undefined ? undefined : count('connections', values.connections);
  const instances = count('instances', values.instances ?? '2');
  if (values.instances !== undefined && connections === undefined)
    faults.push('--instances goes with --connections.');
  const codes = Object.keys(LINT_CODES) as LintCode[];
  const disabled = splitWords(values.disable).flatMap(
    code =>
      codes.find(known => known === code) ??
      fault(`--disable ${code}: there is no such code; postern lint --list shows them.`, []),
  );
  return {
    arguments: {
      output: word('output', values.output ?? 'text', OUTPUTS, 'text'),
      failOn: word('fail-on', values['fail-on'] ?? 'warning', SEVERITIES, 'warning'),
      disabled: new Set(disabled),
      eachByItself: (values.all ?? false) || COMBINED_CODES.some(code => disabled.includes(code)),
      names,
      ...(connections !== undefined && { connections: { connections, instances } }),
      ...readCluster(values, outbound, faults, word),
    },
    faults,
  };
}

const AKS_OPTIONS = [
  'all',
  'cloud',
  'features',
  'from',
  'api-server',
  'dns-server',
  'private-cluster',
] as const;

function readCluster(
  values: LintValues,
  outbound: () => AksOutbound,
  faults: string[],
  word: (flag: string, text: string, words: readonly AksCloud[], otherwise: AksCloud) => AksCloud,
): Pick<LintArguments, 'cluster'> {
  if (!values.aks) {
    for (const option of AKS_OPTIONS)
      if (values[option] !== undefined) faults.push(`--${option} goes with --aks.`);
    return {};
  }
  const cloud = word('cloud', values.cloud ?? 'AzureCloud', AKS_CLOUDS, 'AzureCloud');
  const known = aksFeatures(outbound(), cloud);
  const features = splitWords(values.features).flatMap(feature => {
    if (feature === 'all') return known;
    if (known.includes(feature)) return [feature];
    faults.push(`--features ${feature}: ${cloud} has all or ${known.join(', ')}.`);
    return [];
  });
  const from = splitWords(values.from).flatMap(text => {
    const range = text === '*' ? ALL_IPV4 : parseRange(text);
    if (!range) faults.push(`--from ${text}: an IPv4 address, prefix or range.`);
    return range ?? [];
  });
  const address = (flag: 'api-server' | 'dns-server'): number | undefined => {
    const text = values[flag];
    if (text === undefined) return undefined;
    const parsed = parseIpv4(text);
    if (parsed === undefined) faults.push(`--${flag} ${text}: an IPv4 address.`);
    return parsed;
  };
  const [apiServer, dnsServer] = [address('api-server'), address('dns-server')];
  const sources: AddressSet = mergeRanges(from);
  return {
    cluster: {
      cloud,
      location: values.location,
      features,
      ...(sources.length > 0 && { from: sources }),
      ...(apiServer !== undefined && { apiServer }),
      ...(dnsServer !== undefined && { dnsServer }),
      privateCluster: values['private-cluster'] ?? false,
    },
  };
}

function splitWords(texts: readonly string[] = []): string[] {
  return texts
    .flatMap(text => text.split(','))
    .map(text => text.trim())
    .filter(text => text !== '');
}
