// What the API refuses of firewall policies and rule collection groups, and by which code. After each refusal nothing has
// changed.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '#arm/json-reader.ts';
import { faultsOfPolicy } from '#controller/policy-faults.ts';
import { loadFacts } from '#facts/facts.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import {
  assertOk,
  assertRefused,
  createTestApi,
  G,
  ipConfiguration,
  N,
  publicIpBody,
  S,
  type TestApi,
} from './api-fixture.ts';
import {
  applicationRule,
  buildPolicies,
  filterCollection,
  groupBody,
  natCollection,
  natRule,
  networkRule,
  P,
  policyBody,
  withPolicy,
} from './policy-fixture.ts';

const facts = loadFacts();
const FW = `${N}/azureFirewalls/fw`;
const WEB = `${P}/child/ruleCollectionGroups/web`;

async function setUp(policyOptions: PolicyOptions = DEFAULT_POLICY_OPTIONS): Promise<TestApi> {
  const test = await createTestApi({
    facts: () => facts,
    faultsOf: (subject, documents) => faultsOfPolicy(subject, documents, { facts, options: policyOptions }),
    policyOptions,
  });
  await buildPolicies(test);
  return test;
}

/** Sends a write that must be refused with a fault at `target`, and looks that the store is as before. */
async function refused(
  { call, store }: TestApi,
  [status, code, target]: readonly [number, string, string?],
  [method, path, body]: readonly [string, string, unknown?],
): Promise<void> {
  const { revision } = store;
  const answer = await call(method, path, body);
  assertRefused(answer, status, code);
  assert.equal(store.revision, revision, 'a refused request must not change anything');
  const { error } = answer.body;
  const targets = [error.target, ...error.details.map(detail => detail.target)];
  if (target !== undefined)
    assert.ok(targets.includes(target), `${target} is not among ${targets}: ${answer.text}`);
}

describe('a policy is refused', () => {
  const child = (more: Json) => policyBody({ basePolicy: { id: `${P}/parent` }, ...more });
  const cases: readonly (readonly [string, readonly [number, string, string?], string, Json])[] = [
    [
      'with a parent that is not there',
      [400, 'InvalidResourceReference', 'properties.basePolicy'],
      'new',
      policyBody({ basePolicy: { id: `${P}/none` } }),
    ],
    [
      'with a parent that is no policy',
      [400, 'InvalidResourceReference', 'properties.basePolicy'],
      'new',
      policyBody({ basePolicy: { id: FW } }),
    ],
    [
      'as its own parent',
      [400, 'FirewallPolicyInvalidBasePolicy', 'properties.basePolicy'],
      'new',
      policyBody({ basePolicy: { id: `${P}/NEW` } }),
    ],
    [
      'as the child of its child',
      [400, 'FirewallPolicyInvalidBasePolicy', 'properties.basePolicy'],
      'parent',
      policyBody({ basePolicy: { id: `${P}/child` } }),
    ],
    [
      'in another region than its parent',
      [400, 'FirewallPolicyInvalidBasePolicy', 'properties.basePolicy'],
      'new',
      policyBody({ basePolicy: { id: `${P}/parent` } }, 'westus'),
    ],
    [
      'with a tier that its parent does not fit',
      [400, 'AzureFirewallPolicyInvalidSku', 'properties.basePolicy'],
      'new',
      child({ sku: { tier: 'Basic' } }),
    ],
    [
      'with a tier that its child does not fit',
      [400, 'AzureFirewallPolicyInvalidSku', 'properties.sku.tier'],
      'parent',
      policyBody({ sku: { tier: 'Premium' } }),
    ],
    [
      'with a tier that its firewall does not fit',
      [400, 'AzureFirewallPolicyInvalidSku', 'properties.sku.tier'],
      'child',
      child({ sku: { tier: 'Premium' } }),
    ],
    ['without a location', [400, 'LocationRequired', 'location'], 'new', { properties: {} }],
    ['in another location than it has', [409, 'InvalidResourceLocation'], 'child', policyBody({}, 'westus')],
    [
      'with what is not supported',
      [400, 'UnsupportedProperty', 'properties.intrusionDetection'],
      'new',
      policyBody({ intrusionDetection: { mode: 'Alert' } }),
    ],
    [
      'with what nobody knows',
      [400, 'InvalidRequestFormat', 'properties.colour'],
      'new',
      policyBody({ colour: 'red' }),
    ],
    ['by a name that is none', [400, 'InvalidResourceName', 'name'], '-', policyBody()],
  ];
  for (const [what, expected, name, body] of cases)
    it(what, async () => {
      await refused(await setUp(), expected, ['PUT', `${P}/${name}`, body]);
    });

  it('all faults at once', async () => {
    const test = await setUp();
    const body = policyBody({
      basePolicy: { id: `${P}/none` },
      threatIntelMode: 'Maybe',
      dnsSettings: { servers: ['here'] },
    });
    const answer = await test.call('PUT', `${P}/new`, body);
    const targets = answer.body.error.details.map(({ target }) => target);
    assert.deepEqual(targets.toSorted(), [
      'properties.basePolicy',
      'properties.dnsSettings.servers[0]',
      'properties.threatIntelMode',
    ]);
  });
});

