// What an AKS cluster needs and the policy does not allow, from Microsoft's list. A name pattern must be allowed as a whole and
// for all sources asked about; a name is taken to have an address that no rule speaks of.

import type { AksNeed, AksOutbound } from '#facts/aks-outbound.ts';
import { API_SERVER, DNS_SERVER } from '#facts/aks-outbound.ts';
import type { AddressSet } from '#ir/policy.ts';
import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { formatIpv4, formatRange, IANA_PRIVATE_RANGES, intersectRanges } from '#net/ipv4.ts';
import { combine, type MissingNeed, type Remedy } from './aks-combined.ts';
import { AksCommands, ruleFor } from './aks-fix.ts';
import { type AksCluster, type NeedGroup, needsOf, queryOf, unnamedAddress } from './aks-needs.ts';
import { aboutResource, type LintContext } from './context.ts';
import { listed } from './coverage-findings.ts';
import { bySeverity, type LintCode, type LintFinding, type Severity } from './finding.ts';
import { type ReachQuery, ReachTable } from './reach.ts';
import { TooComplex } from './region.ts';

/** https://learn.microsoft.com/azure/aks/limit-egress-traffic */
const ADVISED_PUBLIC_IPS = 20;
/** More ranges than these are not what somebody means by the subnet of the nodes. */
const MOST_SOURCES = 4;

interface Asked {
  readonly need: AksNeed;
  /** Index of the query; undefined where the destination is not known. */
  readonly query: number | undefined;
}

type Judged =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'unknown'; readonly missing: string }
  | {
      readonly kind: 'partly' | 'denied';
      readonly need: AksNeed;
      readonly deniedBy: readonly (RuleRef | null)[];
      readonly allowedBy: readonly RuleRef[];
    };

export interface AksQuestion {
  readonly outbound: AksOutbound;
  readonly cluster: AksCluster;
  /** Each missing need by itself, also where most are missing. */
  readonly eachByItself?: boolean;
  /** Codes that nobody will see: no other finding may build on the commands of these. */
  readonly leftOut?: ReadonlySet<LintCode>;
}

export function checkAks(
  context: LintContext,
  { outbound, cluster, eachByItself = false, leftOut = new Set() }: AksQuestion,
): LintFinding[] {
  try {
    return new AksCheck(context, outbound, cluster).run(eachByItself, leftOut);
  } catch (error) {
    if (!(error instanceof TooComplex)) throw error;
    return [
      aboutResource('not-examined', context.settings, {
        reason: 'What AKS needs was not judged: the rules meet in too many ways.',
        fix: 'Judge single destinations with postern decide.',
      }),
    ];
  }
}

class AksCheck {
  readonly #context: LintContext;
  readonly #cluster: AksCluster;
  readonly #groups: readonly { readonly group: NeedGroup; readonly asked: readonly Asked[] }[];
  readonly #table: ReachTable;
  readonly #sourceClasses: readonly number[];
  readonly #sources: AddressSet;
  readonly #remedies = new Map<LintFinding, Remedy>();

