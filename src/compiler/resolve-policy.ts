// From documents to what they mean: a firewall with classic rules, a firewall with a policy, or a policy alone, together with
// everything they refer to, become one `ResolvedPolicy`. The control plane, the library and the offline commands all come
// through here, so that what is tested is what runs. Pure.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import type { PublicIp, ResolvedPolicy } from '#ir/policy.ts';
import { type AzureFirewall, parseAzureFirewall, rulesOfFirewall } from '#model/firewall.ts';
import { CODES } from '#model/firewall-codes.ts';
import { limitsOf } from '#model/limits.ts';
import { PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import { adviceOfCounts, ipGroupsOf, type WrittenRules } from '#model/rule-counts.ts';
import { type Finding, inResource } from './finding.ts';
import { lowerFirewall } from './lower-firewall.ts';
import { lowerPolicy, type PolicyLayer } from './lower-policy.ts';
import type { LoweringContext } from './lowering.ts';
import { natAddressesWith, privateAddressOf, withNatRulesAt } from './nat-addresses.ts';
import { faultsOfPolicy, rulesOfLayers, warningsOfPolicy } from './policy-checks.ts';
import { findLayers, isPolicy, policyDocument } from './policy-layers.ts';
import { type ResolveContext, World } from './resolve-world.ts';

export type { Finding } from './finding.ts';
export type { ResolveContext, TagFacts } from './resolve-world.ts';

export type Resolution =
  | {
      readonly policy: ResolvedPolicy;
      /** What does not stop the policy and its owner should know, such as DNS settings that a child does not inherit. */
      readonly warnings: readonly Finding[];
      readonly faults?: undefined;
    }
  | {
      readonly policy?: undefined;
      /** All of them; `target` is a path in the document `resource`, or a rule. */
      readonly faults: readonly [Finding, ...Finding[]];
    };

/** The code of the warning that a public IP has no address yet, as in a template: who enforces the policy needs one. */
export const NO_PUBLIC_ADDRESS = 'PublicIpWithoutAddress';

/** That no document describes a public IP, where that is no fault. */
export const NO_PUBLIC_IP = 'PublicIpNotDescribed';

/** `subject` is a firewall or a firewall policy. References that `documents` does not hold are faults, each by its id. */
export function resolvePolicy(
  subject: ArmDocument,
  documents: Documents,
  context: ResolveContext,
): Resolution {
  return isPolicy(subject)
    ? resolveLayers(subject, new World(documents, context), undefined)
    : resolveFirewall(subject, new World(documents, context));
}

function resolveFirewall(subject: ArmDocument, world: World): Resolution {
  const { documents, options } = world;
  const parsed = parseAzureFirewall(subject, {
    ...world.ruleLookup,
    publicAddressOf: id => world.publicIp(id)?.address,
  });
  if (!parsed.firewall) return failed(inResource(subject.id, parsed.diagnostics));
  const firewall = { ...parsed.firewall, id: subject.id };
  const publicIps = findPublicIps(firewall, world);
  const attached: AttachedFirewall = { firewall, subject, publicIps: publicIps.found };
  if (firewall.firewallPolicyId !== undefined) {
    const document = policyDocument(documents, firewall.firewallPolicyId);
    if (document)
      return join(
        { ...publicIps, warnings: [...publicIps.warnings, ...unusedSettings(subject)] },
        resolveLayers(document, world, attached),
      );
    const missing: Finding = {
      resource: subject.id,
      code: CODES.reference,
      target: 'properties.firewallPolicy.id',
      message: `Firewall '${firewall.name}': there is no firewall policy '${firewall.firewallPolicyId}', which it names.`,
    };
    return failed([...publicIps.faults, missing]);
  }
  const rules = rulesOfFirewall(firewall);
  return join(
    publicIps,
    finish(rules, world, lowering => ({
      policy: lowerFirewall(firewall, { ...lowering, ...placeOf(attached) }),
      warnings: inResource(subject.id, adviceOfCounts(rules, limitsOf(options))),
    })),
  );
}

/**
 * With a policy, Azure reads none of them (https://learn.microsoft.com/azure/firewall/snat-private-range). A mode of threat
 * intelligence always stands there; only who set it to Deny may think that it counts.
 */
function unusedSettings({ id, name, properties }: ArmDocument): Finding[] {
  const settings = Object.keys(properties.additionalProperties ?? {});
  const denies = String(properties.threatIntelMode).toLowerCase() === 'deny';
  const unused = [
    ...(settings.length > 0 ? [['properties.additionalProperties', settings.join(', ')] as const] : []),
    ...(denies ? [['properties.threatIntelMode', 'threatIntelMode Deny'] as const] : []),
  ];
  return unused.map(([target, what]) => ({
    resource: id,
    code: 'SettingsOfPolicyCount',
    target,
    message: `Firewall '${name}' has a policy, whose settings count; not used: ${what}.`,
  }));
}

interface AttachedFirewall {
  readonly firewall: AzureFirewall;
  readonly subject: ArmDocument;
  readonly publicIps: readonly PublicIp[];
}

function placeOf(
  attached: AttachedFirewall | undefined,
): Pick<LoweringContext, 'privateAddress' | 'publicIps'> {
  return attached
    ? { privateAddress: privateAddressOf(attached.subject) ?? 0, publicIps: attached.publicIps }
    : { privateAddress: 0, publicIps: [] };
}

function resolveLayers(
  document: ArmDocument,
  world: World,
  attached: AttachedFirewall | undefined,
): Resolution {
  const { documents, options, ruleLookup } = world;
  const own = attached && natAddressesOf(attached);
  const legal = own && natAddressesWith(own, attached.subject, document, world).legal;
  // A parent has NAT rules for the firewalls of all its children; only the attached policy's must fit its own.
  const found = findLayers(document, documents, isAttached =>
    isAttached ? { ...ruleLookup, firewallAddresses: legal, ownAddresses: own } : ruleLookup,
  );
  const [first, ...others] = found.layers;
  if (!first || found.faults.length > 0) return failed(found.faults);
  const layers: readonly [PolicyLayer, ...PolicyLayer[]] = [first, ...others];
  const faults = faultsOfPolicy(layers, options, attached?.firewall, own);
  return join(
    { faults, warnings: [] },
    finish(rulesOfLayers(layers, options), world, lowering => {
      const id = attached?.firewall.id ?? document.id;
      const policy = lowerPolicy(id, layers, { ...lowering, ...placeOf(attached) });
      return {
        policy: own ? withNatRulesAt(own, policy) : policy,
        warnings: warningsOfPolicy(layers, options),
      };
    }),
  );
}

/**
 * Addresses a policy's NAT rules can stand at (https://learn.microsoft.com/azure/firewall/destination-nat-rules); undefined
 * while one of them is not known.
 */
function natAddressesOf({ firewall, subject, publicIps }: AttachedFirewall): number[] | undefined {
  const addresses = publicIps.map(({ address }) => address);
  if (addresses.length === 0 || addresses.length < firewall.ipConfigurations.length) return undefined;
  if (firewall.tier === 'Basic') return addresses;
  const privateAddress = privateAddressOf(subject);
  return privateAddress === undefined ? undefined : [...addresses, privateAddress];
}

/** The last step of both ways: IP groups are read, and rules lowered. */
function finish(
  rules: WrittenRules,
  world: World,
  lower: (context: Pick<LoweringContext, 'facts' | 'options' | 'ipGroups'>) => {
    readonly policy: ResolvedPolicy;
    readonly warnings: readonly Finding[];
  },
): Resolution {
  const faults = world.faultsOfIpGroups(new Set(ipGroupsOf(rules)));
  if (faults.length > 0) return failed(faults);
  return lower({ facts: world.facts, options: world.options, ipGroups: id => world.ipGroup(id) });
}

function failed(faults: readonly Finding[]): Resolution {
  const [first, ...others] = faults;
  if (!first) throw new Error('what cannot be resolved must have a fault');
  return { faults: [first, ...others] };
}

/** Adds what was found before to a resolution. */
function join(
  before: { readonly faults: readonly Finding[]; readonly warnings: readonly Finding[] },
  resolution: Resolution,
): Resolution {
  if (resolution.policy && before.faults.length === 0)
    return { policy: resolution.policy, warnings: [...before.warnings, ...resolution.warnings] };
  return failed([...before.faults, ...(resolution.faults ?? [])]);
}

function findPublicIps(firewall: AzureFirewall, world: World) {
  const found: PublicIp[] = [];
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  firewall.ipConfigurations.forEach(({ name, publicIpId }, index) => {
    const target = `properties.ipConfigurations[${index}].properties.publicIPAddress`;
    const label = `Firewall '${firewall.name}', IP configuration '${name}'`;
    const publicIp = world.publicIp(publicIpId);
    if (publicIp) found.push(publicIp);
    else if (world.typed(publicIpId, PUBLIC_IP_TYPE))
      warnings.push({
        resource: firewall.id,
        code: NO_PUBLIC_ADDRESS,
        target,
        message: `${label}: public IP address '${publicIpId}' has no address yet.`,
      });
    else
      (world.publicIpsMayBeMissing ? warnings : faults).push({
        resource: firewall.id,
        code: world.publicIpsMayBeMissing ? NO_PUBLIC_IP : CODES.reference,
        target,
        message: `${label}: there is no public IP address '${publicIpId}'.`,
      });
  });
  return { found, faults, warnings };
}