describe('a rule collection group is refused', () => {
  const rules = (...list: Json[]) => groupBody([filterCollection(list)]);
  const first = 'properties.ruleCollections[0]';
  const cases: readonly (readonly [string, readonly [number, string, string?], Json])[] = [
    [
      'without a priority',
      [400, 'AzureFirewallRuleCollectionInvalidPriority', 'properties.priority'],
      { properties: { ruleCollections: [] } },
    ],
    [
      'with a priority that is none',
      [400, 'AzureFirewallRuleCollectionInvalidPriority', 'properties.priority'],
      groupBody([], 99),
    ],
    [
      'with an IP group that is not there',
      [400, 'InvalidResourceReference', `${first}.rules[0].sourceIpGroups[0]`],
      rules(networkRule({ sourceIpGroups: [`${N}/ipGroups/none`] })),
    ],
    [
      'with rules of two kinds in one collection',
      [400, 'FirewallPolicyRuleCollectionInvalidRuleType'],
      rules(networkRule(), applicationRule()),
    ],
    ['with two rules of one name', [400, 'DuplicateResourceName'], rules(networkRule(), networkRule())],
    [
      'with an address that is none',
      [400, 'AzureFirewallRuleInvalidIpAddressOrRangeFormat', `${first}.rules[1].sourceAddresses[0]`],
      rules(networkRule(), networkRule({ name: 'other', sourceAddresses: ['10.0.0.0/33'] })),
    ],
    [
      'with a URL',
      [400, 'UnsupportedProperty', `${first}.rules[0].targetUrls`],
      rules(applicationRule({ targetUrls: ['example.org/a'] })),
    ],
    [
      'with names in network rules and no DNS proxy',
      [400, 'AzureFirewallDNSProxyMustBeEnabled'],
      rules(networkRule({ destinationAddresses: [], destinationFqdns: ['example.org'] })),
    ],
    [
      'with a NAT rule for an address that its firewall does not have',
      [400, 'AzureFirewallRuleInvalidDnatDestinationAddress'],
      groupBody([natCollection([natRule({ destinationAddresses: ['20.51.96.9'] })])]),
    ],
    [
      'with what nobody knows',
      [400, 'InvalidRequestFormat', 'properties.colour'],
      { properties: { priority: 100, colour: 'red' } },
    ],
  ];
  for (const [what, expected, body] of cases)
    it(what, async () => {
      await refused(await setUp(), expected, ['PUT', WEB, body]);
    });

  it('when only a child cannot run it', async () => {
    const test = await setUp();
    const proxy = { dnsSettings: { enableProxy: true } };
    const names = rules(networkRule({ destinationAddresses: [], destinationFqdns: ['example.org'] }));
    const path = `${P}/parent/ruleCollectionGroups/base`;
    assertOk(await test.call('PUT', `${P}/parent`, policyBody(proxy)), 200);
    await refused(test, [400, 'AzureFirewallDNSProxyMustBeEnabled'], ['PUT', path, names]);
    assertOk(
      await test.call('PUT', `${P}/child`, policyBody({ basePolicy: { id: `${P}/parent` }, ...proxy })),
      200,
    );
    assertOk(await test.call('PUT', path, names), 200);
  });

  it('for an address of a firewall that gets the policy later', async () => {
    const test = await setUp();
    const body = groupBody([natCollection([natRule({ destinationAddresses: ['20.51.96.9'] })])]);
    assertOk(await test.call('PUT', `${P}/free`, policyBody()), 201);
    assertOk(await test.call('PUT', `${P}/free/ruleCollectionGroups/nat`, body), 201);
    await refused(
      test,
      [
        400,
        'AzureFirewallRuleInvalidDnatDestinationAddress',
        `${P}/free/ruleCollectionGroups/nat: properties.ruleCollections[0].rules[0].destinationAddresses[0]`,
      ],
      ['PUT', FW, withPolicy('free')],
    );
    const good = groupBody([natCollection([natRule()])]);
    assertOk(await test.call('PUT', `${P}/free/ruleCollectionGroups/nat`, good), 200);
    assertOk(await test.call('PUT', FW, withPolicy('free')), 200);
  });

  it('by what a setting of its policy then means for it', async () => {
    const test = await setUp();
    const proxy = (enableProxy: boolean) =>
      policyBody({ basePolicy: { id: `${P}/parent` }, dnsSettings: { enableProxy } });
    assertOk(await test.call('PUT', `${P}/child`, proxy(true)), 200);
    const names = networkRule({ destinationAddresses: [], destinationFqdns: ['example.org'] });
    assertOk(await test.call('PUT', WEB, rules(names)), 200);
    await refused(test, [400, 'AzureFirewallDNSProxyMustBeEnabled'], ['PUT', `${P}/child`, proxy(false)]);
  });

  it("by Azure's limits, unless they are switched off", async () => {
    const body = groupBody([], 99);
    const test = await setUp({ ...DEFAULT_POLICY_OPTIONS, azureLimits: false });
    assertOk(await test.call('PUT', WEB, body), 200);
    const description = 'x'.repeat(1500);
    const many = Array.from({ length: 3000 }, (_, index) =>
      networkRule({ name: `rule ${index}`, description }),
    );
    const large = groupBody([filterCollection(many)]);
    assertOk(await test.call('PUT', WEB, large), 200);
    await refused(await setUp(), [413, 'RequestTooLarge'], ['PUT', WEB, large]);
    await refused(
      await setUp(),
      [400, 'AzureFirewallLimitExceeded'],
      ['PUT', WEB, groupBody([filterCollection(many.slice(0, 1500))])],
    );
  });
});

