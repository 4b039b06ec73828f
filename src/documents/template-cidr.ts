// `parseCidr`, `cidrSubnet` and `cidrHost` of ARM templates, for IPv4
// (https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-cidr).

import { formatIpv4, formatPrefix, type Ipv4Prefix, isIpv6Text, parsePrefix, prefixOf } from '#net/ipv4.ts';
import { TemplateError } from './template-expression.ts';

export const CIDR_FUNCTIONS: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
  parsecidr: text => {
    const { first, last, length } = asPrefix(text);
    const inner = length < 31 ? 1 : 0;
    return {
      network: formatIpv4(first),
      netmask: formatIpv4(2 ** 32 - 2 ** (32 - length)),
      broadcast: formatIpv4(last),
      firstUsable: formatIpv4(first + inner),
      lastUsable: formatIpv4(last - inner),
      cidr: length,
    };
  },
  cidrsubnet: (text, newLength, index) => {
    const prefix = asPrefix(text);
    const length = asIndex(newLength, 32);
    if (length < prefix.length)
      throw new TemplateError(`${formatPrefix(prefix)} holds no network of length ${length}`);
    const subnet = asIndex(index, 2 ** (length - prefix.length) - 1);
    return formatPrefix(prefixOf(prefix.first + subnet * 2 ** (32 - length), length));
  },
  // The network's own address counts as none: index 0 is the one after it.
  cidrhost: (text, index) => {
    const prefix = asPrefix(text);
    return formatIpv4(prefix.first + 1 + asIndex(index, Math.max(0, prefix.last - prefix.first - 1)));
  },
};

function asPrefix(value: unknown): Ipv4Prefix {
  if (typeof value !== 'string' || isIpv6Text(value))
    throw new TemplateError(`${JSON.stringify(value)} is no IPv4 network such as 10.0.0.0/16`);
  const prefix = parsePrefix(value);
  if (!prefix) throw new TemplateError(`'${value}' is no network such as 10.0.0.0/16`);
  return prefix;
}

function asIndex(value: unknown, highest: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= highest) return value;
  throw new TemplateError(`${JSON.stringify(value)} is no number from 0 to ${highest}`);
}
