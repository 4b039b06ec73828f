// Templates of a page that describe more than any machine holds. Each is read in a moment and refused; none takes the memory,
// overflows the stack or ends in an error of the language.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatDocumentFault, type PlacedDocument, readDocuments } from './read-documents.ts';

type Json = Readonly<Record<string, unknown>>;

const SCHEMA = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
const group = (properties: unknown, more: Json = {}): Json => ({
  type: 'Microsoft.Network/ipGroups',
  name: 'g',
  location: 'eastus',
  properties,
  ...more,
});

/** A template whose one IP group holds the variable `v`. */
const withVariables = (variables: Json, more: Json = {}): Json => ({
  $schema: SCHEMA,
  variables,
  resources: [group({ ipAddresses: "[variables('v')]" })],
  ...more,
});

/** Each variable is made of the one before it, written as `value`; `v` is the last. */
function chain(length: number, first: unknown, made: (value: string) => unknown): Json {
  const variables: Record<string, unknown> = { v0: first };
  for (let index = 1; index <= length; index++) variables[`v${index}`] = made(`variables('v${index - 1}')`);
  return { ...variables, v: `[variables('v${length}')]` };
}

const twice = (call: string) => (value: string) => `[${call}(${value}, ${value})]`;
const sum = (name: string) => `[add(${name}(parameters('x')), ${name}(parameters('x')))]`;
const userFunctions = (outputs: Readonly<Record<string, string>>): Json => ({
  functions: [
    {
      namespace: 'n',
      members: Object.fromEntries(
        Object.entries(outputs).map(([name, value]) => [
          name,
          { parameters: [{ name: 'x', type: 'int' }], output: { type: 'int', value } },
        ]),
      ),
    },
  ],
});
const doubling = Object.fromEntries(
  Array.from({ length: 41 }, (_, index) => [
    `f${index}`,
    index === 0 ? "[parameters('x')]" : sum(`n.f${index - 1}`),
  ]),
);

function nestedLoops(depth: number): Json {
  let resources: Json[] = [group({ ipAddresses: [] })];
  for (let level = 0; level < depth; level++)
    resources = [
      {
        type: 'Microsoft.Resources/deployments',
        name: `d${level}`,
        copy: { name: `l${level}`, count: 1000 },
        properties: { template: { resources } },
      },
    ];
  return { $schema: SCHEMA, resources };
}

const lists = "[createArray(string(variables('w')))]";
const BOMBS: Readonly<Record<string, Json>> = {
  'a text that doubles forty times': withVariables(chain(40, 'xxxxxxxxxxxxxxxx', twice('concat'))),
  'a list that doubles forty times': withVariables(chain(40, ['10.0.0.1'], twice('concat'))),
  'lists of the same list, sixty levels': withVariables(chain(60, ['10.0.0.1'], twice('createArray'))),
  'the same without a function': withVariables(
    chain(60, ['10.0.0.1'], value => [`[${value}]`, `[${value}]`]),
  ),
  'objects of the same object': withVariables(
    chain(60, 'x', value => `[createObject('a', ${value}, 'b', ${value})]`),
  ),
  'lists of the same list, as a text': withVariables({
    ...chain(30, ['10.0.0.1'], twice('createArray')),
    w: "[variables('v30')]",
    v: lists,
  }),
  'lists of the same list, in a message': withVariables({
    ...chain(40, ['10.0.0.1'], twice('createArray')),
    v: "[createArray(toLower(variables('v40')))]",
  }),
  'a text filled up to two billions': withVariables({ v: "[createArray(padLeft('a', 2000000000))]" }),
  'a number with half a billion digits': withVariables({ v: "[createArray(format('{0:D500000000}', 1))]" }),
  'texts replaced by themselves': withVariables(
    chain(6, 'aaaaaaaaaa', value => `[replace(${value}, 'a', ${value})]`),
  ),
  'a long separator in a long list': withVariables({
    v: "[createArray(join(range(0, 100000), padLeft('a', 20000, 'b')))]",
  }),
  'lambdas in lambdas': withVariables({
    v: "[map(range(0, 100000), lambda('i', length(map(range(0, 100000), lambda('j', lambdaVariables('j'))))))]",
  }),
  'a search in every item': withVariables({
    v: "[filter(range(0, 100000), lambda('i', contains(range(0, 100000), 100001)))]",
  }),
  'loops in loops': withVariables({
    v: {
      copy: [{ name: 'a', count: 100_000, input: { copy: [{ name: 'b', count: 100_000, input: 'x' }] } }],
    },
  }),
  'a loop in each round of a resource': {
    $schema: SCHEMA,
    resources: [
      group(
        { copy: [{ name: 'ipAddresses', count: 100_000, input: '10.0.0.1' }] },
        { copy: { name: 'l', count: 100_000 } },
      ),
    ],
  },
  'deployments in loops, four levels': nestedLoops(4),
  'a function that calls itself': withVariables(
    { v: '[createArray(n.f(1))]' },
    userFunctions({ f: sum('n.f') }),
  ),
  'functions that call each other twice': withVariables(
    { v: '[createArray(n.f40(1))]' },
    userFunctions(doubling),
  ),
  'a text that is a million levels of lists': withVariables({
    ...chain(20, '[', twice('concat')),
    w: "[concat(variables('v20'), replace(variables('v20'), '[', ']'))]",
    v: "[json(variables('w'))]",
  }),
};

describe('a template that describes more than a machine holds is refused', () => {
  for (const [name, template] of Object.entries(BOMBS))
    it(name, () => {
      const started = performance.now();
      const { documents, faults } = readDocuments([{ file: 't.json', text: JSON.stringify(template) }]);
      assert.equal(documents.length, 0);
      assert.equal(faults.length, 1);
      const [text = ''] = faults.map(formatDocumentFault);
      assert.match(text, /too much work|more than 10000000|deep|too (large|long|many)/);
      assert.ok(text.length < 2000, 'the message is short');
      assert.ok(performance.now() - started < 30_000, 'it took too long');
    });
});

it('lists of 100,000 numbers are compared item by item in a moment', () => {
  const { documents, faults } = readDocuments([
    {
      file: 't.json',
      text: JSON.stringify(
        withVariables({
          v: '[createArray(string(length(union(range(0, 100000), range(5, 100000)))), string(length(intersection(range(0, 100000), range(100000, 100000)))))]',
        }),
      ),
    },
  ]);
  assert.deepEqual(faults, []);
  assert.deepEqual(documents[0]?.document.properties.ipAddresses, ['100005', '0']);
});

it('a template as large as the largest that people write is read', () => {
  const rules = Array.from({ length: 5000 }, (_, index) => ({ name: `rule-${index}`, port: index }));
  const { documents, faults } = readDocuments([
    {
      file: 't.json',
      text: JSON.stringify(
        withVariables({
          rules,
          wanted: "[map(variables('rules'), lambda('r', lambdaVariables('r').name))]",
          v: "[filter(variables('wanted'), lambda('n', contains(variables('wanted'), lambdaVariables('n'))))]",
        }),
      ),
    },
  ]);
  assert.deepEqual(faults, []);
  const [{ document }] = documents as [PlacedDocument];
  assert.equal((document.properties.ipAddresses as unknown[]).length, 5000);
});