describe('a firewall is refused', () => {
  const cases: readonly (readonly [string, readonly [number, string, string?], Json])[] = [
    [
      'with a policy that is not there',
      [400, 'InvalidResourceReference', 'properties.firewallPolicy'],
      withPolicy('none'),
    ],
    [
      'with a policy that is none',
      [400, 'InvalidResourceReference', 'properties.firewallPolicy'],
      withPolicy(undefined, { firewallPolicy: { id: FW } }),
    ],
    [
      'with a policy of a tier that it cannot run',
      [400, 'AzureFirewallPolicyInvalidSku', 'properties.firewallPolicy'],
      withPolicy('premium'),
    ],
    [
      'of tier Basic with a Standard policy',
      [400, 'AzureFirewallPolicyInvalidSku', 'properties.firewallPolicy'],
      withPolicy('child', { sku: { name: 'AZFW_VNet', tier: 'Basic' } }),
    ],
    [
      'with rules of its own beside a policy',
      [400, 'AzureFirewallPolicyAndRuleCollectionsConflict'],
      withPolicy('child', {
        networkRuleCollections: [
          {
            name: 'own',
            properties: {
              priority: 100,
              action: { type: 'Allow' },
              rules: [
                {
                  name: 'r',
                  protocols: ['TCP'],
                  sourceAddresses: ['*'],
                  destinationAddresses: ['*'],
                  destinationPorts: ['80'],
                },
              ],
            },
          },
        ],
      }),
    ],
  ];
  for (const [what, expected, body] of cases)
    it(what, async () => {
      const test = await setUp();
      assertOk(await test.call('PUT', `${P}/premium`, policyBody({ sku: { tier: 'Premium' } })), 201);
      await refused(test, expected, ['PUT', FW, body]);
    });

  it('without an IP configuration it may have a policy whose NAT rules name addresses to come', async () => {
    const test = await setUp();
    assertOk(await test.call('PUT', `${P}/nat`, policyBody()), 201);
    const address = { destinationAddresses: ['20.51.96.2'] };
    assertOk(
      await test.call(
        'PUT',
        `${P}/nat/ruleCollectionGroups/g`,
        groupBody([natCollection([natRule(address)])]),
      ),
      201,
    );
    const bare = { location: 'eastus', properties: { firewallPolicy: { id: `${P}/nat` } } };
    assertOk(await test.call('PUT', `${N}/azureFirewalls/bare`, bare), 201);
    assertOk(await test.call('PUT', `${N}/publicIPAddresses/pip2`, publicIpBody), 201);
    assertOk(await test.call('DELETE', FW), 200);
    const config = [ipConfiguration('c', 'pip2', 'AzureFirewallSubnet')];
    const whole = { ...bare, properties: { ...bare.properties, ipConfigurations: config } };
    assertOk(await test.call('PUT', `${N}/azureFirewalls/bare`, whole), 200);
  });
});