  constructor(context: LintContext, outbound: AksOutbound, cluster: AksCluster) {
    this.#context = context;
    this.#cluster = cluster;
    const queries: ReachQuery[] = [];
    const around = {
      serviceTag: (name: string) => context.facts.serviceTag(name),
      unnamed: unnamedAddress(context.policy),
    };
    this.#groups = needsOf(outbound, cluster).map(group => ({
      group,
      asked: group.needs.map(need => {
        const query = queryOf(need, cluster, around);
        return { need, query: query && queries.push(query) - 1 };
      }),
    }));
    const wanted = cluster.from ?? IANA_PRIVATE_RANGES;
    this.#table = new ReachTable(context.policy, queries, wanted);
    const classes = this.#table.sourceClasses();
    this.#sourceClasses = cluster.from ? classes : this.#bestClass(classes);
    this.#sources = intersectRanges(this.#table.addressesOf(this.#sourceClasses), wanted);
  }

  /** Without `from`: the class of private sources for which most of the needs are met. */
  #bestClass(classes: readonly number[]): number[] {
    const metBy = (id: number) =>
      this.#groups.filter(({ asked }) => this.#judge(asked, [id]).kind === 'allowed').length;
    const scores = classes.map(id => ({ id, met: metBy(id) }));
    const most = Math.max(0, ...scores.map(({ met }) => met));
    // Nobody gets anything: then it is the same for all.
    if (most === 0) return [...classes];
    return scores
      .filter(({ met }) => met === most)
      .map(({ id }) => id)
      .slice(0, 1);
  }

  /** Most severe first, so that commands can be run in the order in which they are told. */
  run(eachByItself: boolean, leftOut: ReadonlySet<LintCode>): LintFinding[] {
    const monitored = this.#groups.some(
      ({ group, asked }) =>
        group.needs.some(isMonitorTag) && this.#judge(asked, this.#sourceClasses).kind === 'allowed',
    );
    const groups = this.#groups.filter(({ group }) => {
      if (group.needs.some(isMonitorTag)) return false;
      // Its service tag by a network rule does for all names of Azure Monitor.
      return !monitored || !group.features.every(feature => feature === 'azure-monitor');
    });
    const missing: MissingNeed[] = [];
    const findings = groups.flatMap(({ group, asked }) =>
      this.#describe(group, this.#judge(asked, this.#sourceClasses), missing),
    );
    const required = groups.flatMap(({ group }) => group.needs.slice(0, 1).filter(need => need.required));
    const combined = eachByItself ? undefined : combine(missing, required, this.#context);
    if (combined) this.#remedies.set(combined.finding, combined.remedy);
    const told = [
      ...this.#assumption(),
      ...(combined ? [combined.finding] : []),
      ...findings.filter(finding => !combined?.answered.has(finding)),
      ...this.#publicIps(),
    ].filter(({ code }) => !leftOut.has(code));
    const commands = new AksCommands(this.#writtenSources(), this.#context);
    return told.sort(bySeverity).map(finding => {
      const remedy = this.#remedies.get(finding);
      return remedy ? { ...finding, fix: `${remedy.lead}${commands.add(remedy.rules).join('\n')}` } : finding;
    });
  }

  #judge(asked: readonly Asked[], classes: readonly number[]): Judged {
    const known = asked.filter(({ query }) => query !== undefined);
    const [first] = known;
    if (!first) return { kind: 'unknown', missing: asked[0]?.need.destination ?? '' };
    let partly: Judged | undefined;
    let denied: Judged | undefined;
    for (const { need, query = 0 } of known) {
      const reaches = classes.map(id => this.#table.reach(query, id));
      if (reaches.every(reach => reach.allowed && !reach.denied)) return { kind: 'allowed' };
      const deniedBy = [...new Set(reaches.flatMap(reach => reach.deniedBy))];
      const allowedBy = [...new Set(reaches.flatMap(reach => reach.allowedBy))];
      if (allowedBy.length > 0) partly ??= { kind: 'partly', need, deniedBy, allowedBy };
      // Of alternatives the service tag is the one to propose.
      else if (!denied || need.kind === 'serviceTag') denied = { kind: 'denied', need, deniedBy, allowedBy };
    }
    return partly ?? denied ?? { kind: 'allowed' };
  }

  /** What is wholly denied is added to `missing`. */
  #describe(group: NeedGroup, judged: Judged, missing: MissingNeed[]): LintFinding[] {
    const { settings } = this.#context;
    const [first] = group.needs;
    if (judged.kind === 'allowed' || !first) return [];
    if (judged.kind === 'unknown') return this.#notJudged(first, judged.missing);
    const { need, kind, deniedBy } = judged;
    // The address of the API server does for the region, where it is known.
    const proposed = group.needs.find(({ destination }) => destination === API_SERVER)
      ? this.#narrowest(group, need)
      : need;
    const { code, severity } = codeOf(need, kind, group);
    const rules = deniedBy.flatMap(rule => rule ?? []);
    const lead = rules.length > 0 ? `Before ${listed(rules.map(formatRuleRef))}: ` : '';
    const finding = aboutResource(code, settings, {
      severity,
      reason: `${describeNeed(proposed)} is ${kind === 'denied' ? 'denied' : 'allowed in part only'}: ${this.#becauseOf(judged)}. It is for ${need.purpose} (${group.features.join(', ')})${exceptionOf(need)}.`,
      fix: '',
      related: kind === 'partly' ? [...rules, ...judged.allowedBy] : rules,
    });
    this.#remedies.set(finding, { lead, rules: [ruleFor(proposed)] });
    if (kind === 'denied') missing.push({ need: proposed, deniedBy, finding });
    return [finding];
  }

  #becauseOf({ kind, deniedBy, allowedBy }: Extract<Judged, { readonly need: AksNeed }>): string {
    const rules = deniedBy.flatMap(rule => rule ?? []);
    const by = [
      ...(rules.length > 0
        ? [`${listed(rules.map(formatRuleRef))} ${rules.length > 1 ? 'deny' : 'denies'} it`]
        : []),
      ...(deniedBy.includes(null) ? ['no rule allows it'] : []),
    ].join(' and ');
    if (kind === 'denied') return by;
    return `${listed(allowedBy.map(formatRuleRef))} ${allowedBy.length > 1 ? 'allow' : 'allows'} some; for the rest ${by}`;
  }

  #narrowest(group: NeedGroup, otherwise: AksNeed): AksNeed {
    const { apiServer } = this.#cluster;
    const own = group.needs.find(({ destination }) => destination === API_SERVER);
    if (!own || apiServer === undefined)
      return group.needs.find(({ kind }) => kind === 'serviceTag') ?? otherwise;
    return { ...own, destination: formatIpv4(apiServer) };
  }

  #notJudged(need: AksNeed, missing: string): LintFinding[] {
    const option =
      missing === API_SERVER ? '--api-server ADDRESS' : missing === DNS_SERVER ? '--dns-server ADDRESS' : '';
    return [
      aboutResource('aks-not-judged', this.#context.settings, {
        reason: `${need.protocol} ${need.port} is for ${need.purpose}, and its destination is not known here.`,
        fix: option === '' ? `Judge it with postern decide.` : `Say ${option} if the cluster has such.`,
      }),
    ];
  }

  #assumption(): LintFinding[] {
    if (this.#cluster.from) return [];
    const met = this.#groups.filter(
      ({ asked }) => this.#judge(asked, this.#sourceClasses).kind === 'allowed',
    ).length;
    const words = listedPlain(this.#sourceWords());
    const judged = this.#isEverySource() ? `all private addresses (${words})` : words;
    const gets =
      met === 0
        ? 'none of which gets anything that AKS needs'
        : `which gets ${met} of the ${this.#groups.length} things that AKS needs; no source gets more`;
    return [
      aboutResource('aks-source-assumed', this.#context.settings, {
        reason: `Nobody said where the nodes are. Judged for ${judged}, ${gets}.`,
        fix: 'Say --from SUBNET to judge for the subnet of the nodes.',
      }),
    ];
  }

  #sourceWords(): string[] {
    return this.#sources.map(formatRange);
  }

  #isEverySource(): boolean {
    return this.#sourceWords().join() === IANA_PRIVATE_RANGES.map(formatRange).join();
  }

  /** For a rule to add: what was asked about, or found; to be filled in where that is no subnet. */
  #writtenSources(): string[] {
    if (this.#cluster.from) return this.#sourceWords();
    return this.#isEverySource() || this.#sources.length > MOST_SOURCES ? ['SUBNET'] : this.#sourceWords();
  }

  #publicIps(): LintFinding[] {
    const { policy, subject } = this.#context;
    const count = policy.publicIps.length;
    if (count === 0 || count >= ADVISED_PUBLIC_IPS) return [];
    return [
      aboutResource('aks-public-ips', subject, {
        target: 'properties.ipConfigurations',
        reason: `The firewall has ${count} public IP${count > 1 ? 's' : ''}; Microsoft advises ${ADVISED_PUBLIC_IPS} or more in production, for SNAT ports. Each must be among the API server's authorized addresses.`,
        fix: 'Attach more, or look at SNAT use first; --connections says whether they are enough.',
      }),
    ];
  }
}

