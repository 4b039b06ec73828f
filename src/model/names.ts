// Azure's rules for names (learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules), in one
// table, by resource type.

import type { ArmErrorDetail } from '#arm/arm-error.ts';

interface NameRule {
  readonly shortest: number;
  readonly longest: number;
}

const RULES: Readonly<Record<string, NameRule>> = {
  'microsoft.network/virtualnetworks': { shortest: 2, longest: 64 },
  'microsoft.network/virtualnetworks/subnets': { shortest: 1, longest: 80 },
  'microsoft.network/publicipaddresses': { shortest: 1, longest: 80 },
  'microsoft.network/routetables': { shortest: 1, longest: 80 },
  'microsoft.network/routetables/routes': { shortest: 1, longest: 80 },
  'microsoft.network/ipgroups': { shortest: 1, longest: 80 },
  'microsoft.network/azurefirewalls': { shortest: 1, longest: 56 },
  'microsoft.network/firewallpolicies': { shortest: 1, longest: 80 },
  'microsoft.network/firewallpolicies/rulecollectiongroups': { shortest: 1, longest: 80 },
  'microsoft.network/azurefirewalls/azurefirewallipconfigurations': { shortest: 1, longest: 80 },
};

/** Letters, digits, `.`, `_` and `-`; begins with a letter or digit, ends with a letter, a digit or `_`. */
const NETWORK_NAME = /^[a-z0-9]([a-z0-9._-]*[a-z0-9_])?$/i;

export function faultOfName(type: string, name: string, target: string): ArmErrorDetail | undefined {
  const { shortest, longest } = RULES[type.toLowerCase()] ?? { shortest: 1, longest: 80 };
  if (NETWORK_NAME.test(name) && name.length >= shortest && name.length <= longest) return undefined;
  return {
    code: 'InvalidResourceName',
    target,
    message:
      `'${name.slice(0, 100)}' is not a valid name for ${type}. It must have ${shortest} to ${longest} letters, digits, '.', '_' or '-', ` +
      "begin with a letter or digit, and end with a letter, a digit or '_'.",
  };
}

/** Resource groups have rules of their own: parentheses too, up to 90 characters, no period at the end. */
export function faultOfGroupName(name: string): ArmErrorDetail | undefined {
  if (/^[\p{L}\p{Nd}_().-]{1,90}$/u.test(name) && !name.endsWith('.')) return undefined;
  return {
    code: 'InvalidResourceGroup',
    target: 'resourceGroupName',
    message:
      `'${name.slice(0, 100)}' is not a valid name for a resource group. It must have 1 to 90 letters, digits, '-', '_', '.', '(' or ')', ` +
      "and not end with '.'.",
  };
}
