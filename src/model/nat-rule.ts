// NAT rules as they are written, of firewalls and of policies. They alone depend on where they stand: their destination must be an
// address of the firewall, as far as that is known.

import { parseFqdn } from '#net/fqdn.ts';
import { isNeverATarget, parseIpv4 } from '#net/ipv4.ts';
import { parsePortRange } from '#net/ports.ts';
import { type RuleLookup, readPorts, readSources } from './firewall-addresses.ts';
import { CODES } from './firewall-codes.ts';
import { isWithin, readWords } from './firewall-collections.ts';
import type { ObjectReader } from './firewall-reader.ts';
import { CLASSIC_RULES, COMMON, type RuleShape, type WrittenNatRule } from './firewall-rules.ts';
import { type Limits, limitsOf } from './limits.ts';

/** What a NAT rule has to know about its firewall. */
export interface NatContext extends RuleLookup {
  /**
   * Addresses of the firewall that a NAT rule can stand at: public ones, and in a policy the private one. Undefined while one
   * of them is not known, or without a firewall: then any address is accepted here.
   */
  readonly natAddresses?: readonly number[] | undefined;
  /** Addresses of the firewall itself, where these are not `natAddresses`. */
  readonly ownAddresses?: readonly number[] | undefined;
}

export function readNatRule(
  rule: ObjectReader,
  name: string,
  context: NatContext,
  shape: RuleShape = CLASSIC_RULES,
): WrittenNatRule {
  const limits = limitsOf(context);
  rule.refuseOthers([
    ...COMMON,
    ...shape.marks,
    shape.protocols,
    'destinationAddresses',
    'destinationPorts',
    'translatedAddress',
    'translatedFqdn',
    'translatedPort',
  ]);
  rule.text('description');
  const protocols = readWords(rule, shape.protocols, ['TCP', 'UDP', 'Any']);
  return {
    name,
    protocols: protocols.includes('Any') ? ['TCP', 'UDP'] : (protocols as ('TCP' | 'UDP')[]),
    sources: readSources(rule, context),
    destinations: readNatDestinations(rule, context, shape),
    destinationPorts: readPorts(rule, 'destinationPorts', limits.natPort, CODES.natPort),
    ...readNatTarget(rule, context),
    translatedPort: readTranslatedPort(rule, limits),
  };
}

function readNatDestinations(
  rule: ObjectReader,
  { natAddresses }: NatContext,
  { natAddresses: whose }: RuleShape,
): number[] {
  const texts = rule.texts('destinationAddresses');
  if (rule.isBlank('destinationAddresses'))
    rule.fault(CODES.natDestination, 'destinationAddresses', "no public IP in 'destinationAddresses'.");
  return texts.flatMap(({ value, path }) => {
    const address = parseIpv4(value.replace(/\/32$/, ''));
    const refuse = (code: string, why: string) => {
      rule.faults.add(code, path, `${rule.label}: '${value}' in 'destinationAddresses' ${why}.`);
      return [];
    };
    if (address === undefined) return refuse(CODES.natDestination, 'is not one IPv4 address');
    if (natAddresses && !natAddresses.includes(address))
      return refuse(CODES.natDestination, `is no ${whose}`);
    return [address];
  });
}

function readNatTarget(
  rule: ObjectReader,
  { natAddresses, ownAddresses = natAddresses }: NatContext,
): { translatedAddress?: number; translatedFqdn?: string } {
  const address = rule.text('translatedAddress')?.value ?? '';
  const fqdn = rule.text('translatedFqdn')?.value ?? '';
  if ((address === '') === (fqdn === '')) {
    const both = address === '' ? 'neither is given' : 'both are given';
    rule.fault(
      CODES.natTarget,
      'translatedAddress',
      `expected 'translatedAddress' or 'translatedFqdn', ${both}.`,
    );
    return {};
  }
  if (address !== '') {
    const translatedAddress = parseIpv4(address);
    if (translatedAddress === undefined)
      rule.fault(
        CODES.address,
        'translatedAddress',
        `'${address}' in 'translatedAddress' is no IPv4 address.`,
      );
    else if (isNeverATarget(translatedAddress) || ownAddresses?.includes(translatedAddress))
      rule.fault(
        CODES.natTarget,
        'translatedAddress',
        `'${address}' in 'translatedAddress' is no address to translate to.`,
      );
    return translatedAddress === undefined ? {} : { translatedAddress };
  }
  const translatedFqdn = parseFqdn(fqdn);
  if (translatedFqdn === undefined || parseIpv4(fqdn) !== undefined) {
    rule.fault(CODES.fqdn, 'translatedFqdn', `'${fqdn}' in 'translatedFqdn' is no domain name.`);
    return {};
  }
  return { translatedFqdn };
}

/** One port: Azure takes neither lists nor ranges nor `*` here. */
function readTranslatedPort(rule: ObjectReader, { natPort }: Limits): number {
  const { first, last } = natPort;
  const text = rule.text('translatedPort')?.value ?? '';
  const port = parsePortRange(text);
  if (port && port.first === port.last && isWithin(natPort, port.first)) return port.first;
  rule.fault(
    CODES.natPort,
    'translatedPort',
    `'${text}' in 'translatedPort' is not one port from ${first} to ${last}.`,
  );
  return 0;
}