function isMonitorTag({ kind, destination }: AksNeed): boolean {
  return kind === 'serviceTag' && destination === 'AzureMonitor';
}

function codeOf(
  need: AksNeed,
  kind: 'partly' | 'denied',
  group: NeedGroup,
): { readonly code: LintCode; readonly severity: Severity } {
  const byAddress = group.needs.every(({ destination }) => destination === API_SERVER);
  if (byAddress && need.port === 443) return { code: 'aks-api-server-by-ip', severity: 'warning' };
  if (!need.required) return { code: 'aks-recommended', severity: 'note' };
  const notFor = need.notFor ?? [];
  if (notFor.includes('newer-nodes')) return { code: 'aks-conditional', severity: 'note' };
  if (kind === 'partly') return { code: 'aks-partly', severity: 'warning' };
  if (notFor.includes('konnectivity')) return { code: 'aks-conditional', severity: 'warning' };
  return { code: 'aks-required', severity: 'error' };
}

function exceptionOf({ notFor = [] }: AksNeed): string {
  if (notFor.includes('newer-nodes')) return '; nodes created after March 2021 do not need it';
  if (notFor.includes('konnectivity')) return '; clusters that use konnectivity do not need it';
  return '';
}

function describeNeed({ protocol, port, destination }: AksNeed): string {
  return protocol === 'Http' || protocol === 'Https'
    ? `${protocol}:${port} to ${destination}`
    : `${protocol} ${port} to ${destination === '*' ? 'any address' : destination}`;
}

function listedPlain(words: readonly string[]): string {
  const more = words.length - MOST_SOURCES;
  return more > 0 ? `${words.slice(0, MOST_SOURCES).join(', ')} and ${more} more` : words.join(', ');
}
