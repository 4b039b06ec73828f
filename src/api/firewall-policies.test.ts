// Firewall policies and rule collection groups: what is shown, what is waited for, and how the parts follow each other.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '#arm/json-reader.ts';
import { faultsOfPolicy } from '#controller/policy-faults.ts';
import { loadFacts } from '#facts/facts.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { assertOk, assertRefused, at, createTestApi, G, N, S, type TestApi } from './api-fixture.ts';
import type { ApiOptions, Settled } from './options.ts';
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

/** Remembers which firewalls were waited for. */
async function setUp(options: Partial<ApiOptions> = {}): Promise<TestApi & { waited: string[] }> {
  const waited: string[] = [];
  const test = await createTestApi({
    facts: () => facts,
    faultsOf: (subject, documents) =>
      faultsOfPolicy(subject, documents, { facts, options: DEFAULT_POLICY_OPTIONS }),
    settle: async (id): Promise<Settled> => {
      waited.push(id);
      return { state: 'Applied' };
    },
    ...options,
  });
  return Object.assign(test, { waited });
}

const properties = ({ body }: { body: Json }) => body.properties as Json;
const ids = (value: unknown) => (value as { id: string }[]).map(({ id }) => id);

describe('a policy', () => {
  it('is shown with what Azure fills in', async () => {
    const { call } = await setUp();
    assertOk(await call('PUT', G, { location: 'eastus' }), 201);
    const created = assertOk(await call('PUT', `${P}/p`, policyBody()), 201);
    assert.deepEqual(properties(created), {
      sku: { tier: 'Standard' },
      threatIntelMode: 'Alert',
      childPolicies: [],
      ruleCollectionGroups: [],
      firewalls: [],
      size: '0.0MB',
      provisioningState: 'Succeeded',
    });
    const { id, name, type, location, etag } = created.body;
    assert.deepEqual(
      [id, name, type, location],
      [`${P}/p`, 'p', 'Microsoft.Network/firewallPolicies', 'eastus'],
    );
    assert.equal(created.headers.get('etag'), etag);
  });

  it('keeps what is written, and can be written back as it was read', async () => {
    const { call } = await setUp();
    assertOk(await call('PUT', G, { location: 'eastus' }), 201);
    const settings = {
      sku: { tier: 'Premium' },
      threatIntelMode: 'Deny',
      threatIntelWhitelist: { ipAddresses: ['20.3.4.5'], fqdns: ['*.example.org'] },
      dnsSettings: { servers: ['10.42.3.4'], enableProxy: true, requireProxyForNetworkRules: true },
      snat: { privateRanges: ['IANAPrivateRanges', '198.18.0.0/15'] },
    };
    assertOk(
      await call(
        'PUT',
        `${P}/p`,
        policyBody({ ...settings, snat: { ...settings.snat }, explicitProxy: null }),
      ),
      201,
    );
    const read = assertOk(await call('GET', `${P}/p`), 200);
    for (const [key, value] of Object.entries(settings)) assert.deepEqual(properties(read)[key], value);
    assert.ok(!('explicitProxy' in properties(read)));
    const again = assertOk(await call('PUT', `${P}/p`, read.body), 200);
    assert.deepEqual(properties(again), properties(read));
  });

  it('knows its children, its groups, its firewalls and its size, and IP groups know it', async () => {
    const test = await setUp();
    const { call } = test;
    await buildPolicies(test);
    const big = Array.from({ length: 4000 }, (_, index) => networkRule({ name: `rule ${index}` }));
    assertOk(
      await call('PUT', `${N}/ipGroups/g`, {
        location: 'eastus',
        properties: { ipAddresses: ['10.42.1.9'] },
      }),
      201,
    );
    big.push(networkRule({ name: 'last', sourceAddresses: [], sourceIpGroups: [`${N}/ipGroups/G`] }));
    assertOk(
      await call('PUT', `${P}/parent/ruleCollectionGroups/big`, groupBody([filterCollection(big)], 300)),
      201,
    );
    const parent = properties(assertOk(await call('GET', `${P}/PARENT`), 200));
    assert.deepEqual(ids(parent.childPolicies), [`${P}/child`]);
    assert.deepEqual(ids(parent.ruleCollectionGroups), [
      `${P}/parent/ruleCollectionGroups/base`,
      `${P}/parent/ruleCollectionGroups/big`,
    ]);
    assert.deepEqual(parent.firewalls, []);
    assert.equal(parent.size, '0.6MB');
    const child = properties(assertOk(await call('GET', `${P}/child`), 200));
    assert.deepEqual(ids(child.firewalls), [FW]);
    assert.deepEqual(child.basePolicy, { id: `${P}/parent` });
    const group = properties(assertOk(await call('GET', `${N}/ipGroups/g`), 200));
    assert.deepEqual([ids(group.firewallPolicies), ids(group.firewalls)], [[`${P}/parent`], [FW]]);
  });

  it('is listed in its group and in the subscription, and takes tags', async () => {
    const test = await setUp();
    const { call } = test;
    await buildPolicies(test);
    const names = async (path: string) =>
      assertOk(await call('GET', path), 200).body.value.map(({ name }) => name);
    assert.deepEqual(await names(P), ['child', 'parent']);
    assert.deepEqual(await names(`${S}/providers/Microsoft.Network/firewallPolicies`), ['child', 'parent']);
    assert.deepEqual(await names(`${P}/child/ruleCollectionGroups`), ['web']);
    assert.deepEqual(await names(`${G}/resources`), ['fw', 'child', 'parent', 'pip', 'vnet']);
    const tagged = assertOk(await call('PATCH', `${P}/child`, { tags: { owner: 'me' } }), 200);
    assert.deepEqual(tagged.body.tags, { owner: 'me' });
    assertRefused(
      await call('PATCH', `${P}/child/ruleCollectionGroups/web`, { tags: {} }),
      405,
      'HttpMethodNotAllowed',
    );
    assertRefused(await call('GET', `${P}/none/ruleCollectionGroups`), 404, 'ResourceNotFound');
    assertRefused(await call('GET', `${P}/child/ruleCollectionGroups/none`), 404, 'ResourceNotFound');
    assertRefused(
      await call('PUT', `${P}/none/ruleCollectionGroups/g`, groupBody()),
      404,
      'ParentResourceNotFound',
    );
  });
});

