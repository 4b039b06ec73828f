// Filters of lists as Azure's clients write them, and those that are refused because nobody could rely on the answer.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  assertOk,
  assertRefused,
  buildNetwork,
  createTestApi,
  G,
  N,
  S,
  type TestApi,
} from './api-fixture.ts';

async function namesOf({ call }: TestApi, path: string, query: Record<string, string>): Promise<string[]> {
  const text = new URLSearchParams({ 'api-version': '2021-04-01', ...query });
  const answer = assertOk(await call('GET', `${path}?${text}`), 200);
  return answer.body.value.map(({ name }) => String(name)).sort();
}

async function built(): Promise<TestApi> {
  const test = await createTestApi();
  await buildNetwork(test);
  assertOk(
    await test.call('PUT', `${S}/resourceGroups/other`, {
      location: 'westus',
      tags: { team: "o'neil and b" },
    }),
    201,
  );
  assertOk(
    await test.call('PUT', `${N}/routeTables/table`, { location: 'westus', tags: { Team: 'net', cost: '' } }),
    201,
  );
  return test;
}

const RESOURCES: readonly (readonly [filter: string, names: readonly string[]])[] = [
  ["resourceType eq 'Microsoft.Network/virtualNetworks'", ['vnet']],
  ["resourceGroup eq 'RG' and resourceType eq 'microsoft.network/routetables'", ['table']],
  ["resourceGroup eq 'other'", []],
  ["resourceType ne 'Microsoft.Network/azureFirewalls' AND location eq 'eastus'", ['pip', 'vnet']],
  ["name eq 'fw'", ['fw']],
  ["startswith(name, 'v')", ['vnet']],
  ["tagName eq 'team' and tagValue eq 'net'", ['table']],
  ["tagName eq 'team' and tagValue eq 'NET'", []],
  ["startswith(tagname, 'co')", ['table']],
  ["tagname eq 'cost' and tagvalue eq ''", ['table']],
  ['', ['fw', 'pip', 'table', 'vnet']],
];

for (const [filter, names] of RESOURCES)
  it(`resources: ${filter || 'no filter'}`, async () => {
    const test = await built();
    for (const path of [`${S}/resources`, `${G}/resources`])
      assert.deepEqual(await namesOf(test, path, { $filter: filter }), names);
  });

it('groups by tag, with a quote and the word "and" inside a text', async () => {
  const test = await built();
  const filter = "tagname eq 'team' and tagvalue eq 'o''neil and b'";
  assert.deepEqual(await namesOf(test, `${S}/resourcegroups`, { $Filter: filter }), ['other']);
  assert.deepEqual(await namesOf(test, `${S}/resourcegroups`, { $filter: "tagname eq 'x'" }), []);
});

it('as many as asked for', async () => {
  const test = await built();
  assert.deepEqual(await namesOf(test, `${S}/resources`, { $top: '2' }), ['fw', 'pip']);
  for (const $top of ['0', '-1', 'x', '1e3', '']) {
    const answer = await test.call('GET', `${S}/resources?${new URLSearchParams({ $top })}`);
    assertRefused(answer, 400, 'InvalidTopInQueryString');
  }
});

it('refuses what it does not understand, also where there is nothing to list', async () => {
  const test = await createTestApi();
  for (const $filter of [
    "tagvalue eq 'x'",
    "tagname ne 'x'",
    "kind eq 'x'",
    "name gt 'x'",
    "name eq 'x' or name eq 'y'",
    'name eq x',
    "name eq 'x",
    "substringof('x', name)",
    ' and ',
    Array(30).fill("name eq 'x'").join(' and '),
  ]) {
    const answer = await test.call('GET', `${S}/resources?${new URLSearchParams({ $filter })}`);
    assertRefused(answer, 400, 'InvalidFilterInQueryString');
  }
});
