// The commands that add missing rules, as the az that people use takes them: to a collection of the policy or firewall that allows
// such rules already, or else to a new one, which the first of the commands makes.

import { resourceGroupFor } from '#documents/read-documents.ts';
import type { AksNeed } from '#facts/aks-outbound.ts';
import type { LintContext } from './context.ts';
import type { PlacedRule } from './written-rules.ts';

type Pass = 'application' | 'network';

export interface WantedRule {
  readonly pass: Pass;
  readonly name: string;
  /** What it matches beside its sources, as options of the command for policies and of that for classic rules. */
  readonly inPolicy: string;
  readonly inFirewall: string;
}

export function ruleFor(need: AksNeed): WantedRule {
  const { protocol, port, destination } = need;
  const name = nameOf(need);
  if (protocol === 'Http' || protocol === 'Https') {
    const target = `--target-fqdns ${quoted(destination)}`;
    return {
      pass: 'application',
      name,
      inPolicy: `--protocols ${protocol}=${port} ${target}`,
      inFirewall: `--protocols ${protocol.toLowerCase()}=${port} ${target}`,
    };
  }
  const rest = `${protocol} --destination-ports ${port} ${destinationOf(need)}`;
  return { pass: 'network', name, inPolicy: `--ip-protocols ${rest}`, inFirewall: `--protocols ${rest}` };
}

export function ruleForTag(tag: string): WantedRule {
  return {
    pass: 'application',
    name: 'aks-fqdn-tag',
    inPolicy: `--protocols Http=80 Https=443 --fqdn-tags ${tag}`,
    inFirewall: `--protocols http=80 https=443 --fqdn-tags ${tag}`,
  };
}

/** Writes the commands for a list of findings, in the order in which they are told, so that all of them can be run in that order. */
export class AksCommands {
  readonly #context: LintContext;
  readonly #from: string;
  /** Passes whose new collection an earlier command makes. */
  readonly #made = new Set<Pass>();
  /** Names of rules in the collection of each pass. */
  readonly #taken = new Map<Pass, Set<string>>();

  /** `sources` are written into each rule. */
  constructor(sources: readonly string[], context: LintContext) {
    this.#context = context;
    this.#from = `--source-addresses ${sources.map(quoted).join(' ')}`;
  }

  add(rules: readonly WantedRule[]): string[] {
    return rules.flatMap(rule => {
      const { pass } = rule;
      const home = homeOf(pass, this.#context);
      const isMade = this.#made.has(pass);
      this.#made.add(pass);
      const named = { ...rule, name: this.#freeName(rule, home) };
      return this.#context.policies.length > 0
        ? inPolicy(named, this.#from, isMade, home, this.#context)
        : inFirewall(named, this.#from, isMade, home, this.#context);
    });
  }

  #freeName({ pass, name }: WantedRule, home: PlacedRule | undefined): string {
    const taken = this.#taken.get(pass) ?? new Set(home ? namesBeside(home, this.#context) : []);
    this.#taken.set(pass, taken);
    let free = name;
    for (let count = 2; taken.has(free.toLowerCase()); count++) free = `${name}-${count}`;
    taken.add(free.toLowerCase());
    return free;
  }
}

/** A rule of the collection that allows such rules already. */
function homeOf(pass: Pass, { policies, settings, rules }: LintContext): PlacedRule | undefined {
  const own = policies.length > 0 ? (policies.at(-1)?.name ?? settings.name) : '';
  return rules.find(rule => rule.pass === pass && rule.action === 'Allow' && rule.ref.policy === own);
}

function namesBeside({ resource, ref }: PlacedRule, { rules }: LintContext): string[] {
  return rules
    .filter(other => other.resource === resource && other.ref.collection === ref.collection)
    .map(other => other.ref.rule.toLowerCase());
}

/** As the portal names and ranks the groups that it makes. */
const GROUPS = {
  network: { title: 'Network', priority: 200 },
  application: { title: 'Application', priority: 300 },
} as const;

function inPolicy(
  { pass, name, inPolicy: match }: WantedRule,
  from: string,
  isMade: boolean,
  home: PlacedRule | undefined,
  { settings, policies, documents }: LintContext,
): string[] {
  const attached = policies.at(-1)?.name ?? settings.name;
  const { title, priority } = GROUPS[pass];
  const group = home?.ref.group ?? `Default${title}RuleCollectionGroup`;
  const collection = home?.ref.collection ?? newCollection(pass);
  const policy = `-g ${resourceGroupFor(settings.id)} --policy-name ${attached}`;
  const rule = `--rule-type ${title}Rule ${from} ${match}`;
  const command = 'az network firewall policy rule-collection-group';
  if (home || isMade)
    return [
      `${command} collection rule add ${policy} --rcg-name ${group} --collection-name ${collection} --name ${name} ${rule}`,
    ];
  const hasGroup = documents.get(`${settings.id}/ruleCollectionGroups/${group}`) !== undefined;
  return [
    ...(hasGroup ? [] : [`${command} create ${policy} --name ${group} --priority ${priority}`]),
    `${command} collection add-filter-collection ${policy} --rcg-name ${group} --name ${collection} --collection-priority 500 --action Allow --rule-name ${name} ${rule}`,
  ];
}

function inFirewall(
  { pass, name, inFirewall: match }: WantedRule,
  from: string,
  isMade: boolean,
  home: PlacedRule | undefined,
  { settings }: LintContext,
): string[] {
  const collection = `--collection-name ${home?.ref.collection ?? newCollection(pass)}${home || isMade ? '' : ' --priority 500 --action Allow'}`;
  return [
    `az network firewall ${pass}-rule create -g ${resourceGroupFor(settings.id)} --firewall-name ${settings.name} ${collection} --name ${name} ${from} ${match}`,
  ];
}

function newCollection(pass: Pass): string {
  return `aks-${pass}`;
}

function destinationOf({ kind, destination }: AksNeed): string {
  return kind === 'fqdn'
    ? `--destination-fqdns ${destination}`
    : `--destination-addresses ${quoted(destination)}`;
}

function nameOf({ destination, port }: AksNeed): string {
  const word = destination
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `aks-${word === '' ? 'any' : word}-${port}`;
}

/** What a shell would take for a pattern. */
function quoted(text: string): string {
  return /[*<>]/.test(text) ? `'${text}'` : text;
}