describe('a rule collection group', () => {
  it('is shown with every member of its rules, and can be written back as it was read', async () => {
    const test = await setUp();
    const { call } = test;
    await buildPolicies(test);
    const path = `${P}/child/ruleCollectionGroups/all`;
    const body = groupBody(
      [
        natCollection([natRule()]),
        filterCollection([networkRule()], { name: 'network', priority: 200 }),
        filterCollection([applicationRule()], { name: 'application', priority: 300 }),
      ],
      400,
    );
    const created = assertOk(await call('PUT', path, body), 201);
    assert.equal(created.body.type, 'Microsoft.Network/firewallPolicies/ruleCollectionGroups');
    assert.deepEqual(
      [created.body.id, created.body.location, created.body.tags],
      [path, undefined, undefined],
    );
    const { priority, size, provisioningState } = properties(created);
    assert.deepEqual([priority, size, provisioningState], [400, '0.0MB', 'Succeeded']);
    assert.deepEqual(at(created.body, 'properties.ruleCollections.0.rules.0'), {
      ...natRule(),
      sourceIpGroups: [],
    });
    assert.deepEqual(at(created.body, 'properties.ruleCollections.1.rules.0'), {
      ...networkRule(),
      sourceIpGroups: [],
      destinationIpGroups: [],
      destinationFqdns: [],
    });
    assert.deepEqual(at(created.body, 'properties.ruleCollections.2.rules.0'), {
      ...applicationRule(),
      fqdnTags: [],
      webCategories: [],
      targetUrls: [],
      terminateTLS: false,
      destinationAddresses: [],
      sourceIpGroups: [],
      httpHeadersToInsert: [],
    });
    const read = assertOk(await call('GET', path), 200);
    const again = assertOk(await call('PUT', path.toLowerCase(), read.body), 200);
    assert.deepEqual(properties(again), properties(read));
    assert.equal(again.body.id, path);
  });

  it('is guarded by its own etag', async () => {
    const test = await setUp();
    const { call } = test;
    await buildPolicies(test);
    const path = `${P}/child/ruleCollectionGroups/web`;
    const { etag } = assertOk(await call('GET', path), 200).body;
    assertOk(await call('PUT', `${P}/child/ruleCollectionGroups/other`, groupBody([], 900)), 201);
    const body = groupBody([filterCollection([applicationRule({ targetFqdns: ['*.example.org'] })])]);
    assertOk(await call('PUT', path, body, { 'If-Match': String(etag) }), 200);
    assertRefused(await call('PUT', path, body, { 'If-Match': String(etag) }), 412, 'PreconditionFailed');
    assertRefused(
      await call('DELETE', path, undefined, { 'If-Match': String(etag) }),
      412,
      'PreconditionFailed',
    );
    assertRefused(await call('PUT', path, body, { 'If-None-Match': '*' }), 412, 'PreconditionFailed');
  });

  it('goes with its policy', async () => {
    const test = await setUp();
    const { call, store } = test;
    await buildPolicies(test);
    assertOk(await call('PUT', `${P}/loose`, policyBody()), 201);
    assertOk(await call('PUT', `${P}/loose/ruleCollectionGroups/g`, groupBody()), 201);
    assertOk(await call('PUT', `${P}/loose-too`, policyBody()), 201);
    assertOk(await call('PUT', `${P}/loose-too/ruleCollectionGroups/g`, groupBody()), 201);
    assertOk(await call('DELETE', `${P}/loose`), 200);
    assert.equal(store.get(`${P}/loose/ruleCollectionGroups/g`), undefined);
    assert.notEqual(store.get(`${P}/loose-too/ruleCollectionGroups/g`), undefined);
    assertOk(await call('DELETE', `${P}/loose`), 204);
    assertOk(await call('DELETE', `${P}/child/ruleCollectionGroups/none`), 204);
  });

  it('waits its turn: changes of one policy at once all succeed', async () => {
    const test = await setUp();
    const { call } = test;
    await buildPolicies(test);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        call('PUT', `${P}/child/ruleCollectionGroups/g${index}`, groupBody([], 1000 + index)),
      ),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      answers.map(() => 201),
    );
  });
});

