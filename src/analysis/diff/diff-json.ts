// A diff for programs: stable names, exact sets, one piece of text after the other, since large IP groups make large entries.

import type { RuleRef } from '#model/rule-ref.ts';
import { formatRange } from '#net/ipv4.ts';
import type { Outcome } from './clauses.ts';
import type { PolicyDiff, Unfinished } from './diff.ts';
import type { DiffEntry } from './entry.ts';
import { portText } from './service-text.ts';
import type { Service } from './services.ts';
import type { UnlikeAddresses } from './unlike-addresses.ts';

/** `entries` are those of the diff, in order; `unlike` is why some of them may say nothing of the rules. The pieces together are one JSON object. */
export function* toDiffJson(
  { renamed, settings, unfinished }: PolicyDiff,
  entries: readonly DiffEntry[],
  unlike?: UnlikeAddresses,
): Generator<string> {
  const count = (kind: DiffEntry['kind']) => entries.filter(entry => entry.kind === kind).length;
  const head = {
    same: entries.length + renamed.length + settings.length + unfinished.length === 0,
    finished: unfinished.length === 0,
    differentPublicAddresses: unlike ?? null,
    summary: {
      newlyAllowed: count('NewlyAllowed'),
      newlyDenied: count('NewlyDenied'),
      changed: count('Changed'),
      renamed: renamed.length,
      settings: settings.length,
    },
    unfinished: unfinished.map(unfinishedJson),
    settings,
    renamed: renamed.map(({ before, after }) => ({ before: ruleJson(before), after: ruleJson(after) })),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"entries":[`;
  for (const [index, entry] of entries.entries())
    yield `${index === 0 ? '' : ','}\n${JSON.stringify(entryJson(entry))}`;
  yield ']}\n';
}

function entryJson(entry: DiffEntry): object {
  return {
    kind: entry.kind,
    services: entry.services.map(serviceJson),
    sources: entry.sources.map(formatRange),
    destinations: entry.destinations.map(formatRange),
    destinationNames: entry.destinationNames ?? null,
    claimedNames: entry.claimedNames ?? null,
    before: outcomeJson(entry.before),
    after: outcomeJson(entry.after),
  };
}

/** `claim` is how the client names a host, `none` where it names none; `any` is for protocols that cannot. */
function serviceJson({ side, protocol, ports, claim }: Service): object {
  return {
    from: side,
    protocol,
    ports: protocol === 'TCP' || protocol === 'UDP' ? portText(ports) : null,
    claim: protocol === 'TCP' ? claim : 'any',
  };
}

function outcomeJson({ action, rule, path }: Outcome): object {
  return {
    action,
    rule: rule && ruleJson(rule),
    path: path.kind === 'none' ? null : path.kind,
    ...(path.kind === 'nat' && { target: path.target }),
    ...('snat' in path && { snat: path.snat }),
  };
}

function ruleJson({ policy, group, collection, rule }: RuleRef): object {
  return { policy, group, collection, name: rule };
}

function unfinishedJson(unfinished: Unfinished): object {
  return unfinished.what === 'Services'
    ? { what: unfinished.what, services: unfinished.services.map(serviceJson) }
    : unfinished;
}