describe('a deletion is refused', () => {
  it('while others use it', async () => {
    const test = await setUp();
    const { call } = test;
    await refused(test, [400, 'FirewallPolicyInUseByFirewalls'], ['DELETE', `${P}/child`]);
    await refused(test, [400, 'FirewallPolicyInUseByChildPolicies'], ['DELETE', `${P}/parent`]);
    assertOk(
      await call('PUT', `${N}/ipGroups/g`, { location: 'eastus', properties: { ipAddresses: [] } }),
      201,
    );
    const rule = networkRule({ destinationAddresses: [], destinationIpGroups: [`${N}/ipgroups/G`] });
    assertOk(await call('PUT', WEB, groupBody([filterCollection([rule])])), 200);
    await refused(test, [400, 'IpGroupsHasFirewallPolicyReferences'], ['DELETE', `${N}/ipGroups/g`]);
    assertOk(await call('DELETE', WEB), 200);
    assertOk(await call('DELETE', `${N}/ipGroups/g`), 200);
    assertOk(await call('DELETE', FW), 200);
    assertOk(await call('DELETE', `${P}/child`), 200);
    assertOk(await call('DELETE', `${P}/parent`), 200);
  });

  it('of a whole group while a firewall or a child in another one uses its policy', async () => {
    const test = await setUp();
    const other = `${S}/resourceGroups/other`;
    const far = `${other}/providers/Microsoft.Network/firewallPolicies`;
    assertOk(await test.call('PUT', other, { location: 'eastus' }), 201);
    assertOk(await test.call('PUT', `${far}/far`, policyBody({ basePolicy: { id: `${P}/parent` } })), 201);
    await refused(test, [409, 'FirewallPolicyInUseByChildPolicies'], ['DELETE', G]);
    assertOk(await test.call('DELETE', other), 202);
    assertOk(await test.call('DELETE', G), 202);
    assert.deepEqual(test.store.list(), []);
  });
});

it('what configuration files describe is changed in the files', async () => {
  const test = await setUp();
  const describedBy = (id: string) => {
    const resource = test.store.get(id);
    assert.ok(resource);
    test.store.put(resource.document, { origin: '/etc/postern/policies.json' });
  };
  describedBy(`${P}/child`);
  describedBy(WEB);
  for (const request of [
    ['PUT', `${P}/child`, policyBody()],
    ['PATCH', `${P}/child`, { tags: {} }],
    ['DELETE', `${P}/child`],
    ['PUT', WEB, groupBody()],
    ['DELETE', WEB],
    ['PUT', `${P}/child/ruleCollectionGroups/new`, groupBody([], 900)],
  ] as const)
    await refused(test, [409, 'ScopeLocked'], request);
});

