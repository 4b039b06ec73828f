// What was read and does not go to whoever judges rules. Rules in a form that nobody here reads are faults, since without them
// the answer would be another one; groups of a policy that is in no file, and features that no rule depends on, are left aside
// and listed. Pure.

import type { ArmDocument } from '#arm/arm-document.ts';
import { isObject, type Json } from '#arm/json-reader.ts';
import { idKey } from '#arm/resource-id.ts';
import type { DocumentFault, IgnoredResource, PlacedDocument } from './read-documents.ts';

/** Types that hold rules and are not read, by their name in lower case, and what to do instead. */
const UNREAD_RULES: Readonly<Record<string, string>> = {
  'microsoft.network/firewallpolicies/rulegroups':
    'rule groups of API versions before 2020-05-01 are not read: write them as ruleCollectionGroups, or export the policy again',
};

export function faultsOfUnreadRules(ignored: readonly IgnoredResource[]): DocumentFault[] {
  return ignored.flatMap(({ place, type }) => {
    const message = UNREAD_RULES[type.toLowerCase()];
    return message === undefined ? [] : [{ place, message }];
  });
}

type IsOn = (value: Json) => boolean;

/**
 * Features by the type that has them: they watch, grow or manage a firewall, and no flow is decided by them. Signatures that only
 * alert let everything pass, and a certificate decides nothing without a rule that terminates TLS, which is refused.
 */
const FEATURES: Readonly<Record<string, Readonly<Record<string, IsOn>>>> = {
  'microsoft.network/azurefirewalls': {
    autoscaleConfiguration: () => true,
    managementIpConfiguration: () => true,
  },
  'microsoft.network/firewallpolicies': {
    insights: ({ isEnabled }) => isEnabled === true,
    intrusionDetection: ({ mode }) => String(mode).toLowerCase() === 'alert',
    transportSecurity: () => true,
  },
};

/** Features that the model takes where they are off, whatever else they hold. */
const OFF: Readonly<Record<string, IsOn>> = {
  insights: ({ isEnabled }) => isEnabled === false,
  intrusionDetection: ({ mode }) => String(mode).toLowerCase() === 'off',
};

/** Whether what stands inside a property may stay unknown, such as a workspace that only a parameter names. */
export function isLeftAside(type: string, name: string, value: unknown): boolean {
  const isOn = FEATURES[type.toLowerCase()]?.[name];
  return isOn !== undefined && isObject(value) && (isOn(value) || OFF[name]?.(value) === true);
}

/** The documents without what no rule depends on, and what that is. */
export function leaveAside(documents: readonly PlacedDocument[]): {
  readonly documents: readonly PlacedDocument[];
  readonly aside: readonly IgnoredResource[];
} {
  const known = new Set(documents.map(({ document }) => idKey(document.id)));
  const aside: IgnoredResource[] = [];
  const kept = documents.map(placed => {
    const { document, place, locate } = placed;
    const policy = policyOfGroup(document.id);
    if (policy !== undefined && !known.has(idKey(policy)))
      aside.push({
        place,
        type: document.type,
        name: `${document.name} (its policy is in no file: ${policy})`,
      });
    const features = featuresOf(document);
    // It fetches the certificate for TLS inspection, and nothing else.
    const { identity, ...others } = document as ArmDocument & { readonly identity?: Json };
    const hasIdentity = identity !== undefined && String(identity.type).toLowerCase() !== 'none';
    if (features.length === 0 && !hasIdentity) return placed;
    const list = (name: string, path: string): void => {
      aside.push({ place: locate(path) ?? place, type: name, name: `of ${document.name}` });
    };
    for (const name of features) list(name, `properties.${name}`);
    if (hasIdentity) list('identity', 'identity');
    const properties = Object.entries(document.properties).filter(([name]) => !features.includes(name));
    return {
      ...placed,
      document: { ...(hasIdentity ? others : document), properties: Object.fromEntries(properties) },
    };
  });
  return { documents: kept, aside };
}

function featuresOf({ type, properties }: ArmDocument): string[] {
  return Object.entries(FEATURES[type.toLowerCase()] ?? {}).flatMap(([name, isOn]) => {
    const value = properties[name];
    return isObject(value) && Object.keys(value).length > 0 && isOn(value) ? [name] : [];
  });
}

function policyOfGroup(id: string): string | undefined {
  return /^(.*\/firewallpolicies\/[^/]+)\/rulecollectiongroups\/[^/]+$/i.exec(id)?.[1];
}
