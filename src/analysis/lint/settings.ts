// What a policy's settings and single rules do not say on their face: ICMP that cannot leave, protocol Any with ports, empty IP
// groups, private ranges that replace the default, what a child does not inherit.

import { adviceToSave } from '#documents/save-command.ts';
import { IP_GROUP_TYPE, rangesOfIpGroup } from '#model/ip-group.ts';
import { IANA_PRIVATE_RANGES, intersectRanges, mergeRanges } from '#net/ipv4.ts';
import { complementOf } from '../diff/ranges.ts';
import { aboutResource, aboutRule, type LintContext, resolvedOf } from './context.ts';
import { listed } from './coverage-findings.ts';
import type { LintCode, LintFinding } from './finding.ts';
import { hasPublicAddress, isEveryPort, shareOfInternet } from './internet.ts';
import type { PlacedRule } from './written-rules.ts';

export function checkRules(context: LintContext): LintFinding[] {
  return context.rules.flatMap(rule => [
    ...emptyGroups(rule, context),
    ...(rule.pass === 'network' && rule.action === 'Allow' ? icmp(rule, context) : []),
    ...(rule.pass === 'network' ? anyWithPort(rule) : []),
    ...(rule.pass === 'application' && rule.action === 'Allow' ? tlsByAddress(rule) : []),
  ]);
}

/** https://learn.microsoft.com/azure/firewall/create-ip-group */
function emptyGroups(rule: PlacedRule, context: LintContext): LintFinding[] {
  const lists = rule.pass === 'network' ? [rule.rule.sources, rule.rule.destinations] : [rule.rule.sources];
  const empty = lists
    .flatMap(({ ipGroups }) => ipGroups)
    .filter(id => {
      const document = context.documents.get(id);
      return (
        document?.type.toLowerCase() === IP_GROUP_TYPE.toLowerCase() && rangesOfIpGroup(document).length === 0
      );
    });
  if (empty.length === 0) return [];
  const groups = new Map(empty.map(id => [id.toLowerCase(), id.split('/').at(-1) ?? id]));
  const names = listed([...groups.values()]);
  const skipped = resolvedOf(context, rule.pass, rule.ref).length === 0;
  return [
    aboutRule('empty-ip-group', rule, {
      reason: `IP group ${names} ${groups.size > 1 ? 'are' : 'is'} empty${skipped ? ', so Azure skips the rule: it neither allows nor denies' : '; the rule has other addresses and goes by these'}.`,
      fix: 'Fill the group, or take it out of the rule.',
    }),
  ];
}

/** https://learn.microsoft.com/azure/firewall/firewall-known-issues: only TCP and UDP can leave with a public address. */
function icmp(rule: PlacedRule & { pass: 'network' }, context: LintContext): LintFinding[] {
  if (!rule.rule.protocols.includes('ICMP')) return [];
  const resolved = resolvedOf(context, 'network', rule.ref);
  const kept = mergeRanges([...context.policy.privateRanges, ...IANA_PRIVATE_RANGES]);
  const sets = resolved.flatMap(({ destinations }) => destinations);
  if (!sets.some(set => hasPublicAddress([intersectRanges(set, complementOf(kept))]))) return [];
  const someInside = sets.some(set => intersectRanges(set, kept).length > 0);
  return [
    aboutRule('icmp-to-internet', rule, {
      severity: someInside ? 'note' : 'warning',
      reason: `ICMP cannot leave with a public address, so a ping to the Internet is denied in spite of it${someInside ? '; to private addresses it works' : ''}.`,
      fix: 'Test reachability with TCP, or name private destinations only.',
    }),
  ];
}

/** https://learn.microsoft.com/azure/firewall/rule-processing */
function anyWithPort(rule: PlacedRule & { pass: 'network' }): LintFinding[] {
  const { protocols, destinationPorts } = rule.rule;
  if (!protocols.includes('Any') || destinationPorts.some(({ first }) => first === 0)) return [];
  return [
    aboutRule('any-with-port', rule, {
      reason: `With ports given${isEveryPort(destinationPorts) ? ', even all of them,' : ''} Any means TCP and UDP; other protocols are not matched.`,
      fix: "Write TCP and UDP, or '*' as the port if every protocol is meant.",
    }),
  ];
}

