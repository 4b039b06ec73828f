// What expressions of templates come to, and what is refused. Values are those of
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateText, type TemplateScope } from './template-evaluator.ts';
import { TemplateError } from './template-expression.ts';
import { TemplateWork } from './template-work.ts';

const scope: TemplateScope = {
  site: { subscriptionId: 's', resourceGroup: 'rg', location: 'westeurope' },
  parameter: name => ({ name: 'fw', list: ['a', 'b'], nested: { Deep: [{ x: 1 }] }, none: null })[name],
  variable: name => `<${name}>`,
  userFunction: () => undefined,
  deployment: () => undefined,
  depth: 0,
  loops: new Map([
    ['outer', 3],
    ['inner', 1],
  ]),
  lambda: new Map(),
  calls: 0,
  work: new TemplateWork({}),
};
const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';

const VALUES: readonly (readonly [string, unknown])[] = [
  ['plain', 'plain'],
  ['[[not an expression]', '[not an expression]'],
  ['[only a bracket', '[only a bracket'],
  ["['it''s']", "it's"],
  ["[parameters('name')]", 'fw'],
  ["[ PARAMETERS( 'name' ) ]", 'fw'],
  ["[variables('v')]", '<v>'],
  ["[concat(parameters('name'), '/', 'g', 1)]", 'fw/g1'],
  ["[concat(parameters('list'), createArray('c'))]", ['a', 'b', 'c']],
  ["[parameters('nested').deep[0].x]", 1],
  ["[parameters('nested').?shallow.?x]", null],
  ["[parameters('none').?x]", null],
  ["[parameters('list')[1]]", 'b'],
  ["[format('{0}-{1:D3}-{{x}}', parameters('name'), 7)]", 'fw-007-{x}'],
  ["[resourceId('Microsoft.Network/ipGroups', 'x')]", `${network}/ipGroups/x`],
  [
    "[resourceId('Microsoft.Network/firewallPolicies/ruleCollectionGroups', 'p', 'g')]",
    `${network}/firewallPolicies/p/ruleCollectionGroups/g`,
  ],
  [
    "[resourceId('other', 'Microsoft.Network/ipGroups', 'x')]",
    '/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/ipGroups/x',
  ],
  [
    "[resourceId('sub', 'other', 'Microsoft.Network/ipGroups', 'x')]",
    '/subscriptions/sub/resourceGroups/other/providers/Microsoft.Network/ipGroups/x',
  ],
  ['[resourceGroup().location]', 'westeurope'],
  ['[subscription().subscriptionId]', 's'],
  ["[toLower('AbC')]", 'abc'],
  ["[if(equals(1, 2), parameters('list')[9], 'else')]", 'else'],
  ['[and(true(), not(false()), greater(2, 1))]', true],
  ["[or(false(), lessOrEquals('a', 'b'))]", true],
  ['[copyIndex()]', 1],
  ["[copyIndex('outer', 10)]", 13],
  ["[contains(parameters('nested'), 'DEEP')]", true],
  ["[split('a,b;c', createArray(',', ';'))]", ['a', 'b', 'c']],
  ["[join(range(3, 3), '.')]", '3.4.5'],
  ['[union(createArray(1, 2), createArray(2, 3))]', [1, 2, 3]],
  ['[union(json(\'{"a":{"b":1}}\'), json(\'{"a":{"c":2}}\'))]', { a: { b: 1, c: 2 } }],
  ['[intersection(createArray(1, 2), createArray(2, 3))]', [2]],
  ['[string(json(\'[1, "x"]\'))]', '[1,"x"]'],
  ['[string(true())]', 'True'],
  ["[substring('abcdef', 2, 3)]", 'cde'],
  ["[padLeft(7, 3, '0')]", '007'],
  ['[div(-7, 2)]', -3],
  ["[coalesce(null(), 'x')]", 'x'],
  ['[empty(createArray())]', true],
  ["[cidrSubnet('10.144.0.0/20', 24, 3)]", '10.144.3.0/24'],
  ["[cidrHost('10.144.3.0/24', 0)]", '10.144.3.1'],
  ["[parseCidr('10.144.0.0/20').lastUsable]", '10.144.15.254'],
  [
    "[map(parameters('list'), lambda('x', format('{0}.example.org', lambdaVariables('x'))))]",
    ['a.example.org', 'b.example.org'],
  ],
  ["[filter(range(0, 5), lambda('n', greater(lambdaVariables('n'), 3)))]", [4]],
  [
    "[items(createObject('b', 1, 'a', 2))]",
    [
      { key: 'a', value: 2 },
      { key: 'b', value: 1 },
    ],
  ],
];

for (const [text, value] of VALUES)
  test(`${text} is ${JSON.stringify(value)}`, () => assert.deepEqual(evaluateText(text, scope), value));

const REFUSALS: readonly (readonly [string, RegExp])[] = [
  ["[uniqueString('x')]", /'uniqueString' cannot be evaluated: .*hash/],
  ["[reference('x').properties]", /'reference' cannot be evaluated: it asks Azure/],
  ["[listKeys('x', '2020-01-01')]", /'listKeys' cannot be evaluated: it asks Azure/],
  ['[unheardOf(1)]', /'unheardOf' is not supported/],
  ["[concat('a', ]", /lacks a function or a value where it ends/],
  ["[concat('a') 'b']", /lacks the end before ''?b/],
  ["[parameters('list')[2]]", /has no member 2/],
  ["[parameters('nested').other]", /has no member "other"/],
  ["[resourceId('Microsoft.Network/ipGroups')]", /make no resource/],
  ["[add('1', 2)]", /add: "1" is no whole number/],
  ["[format('{1}', 'a')]", /names \{1\}, which is not given/],
  ["[copyIndex('elsewhere')]", /no loop 'elsewhere' is running/],
  ['[range(0, 1000000)]', /no length of a list/],
  ['[div(1, 0)]', /division by 0/],
  ["[cidrHost('2001:db8::/32', 1)]", /no IPv4 network/],
];

for (const [text, message] of REFUSALS)
  test(`${text} is refused`, () =>
    assert.throws(
      () => evaluateText(text, scope),
      (error: unknown) => error instanceof TemplateError && message.test(error.message),
    ));

test('a location that nobody gave has no value', () => {
  const site = { ...scope.site, location: undefined };
  assert.throws(() => evaluateText('[resourceGroup().location]', { ...scope, site }), /--location/);
});
