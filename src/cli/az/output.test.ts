// The output formats and the shape of resources, as Azure CLI prints them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { colourJson, formatResult } from './output.ts';
import { addOlderSpellings, presentGroup, presentResource } from './present.ts';
import { compileQuery } from './query.ts';

const plain = { colour: false, queried: false };

describe('formats', () => {
  const result = {
    name: 'fw',
    id: '/x',
    etag: 'W/"1"',
    enabled: true,
    nothing: null,
    list: ['a', 'b'],
    deep: { b: 1, a: 2 },
  };
  const cases: readonly (readonly [string, string, unknown, boolean, string])[] = [
    [
      'json sorts keys at every depth',
      'json',
      { b: { d: 1, c: [] }, a: 'ü' },
      false,
      '{\n  "a": "ü",\n  "b": {\n    "c": [],\n    "d": 1\n  }\n}\n',
    ],
    ['json of a string', 'json', 'x', false, '"x"\n'],
    ['json of an empty list', 'json', [], false, '[]\n'],
    ['jsonc without a terminal is json', 'jsonc', { a: 1 }, false, '{\n  "a": 1\n}\n'],
    ['null prints nothing', 'json', null, true, ''],
    ['null prints nothing as tsv', 'tsv', null, true, ''],
    ['none prints nothing', 'none', { a: 1 }, false, ''],
    ['tsv of a string has no quotes', 'tsv', '10.42.2.4', true, '10.42.2.4\n'],
    ['tsv of a list is one line each', 'tsv', ['a', 'b'], true, 'a\nb\n'],
    [
      'tsv of lists is one row each',
      'tsv',
      [
        ['a', 1, true, null],
        ['b', 2, false, {}],
      ],
      true,
      'a\t1\tTrue\tNone\nb\t2\tFalse\t\n',
    ],
    ['tsv of a bare boolean is lower case', 'tsv', true, true, 'true\n'],
    ['tsv of an object sorts keys', 'tsv', { b: 'x', a: [1, 2] }, false, '2\tx\n'],
    ['tsv of a queried object keeps the order', 'tsv', { b: 'x', a: 'y' }, true, 'x\ty\n'],
    ['tsv of an empty list', 'tsv', [], true, ''],
    ['yaml', 'yaml', { b: ['x', 'yes'], a: null, c: [] }, false, "a: null\nb:\n- x\n- 'yes'\nc: []\n"],
    [
      'table of an object shows its scalars only',
      'table',
      result,
      false,
      'Enabled    Name\n---------  ------\nTrue       fw\n',
    ],
    [
      'table of lists has numbered columns',
      'table',
      [['a', 'b']],
      true,
      'Column1    Column2\n---------  ---------\na          b\n',
    ],
    ['table of a scalar', 'table', 'x', true, 'Result\n--------\nx\n'],
    [
      'table of rows with different keys',
      'table',
      [{ a: 1 }, { b: 2 }],
      true,
      'A    B\n---  ---\n1\n     2\n',
    ],
    ['table of an object without plain fields', 'table', { a: {} }, false, '\n'],
    ['table of an empty list', 'table', [], false, '\n'],
  ];
  for (const [title, format, value, queried, expected] of cases) {
    test(title, async () => {
      assert.equal(await formatResult(value, { ...plain, format, queried }), expected);
    });
  }

  test("a command's own rows make its table, unless a query was given", async () => {
    const table = (): unknown => [{ Z: 1, A: 2 }];
    assert.equal(await formatResult({}, { ...plain, format: 'table', table }), 'Z    A\n---  ---\n1    2\n');
    const queried = await formatResult([{ q: 1 }], { ...plain, format: 'table', table, queried: true });
    assert.equal(queried, 'Q\n---\n1\n');
  });

  test('colours leave the text as it is', async () => {
    const text = await formatResult({ a: 'b: "c"', n: -1.5, t: true }, { ...plain, format: 'json' });
    const coloured = colourJson(text);
    assert.notEqual(coloured, text);
    assert.equal(coloured.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), ''), text);
  });
});

describe('the shape of resources', () => {
  test('properties are flattened at every depth and resourceGroup is read from ids', () => {
    const id = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v';
    const shown = presentResource({
      id,
      name: 'v',
      properties: {
        subnets: [{ id: `${id}/subnets/a`, name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }],
      },
    });
    assert.deepEqual(shown, {
      id,
      name: 'v',
      resourceGroup: 'rg',
      subnets: [{ id: `${id}/subnets/a`, name: 'a', addressPrefix: '10.0.0.0/24', resourceGroup: 'rg' }],
    });
  });

  test('a resource group keeps its properties and has no resourceGroup', () => {
    const group = {
      id: '/subscriptions/s/resourceGroups/rg',
      name: 'rg',
      properties: { provisioningState: 'Succeeded' },
    };
    assert.deepEqual(presentGroup(group), { ...group, managedBy: null, tags: null });
  });

  test('an older spelling answers in a query and is not printed', async () => {
    const shown = { ipConfigurations: [{ privateIPAddress: '10.42.2.4' }] };
    const ask = async (expression: string): Promise<unknown> => (await compileQuery(expression))(shown);
    assert.equal(await ask('ipConfigurations[0].privateIPAddress'), '10.42.2.4');
    assert.equal(await ask('ipConfigurations[0].privateIpAddress'), '10.42.2.4');
    assert.deepEqual(await ask('ipConfigurations[].*[]'), ['10.42.2.4']);
    addOlderSpellings(shown);
    const text = await formatResult(shown, { ...plain, format: 'json' });
    assert.doesNotMatch(text, /privateIpAddress/);
  });

  test('a query that cannot be read is a usage error', async () => {
    await assert.rejects(compileQuery('[?x=='), {
      exitCode: 2,
      message: "argument --query: invalid jmespath_type value: '[?x=='",
    });
  });
});