function tlsByAddress(rule: PlacedRule & { pass: 'application' }): LintFinding[] {
  const { destinations, protocols, targetFqdns } = rule.rule;
  const everyName = targetFqdns.some(pattern => pattern.kind === 'suffix' && pattern.suffix === '');
  if (!destinations || !everyName || !protocols.some(({ protocol }) => protocol === 'Https')) return [];
  return [
    aboutRule('tls-by-address', rule, {
      reason:
        'It allows every name at certain addresses, so these are what is meant; a client that goes by an address sends no name, and is denied.',
      fix: 'Use a network rule with these addresses and TCP ports.',
    }),
  ];
}

const WARNINGS: Readonly<Record<string, readonly [LintCode, string]>> = {
  DnsSettingsNotInherited: ['dns-not-inherited', 'Repeat dnsSettings in the child policy.'],
  SnatNotInherited: ['snat-not-inherited', 'Repeat snat.privateRanges in the child policy.'],
  ThreatIntelModeOfParent: ['threat-intel-of-parent', 'Write the mode that counts, so that readers see it.'],
  EqualPriorities: ['equal-priorities', 'Give each a priority of its own, a hundred apart.'],
  NetworkFqdnsAboveAdvice: ['above-advice', 'Use application rules, or service tags, instead of names.'],
  NetworkRulesAboveAdvice: ['above-advice', 'Use IP groups, each of which counts as one address.'],
  PublicIpWithoutAddress: ['public-ip-without-address', 'Deploy it, and run lint on what Azure then shows.'],
  PublicIpNotDescribed: ['public-ip-without-address', 'Save what az shows of it, and name its file too.'],
  SettingsOfPolicyCount: ['settings-not-used', 'Move them into the policy, or remove them.'],
};

/** What was said when the policy was read. */
export function checkWarnings({ warnings, rules, documents }: LintContext): LintFinding[] {
  return warnings.flatMap(({ code, resource, target, message }) => {
    const known = WARNINGS[code];
    if (!known) throw new Error(`lint has no code for the warning ${code}`);
    const isPath = target.startsWith('properties');
    const place = isPath ? target : placeOfCollection(target, resource, rules);
    const fix = adviceToSave({ resource, target }, documents).trim() || known[1];
    return [aboutResource(known[0], { id: resource }, { reason: message, fix, target: place })];
  });
}

/** `policy/group/collection`, as a warning names it. */
function placeOfCollection(target: string, resource: string, rules: readonly PlacedRule[]): string {
  const collection = target.split('/').at(-1);
  const found = rules.find(rule => rule.resource === resource && rule.ref.collection === collection);
  return found?.target.replace(/(\.properties)?\.rules\[\d+\]$/, '') ?? '';
}

export function checkSettings({ policy, settings }: LintContext): LintFinding[] {
  const findings: LintFinding[] = [];
  const { privateRanges, threatIntel } = policy;
  const share = shareOfInternet([privateRanges]);
  const target = settings.properties.snat === undefined ? '' : 'properties.snat';
  if (share > 0.5)
    findings.push(
      aboutResource('private-ranges', settings, {
        target,
        reason: `The private ranges hold ${share > 0.99 ? 'the whole' : 'most of the'} Internet: nothing is translated, and answers from the Internet do not come back unless another device translates.`,
        fix: 'Name private ranges only, unless the next hop of the firewall translates addresses.',
      }),
    );
  else if (
    privateRanges.some(({ first, last }) => !(first === 0xffffffff && last === 0xffffffff)) &&
    IANA_PRIVATE_RANGES.some(({ first, last }) => {
      const held = intersectRanges(privateRanges, [{ first, last }]);
      return held.length !== 1 || held[0]?.first !== first || held[0].last !== last;
    })
  )
    findings.push(
      aboutResource('private-ranges', settings, {
        target,
        reason:
          'A list of private ranges replaces the default. IANAPrivateRanges is not wholly in this one, so flows to other private networks lose the address of their client.',
        fix: "Add 'IANAPrivateRanges' to the list.",
      }),
    );
  if (threatIntel.mode === 'Off')
    findings.push(
      aboutResource('threat-intel-off', settings, {
        reason: 'Known malicious addresses and names are neither denied nor logged.',
        fix: 'Set the mode to Alert, or to Deny.',
      }),
    );
  return findings;
}