it('faults that were there before refuse nothing: otherwise nothing could be mended', async () => {
  const test = await setUp();
  const stored = test.store.get(WEB)?.document;
  assert.ok(stored);
  const broken = groupBody([filterCollection([networkRule({ destinationAddresses: ['NoSuchTag'] })])], 200);
  test.store.put({ ...stored, properties: broken.properties });
  const other = `${P}/child/ruleCollectionGroups/other`;
  assertOk(await test.call('PUT', other, groupBody([filterCollection([applicationRule()])], 300)), 201);
  const names = networkRule({ destinationAddresses: [], destinationFqdns: ['example.org'] });
  assertOk(await test.call('PUT', WEB, groupBody([filterCollection([networkRule()])])), 200);
  await refused(
    test,
    [400, 'AzureFirewallDNSProxyMustBeEnabled'],
    ['PUT', other, groupBody([filterCollection([names])], 300)],
  );
});

it('policies that were stored in a circle are shown and can be mended', async () => {
  const test = await setUp();
  const parent = test.store.get(`${P}/parent`)?.document;
  assert.ok(parent);
  test.store.put({ ...parent, properties: { ...parent.properties, basePolicy: { id: `${P}/child` } } });
  assertOk(await test.call('GET', `${P}/parent`), 200);
  assertOk(await test.call('PUT', `${P}/parent`, policyBody()), 200);
});

describe('a name in the path holds no slash, so that one type cannot be reached by the name of another', () => {
  const hidden = `${P}/child%2FruleCollectionGroups%2Fweb`;
  const cases: readonly (readonly [string, string, Json?])[] = [
    ['GET', hidden],
    ['PUT', hidden, policyBody()],
    ['PATCH', hidden, { tags: { a: 'b' } }],
    ['DELETE', hidden],
    ['DELETE', `${P}/child%2fruleCollectionGroups/web`],
    ['GET', `${S}/resourceGroups/rg%2Fproviders%2FMicrosoft.Network`],
  ];
  for (const [method, path, body] of cases)
    it(`${method} ${path.slice(S.length)}`, async () => {
      await refused(await setUp(), [400, 'InvalidRequestUri'], [method, path, body]);
    });
});

describe('a body with more faults than anybody reads gets a short answer', () => {
  const rules = (list: readonly Json[]) => groupBody([filterCollection(list)], 300);
  const cases: Readonly<Record<string, Json>> = {
    'a million empty collections': {
      properties: { priority: 300, ruleCollections: Array(1_000_000).fill({}) },
    },
    'a million empty rules': rules(Array(1_000_000).fill({})),
    'half a million sources that are none': rules([
      networkRule({ sourceAddresses: Array(500_000).fill('x') }),
    ]),
    'members that nobody knows': rules([
      networkRule(Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`m${index}`, 1]))),
    ]),
    'a name of three megabytes': rules([
      networkRule({ destinationAddresses: [], destinationFqdns: ['a.'.repeat(1_500_000)] }),
    ]),
  };
  for (const [name, body] of Object.entries(cases))
    it(name, async () => {
      const { call } = await setUp();
      const answer = await call('PUT', `${P}/child/ruleCollectionGroups/new`, body);
      assert.equal(answer.status, 400, answer.text.slice(0, 300));
      assert.ok(answer.text.length < 1_000_000, `the answer has ${answer.text.length} characters`);
    });
});

it('members called as those of every object are unknown ones', async () => {
  const test = await setUp();
  const body = JSON.parse(
    '{"properties": {"priority": 300, "ruleCollections": [], "__proto__": {"priority": 1}, "constructor": 1}}',
  ) as Json;
  const answer = await test.call('PUT', `${P}/child/ruleCollectionGroups/new`, body);
  assertRefused(answer, 400);
  assert.doesNotMatch(answer.text, /object Object|native code/);
});
