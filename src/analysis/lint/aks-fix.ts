// The command that adds a missing rule, as the az that people use takes it: to a collection of the policy or firewall that
// allows such rules already, or else to a new one.

import { parseResourceId } from '#arm/resource-id.ts';
import type { AksNeed } from '#facts/aks-outbound.ts';
import type { LintContext } from './context.ts';

/** `sources` are written into the rule. */
export function commandFor(need: AksNeed, sources: readonly string[], context: LintContext): string {
  const isName = need.protocol === 'Http' || need.protocol === 'Https';
  const pass = isName ? 'application' : 'network';
  return context.policies.length > 0
    ? forPolicy(need, pass, sources, context)
    : forFirewall(need, pass, sources, context);
}

type Pass = 'application' | 'network';

function forPolicy(
  need: AksNeed,
  pass: Pass,
  sources: readonly string[],
  { settings, rules, policies }: LintContext,
): string {
  const attached = policies.at(-1)?.name ?? settings.name;
  const home = rules.find(
    rule => rule.pass === pass && rule.action === 'Allow' && rule.ref.policy === attached,
  );
  const type = pass === 'application' ? 'ApplicationRule' : 'NetworkRule';
  const title = pass === 'application' ? 'Application' : 'Network';
  const common = `-g ${groupOf(settings.id)} --policy-name ${attached}`;
  const match = isApplication(pass)
    ? `--protocols ${need.protocol}=${need.port} --target-fqdns ${quoted(need.destination)}`
    : `--ip-protocols ${need.protocol} --destination-ports ${need.port} ${destinationOf(need)}`;
  const rule = `--rule-type ${type} --source-addresses ${sources.map(quoted).join(' ')} ${match}`;
  const command = 'az network firewall policy rule-collection-group collection';
  if (home)
    return `${command} rule add ${common} --rcg-name ${home.ref.group} --collection-name ${home.ref.collection} --name ${nameOf(need)} ${rule}`;
  return `${command} add-filter-collection ${common} --rcg-name Default${title}RuleCollectionGroup --name aks-${pass} --collection-priority 500 --action Allow --rule-name ${nameOf(need)} ${rule}`;
}

function forFirewall(
  need: AksNeed,
  pass: Pass,
  sources: readonly string[],
  { settings, rules }: LintContext,
): string {
  const home = rules.find(rule => rule.pass === pass && rule.action === 'Allow');
  const collection = home
    ? `--collection-name ${home.ref.collection}`
    : `--collection-name aks-${pass} --priority 500 --action Allow`;
  const match = isApplication(pass)
    ? `--protocols ${need.protocol.toLowerCase()}=${need.port} --target-fqdns ${quoted(need.destination)}`
    : `--protocols ${need.protocol} --destination-ports ${need.port} ${destinationOf(need)}`;
  return `az network firewall ${pass}-rule create -g ${groupOf(settings.id)} --firewall-name ${settings.name} ${collection} --name ${nameOf(need)} --source-addresses ${sources.map(quoted).join(' ')} ${match}`;
}

function isApplication(pass: Pass): boolean {
  return pass === 'application';
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

function groupOf(id: string): string {
  return parseResourceId(id)?.resourceGroup ?? 'GROUP';
}
