// Random rules in ARM's shape, with the collections that hold them. Small choices, so that rules overlap, touch and repeat.

import fc from 'fast-check';
import { PRIVATE_IP, PUBLIC_IPS } from './world.ts';

export type Json = Record<string, unknown>;

export const SCOPE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
const GROUP_NAMES = ['empty', 'few', 'office', 'large'] as const;
export const groupId = (name: string) => `${SCOPE}/ipGroups/${name}`;

// Addresses: a handful of bases, and small offsets from them, so that ranges overlap and touch.

const BASES = [
  '10.42.1',
  '10.42.1',
  '10.42.3',
  '192.168.7',
  '203.0.113',
  '10.77.0',
  '192.0.2',
  '192.0.2',
  '198.51.100',
  '172.16.5',
  '100.64.1',
] as const;
export const WIDE = [
  '10.0.0.0/8',
  '10.42.0.0/16',
  '10.42.0.0/15',
  '0.0.0.0/0',
  '0.0.0.0/1',
  '128.0.0.0/1',
  '192.0.2.0/24',
  '192.0.0.0/8',
  '10.42.0.0-10.42.255.255',
  '100.64.0.0/10',
  '10.42.1.255-10.42.2.0',
] as const;

const base = fc.constantFrom(...BASES);
const offset = fc.integer({ min: 0, max: 12 });
const single = fc.tuple(base, offset).map(([net, host]) => `${net}.${host}`);
export const narrow = fc.oneof(
  { weight: 4, arbitrary: single },
  { weight: 1, arbitrary: single.map(text => `${text}/32`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(base, offset, offset)
      .map(([net, a, b]) => `${net}.${Math.min(a, b)}-${net}.${Math.max(a, b)}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(single, fc.integer({ min: 24, max: 31 }))
      .map(([text, length]) => `${text}/${length}`),
  },
);
const address = fc.oneof(
  { weight: 8, arbitrary: narrow },
  { weight: 2, arbitrary: fc.constantFrom(...WIDE) },
  { weight: 2, arbitrary: fc.constant('*') },
);
const serviceTag = fc.constantFrom(
  'AzureCloud',
  'azurecloud.EASTUS',
  'AzureCloud.eastus',
  'Storage',
  'storage',
);
const groups: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom(...GROUP_NAMES), { maxLength: 2 });

const sources = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(['*']) },
      { weight: 3, arbitrary: fc.array(address, { maxLength: 3 }) },
    ),
    fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: groups }),
  )
  .map(([addresses, names]): Json => {
    if (addresses.length === 0 && names.length === 0) return { sourceAddresses: ['*'] };
    return {
      ...(addresses.length > 0 && { sourceAddresses: addresses }),
      ...(names.length > 0 && { sourceIpGroups: names.map(groupId) }),
    };
  });

// Ports: neighbours, touching ranges, everything, and everything but 0.

const ports = fc.oneof(
  { weight: 3, arbitrary: fc.constant(['*']) },
  { weight: 1, arbitrary: fc.constant(['1-65535']) },
  {
    weight: 6,
    arbitrary: fc.array(
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.constantFrom('22', '53', '80', '443', '1433', '8443', '1', '65535', '442', '444'),
        },
        {
          weight: 3,
          arbitrary: fc
            .tuple(fc.integer({ min: 8000, max: 8010 }), fc.integer({ min: 0, max: 5 }))
            .map(([first, more]) => (more === 0 ? String(first) : `${first}-${first + more}`)),
        },
        { weight: 1, arbitrary: fc.constantFrom('1-1023', '1024-65535', '80-443', '444-8000') },
      ),
      { minLength: 1, maxLength: 3 },
    ),
  },
);
const networkFqdn = fc.constantFrom(
  'a.example.org',
  'b.example.org',
  'c.example.org',
  'db.example.org',
  'both.example.net',
  'WWW.example.org',
  'none.example.org',
);

const destinations = fc
  .record({
    addresses: fc.array(fc.oneof({ weight: 5, arbitrary: address }, { weight: 1, arbitrary: serviceTag }), {
      maxLength: 3,
    }),
    names: fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: groups }),
    fqdns: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.uniqueArray(networkFqdn, { maxLength: 2 }) },
    ),
  })
  .map(({ addresses, names, fqdns }): Json => {
    if (addresses.length + names.length + fqdns.length === 0) return { destinationAddresses: ['*'] };
    return {
      ...(addresses.length > 0 && { destinationAddresses: addresses }),
      ...(names.length > 0 && { destinationIpGroups: names.map(groupId) }),
      ...(fqdns.length > 0 && { destinationFqdns: fqdns }),
    };
  });

const protocols = fc.oneof(
  { weight: 1, arbitrary: fc.constant(['Any']) },
  {
    weight: 3,
    arbitrary: fc.uniqueArray(fc.constantFrom('TCP', 'UDP', 'ICMP', 'Any'), { minLength: 1, maxLength: 3 }),
  },
);

/** Rules as neither kind of document writes them yet: `protocols` becomes `ipProtocols` in a policy. */
export const networkRule = fc
  .record({ protocols, from: sources, to: destinations, destinationPorts: ports })
  .map(
    ({ from, to, ...rest }): Json => ({
      ...rest,
      // TLS is what names are bound to.
      ...('destinationFqdns' in to && { destinationPorts: [...rest.destinationPorts, '443'] }),
      ...from,
      ...to,
    }),
  );

const targetFqdn = fc.constantFrom(
  '*',
  '*.example.org',
  '*example.org',
  '*.a.example.org',
  'example.org',
  'a.example.org',
  'A.Example.org',
  'www.example.org',
  'c.example.org',
  'both.example.net',
  '*.net',
  '*ple.net',
);
const applicationProtocol = fc.constantFrom(
  { protocolType: 'Http', port: 80 },
  { protocolType: 'Https', port: 443 },
  { protocolType: 'Http', port: 8080 },
  { protocolType: 'Https', port: 8443 },
  // Both on one port.
  { protocolType: 'Http', port: 8005 },
  { protocolType: 'Https', port: 8005 },
  { protocolType: 'Mssql', port: 1433 },
);

export const applicationRule = (kind: 'classic' | 'policy') =>
  fc
    .record({
      from: sources,
      protocols: fc.uniqueArray(applicationProtocol, {
        minLength: 1,
        maxLength: 3,
        selector: item => `${item.protocolType}:${item.port}`,
      }),
      targets: fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({ targetFqdns: fc.uniqueArray(targetFqdn, { minLength: 1, maxLength: 3 }) }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            fqdnTags: fc.uniqueArray(
              fc.constantFrom('AzureKubernetesService', 'azurekubernetesservice', 'WindowsUpdate'),
              { minLength: 1, maxLength: 2, selector: tag => tag.toLowerCase() },
            ),
          }),
        },
      ),
      to:
        kind === 'policy'
          ? fc.oneof(
              { weight: 3, arbitrary: fc.constant<Json>({}) },
              {
                weight: 1,
                arbitrary: fc
                  .array(address, { minLength: 1, maxLength: 2 })
                  .map((list): Json => ({ destinationAddresses: list })),
              },
            )
          : fc.constant<Json>({}),
    })
    .map(
      ({ from, to, targets, protocols: spoken }): Json => ({
        // SQL Server has no FQDN tags.
        protocols:
          'fqdnTags' in targets ? spoken.filter(({ protocolType }) => protocolType !== 'Mssql') : spoken,
        ...targets,
        ...from,
        ...to,
      }),
    )
    .map(rule => {
      if ((rule.protocols as unknown[]).length > 0) return rule;
      // In classic rules the tag says itself which protocol and port its names go with.
      return { ...rule, protocols: kind === 'classic' ? [] : [{ protocolType: 'Https', port: 443 }] };
    });

export const natRule = (kind: 'classic' | 'policy') =>
  fc
    .record({
      from: sources,
      protocols: fc.uniqueArray(fc.constantFrom('TCP', 'UDP', ...(kind === 'classic' ? ['Any'] : [])), {
        minLength: 1,
        maxLength: 2,
      }),
      destinations: fc.uniqueArray(
        fc.constantFrom(...PUBLIC_IPS, ...(kind === 'policy' ? [PRIVATE_IP] : [])),
        { minLength: 1, maxLength: kind === 'policy' ? 1 : 2 },
      ),
      destinationPorts: fc.array(
        fc.oneof(
          fc.constantFrom('22', '53', '80', '443', '3389', '63999', '1'),
          fc
            .tuple(fc.integer({ min: 8000, max: 8006 }), fc.integer({ min: 0, max: 3 }))
            .map(([first, more]) => (more === 0 ? String(first) : `${first}-${first + more}`)),
        ),
        { minLength: 1, maxLength: 2 },
      ),
      target: fc.oneof(
        {
          weight: 3,
          arbitrary: fc
            .constantFrom('10.42.1.50', '10.42.1.4', '10.77.0.5', '192.0.2.9')
            .map((text): Json => ({ translatedAddress: text })),
        },
        {
          weight: 1,
          arbitrary: fc
            .constantFrom('db.example.org', 'a.example.org', 'both.example.net', 'none.example.org')
            .map((text): Json => ({ translatedFqdn: text })),
        },
      ),
      translatedPort: fc.constantFrom('22', '80', '443', '8000', '63999'),
    })
    .map(
      ({ from, destinations: at, target, ...rest }): Json => ({
        ...rest,
        ...from,
        ...target,
        destinationAddresses: at,
      }),
    );

/** Few, so that those of parent and child are often equal; of different length, so that they are no text. */
export const priority = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 100, max: 112 }) },
  { weight: 2, arbitrary: fc.constantFrom(200, 1000, 1001, 9999, 10_000, 65_000) },
);

/** Collections of one type; priorities differ, names say type and place. */
export function collections(
  rule: fc.Arbitrary<Json>,
  actions: readonly string[],
  most: number,
): fc.Arbitrary<{ priority: number; action: string; rules: Json[] }[]> {
  return fc.uniqueArray(
    fc.record({
      priority,
      action: fc.constantFrom(...actions),
      rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
    }),
    { maxLength: most, selector: ({ priority }) => priority },
  );
}

export const named = (prefix: string, rules: readonly Json[], shape: (rule: Json) => Json): Json[] =>
  rules.map((rule, index) => ({ name: `${prefix}-${index + 1}`, ...shape(rule) }));