describe('a write waits for the firewalls that run what it changes', () => {
  const changes: readonly (readonly [string, string, string, unknown])[] = [
    [
      'the policy',
      'PUT',
      `${P}/child`,
      policyBody({ basePolicy: { id: `${P}/parent` }, threatIntelMode: 'Deny' }),
    ],
    ['its parent', 'PUT', `${P}/parent`, policyBody({ threatIntelMode: 'Deny' })],
    ['a group', 'PUT', `${P}/child/ruleCollectionGroups/web`, groupBody()],
    ['a new group', 'PUT', `${P}/child/ruleCollectionGroups/new`, groupBody([], 500)],
    ['a group of the parent', 'PUT', `${P}/parent/ruleCollectionGroups/base`, groupBody()],
    ['the deletion of a group', 'DELETE', `${P}/parent/ruleCollectionGroups/base`, undefined],
    [
      'an IP group of the parent',
      'PUT',
      `${N}/ipGroups/g`,
      { location: 'eastus', properties: { ipAddresses: ['10.42.1.8'] } },
    ],
  ];
  for (const [what, method, path, body] of changes)
    it(what, async () => {
      const test = await setUp();
      const { call, waited } = test;
      await buildPolicies(test);
      assertOk(
        await call('PUT', `${N}/ipGroups/g`, { location: 'eastus', properties: { ipAddresses: [] } }),
        201,
      );
      const rule = networkRule({ sourceAddresses: [], sourceIpGroups: [`${N}/ipGroups/g`] });
      assertOk(
        await call('PUT', `${P}/parent/ruleCollectionGroups/ip`, groupBody([filterCollection([rule])], 700)),
        201,
      );
      assertOk(await call('PUT', `${P}/unused`, policyBody()), 201);
      waited.length = 0;
      const answer = await call(method, path, body);
      assert.ok([200, 201].includes(answer.status), answer.text);
      assert.deepEqual(waited, [FW]);
      assert.equal(test.store.get(FW)?.document.properties.provisioningState, 'Succeeded');
    });

  it('and a policy that nobody runs waits for nobody', async () => {
    const test = await setUp();
    await buildPolicies(test);
    test.waited.length = 0;
    assertOk(await test.call('PUT', `${P}/unused`, policyBody()), 201);
    assertOk(await test.call('PUT', `${P}/unused/ruleCollectionGroups/g`, groupBody()), 201);
    assertOk(await test.call('PATCH', `${P}/child`, { tags: { a: 'b' } }), 200);
    assert.deepEqual(test.waited, []);
  });

  it('with an operation where it takes long, whose end shows in policy and group', async () => {
    let settled: Settled = { state: 'Applied' };
    const test = await setUp({ settle: async () => settled });
    const { call } = test;
    await buildPolicies(test);
    const path = `${P}/child/ruleCollectionGroups/web`;
    const stateOf = async (id: string) => properties(assertOk(await call('GET', id), 200)).provisioningState;
    settled = { state: 'Pending' };
    const answer = assertOk(await call('PUT', path, groupBody()), 200);
    assert.equal(properties(answer).provisioningState, 'Updating');
    const operation = answer.headers.get('azure-asyncoperation') ?? '';
    assert.match(operation, /\/locations\/eastus\/operations\//);
    assert.equal((await call('GET', operation)).body.status, 'InProgress');
    assert.deepEqual(
      [await stateOf(path), await stateOf(`${P}/child`), await stateOf(`${P}/parent`)],
      ['Updating', 'Updating', 'Updating'],
    );
    settled = { state: 'Failed', message: 'the kernel has no tproxy' };
    assertOk(await call('PUT', path, groupBody()), 200);
    const failed = (await call('GET', operation)).body;
    assert.deepEqual([failed.status, failed.error.message], ['Failed', 'the kernel has no tproxy']);
    assert.deepEqual([await stateOf(path), await stateOf(`${P}/child`)], ['Failed', 'Failed']);
    settled = { state: 'Applied' };
    assert.equal(
      properties(assertOk(await call('PUT', path, groupBody()), 200)).provisioningState,
      'Succeeded',
    );
    settled = { state: 'Pending' };
    const deleted = await call('DELETE', path);
    assert.equal(deleted.status, 202);
    assert.equal(
      (await call('GET', deleted.headers.get('azure-asyncoperation') ?? '')).body.status,
      'InProgress',
    );
  });
});

describe('a firewall', () => {
  it('shows the policy it runs, and can go back to rules of its own', async () => {
    const test = await setUp();
    const { call } = test;
    await buildPolicies(test);
    const read = assertOk(await call('GET', FW), 200);
    assert.deepEqual(properties(read).firewallPolicy, { id: `${P}/child` });
    assertOk(await call('PUT', FW, read.body), 200);
    assertOk(await call('PUT', FW, withPolicy(undefined)), 200);
    assert.deepEqual(properties(assertOk(await call('GET', `${P}/child`), 200)).firewalls, []);
    assertOk(await call('DELETE', `${P}/child`), 200);
  });

  it('may stand in another region than its policy', async () => {
    const test = await setUp();
    await buildPolicies(test);
    assertOk(await test.call('PUT', `${P}/far`, policyBody({}, 'westus')), 201);
    assertOk(await test.call('PUT', FW, withPolicy('FAR')), 200);
    assert.deepEqual(test.store.get(FW)?.document.properties.firewallPolicy, { id: `${P}/far` });
  });
});
