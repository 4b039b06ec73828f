// Whatever describes a policy becomes documents with their places, and what does not is named with its file, line and path.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { presentResource } from '#cli/az/present.ts';
import {
  formatDocumentFault,
  type ReadDocuments,
  type ReadOptions,
  readDocuments,
} from './read-documents.ts';

const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
const site = { subscriptionId: 's', resourceGroup: 'rg', location: undefined };
const group = { id: `${network}/ipGroups/g`, name: 'g', ipAddresses: ['10.0.0.0/24'], resourceGroup: 'rg' };

function read(value: unknown, options: ReadOptions = {}): ReadDocuments {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 1);
  return readDocuments([{ file: 'f.json', text }], { site, ...options });
}

function template(resources: unknown, more: object = {}): object {
  return { $schema: 'https://x/2019-04-01/deploymentTemplate.json#', ...more, resources };
}

const ids = ({ documents }: ReadDocuments): string[] =>
  documents.map(({ document }) => document.id.replace(`${network}/`, ''));
const faults = ({ faults: found }: ReadDocuments): string[] => found.map(formatDocumentFault);

test('what az prints of one resource, of a list, and what ARM answers to a list', () => {
  for (const value of [group, [group], { value: [group] }]) {
    const { documents, faults: found } = read(value);
    assert.deepEqual(found, []);
    assert.deepEqual(documents[0]?.document.properties, { ipAddresses: ['10.0.0.0/24'] });
  }
});

test('a document knows its file, path and line', () => {
  assert.deepEqual(read([group, { ...group, id: `${network}/ipGroups/h` }]).documents[1]?.place, {
    file: 'f.json',
    path: '[1]',
    line: 10,
    column: 2,
  });
});

test('a byte order mark and comments are no faults; faults of JSON have line and column', () => {
  assert.deepEqual(faults(read(`\uFEFF// x\n${JSON.stringify(group)} /* y */`)), []);
  const broken: readonly (readonly [string, RegExp])[] = [
    ['', /^f\.json:1:1: .*missing/],
    ['{\n  "a": 1,\n}', /^f\.json:3:1: a member's name .*missing/],
    ['[1 2]', /^f\.json:1:4: ',' is missing/],
    ['{"a": 1,\n "a": 2}', /^f\.json:2:2: 'a' stands twice/],
    ["{'a': 1}", /^f\.json:1:2: this is no JSON value/],
    ['['.repeat(300) + ']'.repeat(300), /^f\.json:1:1: the values are nested deeper than 200 levels/],
    ['['.repeat(100_000), /^f\.json:1:1: the values are nested deeper than 200 levels/],
  ];
  for (const [text, message] of broken) assert.match(faults(read(text)).join('\n'), message, text);
});

test('resources that say nothing about a firewall are listed, and a file of parameters is', () => {
  const { ignored, documents } = read([group, { id: `${network}/loadBalancers/lb`, name: 'lb' }]);
  assert.equal(documents.length, 1);
  assert.deepEqual(ignored[0]?.type, 'Microsoft.Network/loadBalancers');
  assert.deepEqual(ignored[0]?.name, 'lb');
  const parameters = read({ $schema: 'https://x/2015-01-01/deploymentParameters.json#', parameters: {} });
  assert.equal(parameters.ignored[0]?.type, 'parameter file');
});

test('what is no resource is a fault, and so is one that is described twice', () => {
  assert.match(faults(read({ a: 1 }))[0] ?? '', /f\.json:1:1: 'id' and 'name' are missing/);
  assert.match(faults(read([1]))[0] ?? '', /f\.json:2:2: \[0\]: expected a JSON object/);
  assert.match(
    faults(read({ id: 'nonsense', name: 'n' }))[0] ?? '',
    /'nonsense' is not the id of a resource/,
  );
  assert.match(faults(read([group, group]))[0] ?? '', /\[1\]: .* a second time; the first is in f\.json:2/);
});

const groupResource = (name: unknown, more: object = {}): object => ({
  type: 'Microsoft.Network/ipGroups',
  name,
  properties: { ipAddresses: [] },
  ...more,
});

test('names of a template are evaluated, and children stand below their parent however they are written', () => {
  const child = { properties: { priority: 100 } };
  const type = 'Microsoft.Network/firewallPolicies/ruleCollectionGroups';
  const policy = { type: 'Microsoft.Network/firewallPolicies', name: "[parameters('p')]", properties: {} };
  const found = read(
    template(
      [
        {
          ...policy,
          resources: [
            { type: 'ruleCollectionGroups', name: 'short', ...child },
            { type, name: 'full', ...child },
          ],
        },
        { type, name: "[concat(parameters('p'), '/', 'beside')]", ...child },
      ],
      { parameters: { p: { type: 'string', defaultValue: 'pol' } } },
    ),
  );
  assert.deepEqual(faults(found), []);
  assert.deepEqual(ids(found), [
    'firewallPolicies/pol',
    'firewallPolicies/pol/ruleCollectionGroups/short',
    'firewallPolicies/pol/ruleCollectionGroups/full',
    'firewallPolicies/pol/ruleCollectionGroups/beside',
  ]);
  assert.equal(found.documents[1]?.place.path, 'resources[0].resources[0]');
});

test('loops make one resource, one value or one variable a round', () => {
  const found = read(
    template(
      [
        groupResource("[format('g{0}', copyIndex(1))]", {
          copy: { name: 'groups', count: "[length(variables('sites'))]" },
          properties: {
            copy: [
              {
                name: 'ipAddresses',
                count: 2,
                input: "[format('10.{0}.{1}.0/24', copyIndex('groups'), copyIndex('ipAddresses'))]",
              },
            ],
          },
        }),
      ],
      { variables: { copy: [{ name: 'sites', count: 2, input: "[copyIndex('sites')]" }] } },
    ),
  );
  assert.deepEqual(faults(found), []);
  assert.deepEqual(ids(found), ['ipGroups/g1', 'ipGroups/g2']);
  assert.deepEqual(found.documents[1]?.document.properties, { ipAddresses: ['10.1.0.0/24', '10.1.1.0/24'] });
});

test('conditions decide, and what they leave out is listed', () => {
  const found = read(
    template([groupResource('a', { condition: '[equals(1, 1)]' }), groupResource('b', { condition: false })]),
  );
  assert.deepEqual(ids(found), ['ipGroups/a']);
  assert.equal(found.ignored[0]?.name, 'b (its condition is false)');
});

test('resources by symbolic names, with those that only stand for others left out', () => {
  const found = read(
    template({ one: groupResource('one'), other: groupResource('other', { existing: true }) }),
  );
  assert.deepEqual(ids(found), ['ipGroups/one']);
  assert.equal(found.ignored[0]?.name, 'other (made elsewhere)');
});

test('deployments inside a template have their own parameters, or those around them', () => {
  const deployment = (options: object, inner: object, more: object = {}): object => ({
    type: 'Microsoft.Resources/deployments',
    name: 'module',
    ...more,
    properties: { ...options, template: inner },
  });
  const parameters = { n: { type: 'string' } };
  const found = read(
    template(
      [
        deployment(
          {
            expressionEvaluationOptions: { scope: 'inner' },
            parameters: { n: { value: "[concat('in', parameters('n'))]" } },
          },
          template([groupResource("[parameters('n')]")], { parameters }),
        ),
        deployment({}, template([groupResource("[concat('out', parameters('n'))]")]), {
          resourceGroup: 'other',
        }),
      ],
      { parameters },
    ),
    { parameters: [['N', { text: '1' }]] },
  );
  assert.deepEqual(faults(found), []);
  assert.deepEqual(ids(found), [
    'ipGroups/in1',
    '/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/ipGroups/out1',
  ]);
  const linked = read(template([{ ...deployment({}, {}), properties: { templateLink: { uri: 'x' } } }]));
  assert.match(
    faults(linked)[0] ?? '',
    /resources\[0\]: a template behind a link \(properties\.templateLink\) cannot be read/,
  );
});

test('values of parameters fit their type and the allowed ones, and what is missing is asked for by name', () => {
  const declared = {
    s: { type: 'string', allowedValues: ['a', 'b'] },
    i: { type: 'int', defaultValue: 1 },
    secret: { type: 'securestring' },
  };
  const one = (expression: string, given: ReadOptions['parameters'] = []): string =>
    faults(read(template([groupResource(expression)], { parameters: declared }), { parameters: given })).join(
      '\n',
    );
  assert.match(
    one("[parameters('s')]"),
    /resources\[0\]\.name: parameter 's' has no value; give one: --parameters s=VALUE/,
  );
  assert.match(one("[parameters('s')]", [['s', { text: 'c' }]]), /parameter 's': "c" is none of "a", "b"/);
  assert.match(one("[string(parameters('i'))]", [['i', { text: 'x' }]]), /parameter 'i': 'x' is no int/);
  assert.match(one("[string(parameters('i'))]", [['i', { value: '2' }]]), /parameter 'i': "2" is no int/);
  assert.match(
    one("[parameters('secret')]", [['secret', { refused: 'its value is in a key vault' }]]),
    /key vault/,
  );
  assert.match(one("[parameters('t')]"), /the template has no parameter 't'/);
  assert.equal(one("[concat('x', parameters('i'))]"), '');
  assert.deepEqual(read(template([]), { parameters: [['s', { text: 'a' }]] }).unknownParameters, ['s']);
});

test('a parameter without a value is asked for once, at the first place that uses it', () => {
  const parameters = { a: { type: 'string' }, b: { type: 'string' } };
  const uses = [
    groupResource("[concat('x', parameters('a'))]"),
    groupResource("[parameters('a')]"),
    groupResource("[parameters('b')]"),
  ];
  assert.deepEqual(
    faults(read(template(uses, { parameters }))).map(fault => /resources.*has no value/.exec(fault)?.[0]),
    [
      "resources[0].name: concat: parameter 'a' has no value",
      "resources[2].name: parameter 'b' has no value",
    ],
  );
});

test('a definition that goes round in circles is a fault', () => {
  const found = read(
    template([groupResource("[variables('a')]")], {
      variables: { a: "[variables('b')]", b: "[variables('a')]" },
    }),
  );
  assert.match(faults(found)[0] ?? '', /variable 'a' is defined by itself/);
});

test('only what says something about a firewall must have a value: labels and places need none', () => {
  const found = read(
    template([
      groupResource('g', { location: '[resourceGroup().location]', tags: { made: '[utcNow()]' } }),
      {
        type: 'Microsoft.Compute/virtualMachines',
        name: "[uniqueString('x')]",
        properties: { a: '[nonsense(]' },
      },
    ]),
  );
  assert.deepEqual(faults(found), []);
  assert.deepEqual(ids(found), ['ipGroups/g']);
  assert.equal(found.documents[0]?.document.location, undefined);
  assert.equal(found.ignored[0]?.name, "[uniqueString('x')]");
});

test('an export with comments, parameters and references becomes a complete set of documents', () => {
  const file = join(import.meta.dirname, '../../test/policies/aks-export.jsonc');
  const found = readDocuments([{ file, text: readFileSync(file, 'utf8') }], {
    site,
    parameters: [['region', { text: 'westeurope' }]],
  });
  assert.deepEqual(faults(found), []);
  assert.deepEqual(ids(found), [
    'ipGroups/ipg-nodes',
    'publicIPAddresses/pip-fw',
    'firewallPolicies/fwp-base',
    'firewallPolicies/fwp-aks',
    'firewallPolicies/fwp-base/ruleCollectionGroups/DefaultNetworkRuleCollectionGroup',
    'firewallPolicies/fwp-aks/ruleCollectionGroups/aks',
    'azureFirewalls/fw-aks',
  ]);
  assert.deepEqual(
    found.ignored.map(({ type, name }) => [type, name]),
    [['Microsoft.Compute/virtualMachines', 'jump']],
  );
  assert.deepEqual(found.documents.at(-1)?.document.properties.firewallPolicy, {
    id: `${network}/firewallPolicies/fwp-aks`,
  });
});

test('children of a resource whose condition is false are made all the same', () => {
  const parent = {
    type: 'Microsoft.Network/firewallPolicies',
    name: 'p',
    condition: false,
    resources: [{ type: 'ruleCollectionGroups', name: 'g', properties: {} }],
  };
  assert.deepEqual(ids(read(template([parent]))), ['firewallPolicies/p/ruleCollectionGroups/g']);
});

test('outputs of a module are known by id and by symbolic name, as far as they can be evaluated', () => {
  const module = {
    type: 'Microsoft.Resources/deployments',
    name: 'm',
    properties: {
      expressionEvaluationOptions: { scope: 'inner' },
      parameters: { n: { value: 'base' } },
      template: template([groupResource("[parameters('n')]")], {
        parameters: { n: { type: 'string' } },
        outputs: {
          id: { type: 'string', value: "[resourceId('Microsoft.Network/ipGroups', parameters('n'))]" },
          key: { type: 'string', value: "[listKeys('x', '2024-01-01')]" },
        },
      }),
    },
  };
  const user = (expression: string): object =>
    groupResource('user', { properties: { ipAddresses: [expression] } });
  const byId =
    "[reference(resourceId('Microsoft.Resources/deployments', 'm'), '2022-09-01').outputs.id.value]";
  for (const resources of [
    [module, user(byId)],
    { m: module, user: user("[reference('m').outputs.id.value]") },
  ]) {
    const found = read(template(resources));
    assert.deepEqual(faults(found), []);
    assert.deepEqual(found.documents.at(-1)?.document.properties, {
      ipAddresses: [`${network}/ipGroups/base`],
    });
  }
  const unknown = read(template({ m: module, user: user("[reference('m').outputs.key.value]") }));
  assert.match(
    faults(unknown)[0] ?? '',
    /resources\.user\.properties\.ipAddresses\[0\]: .* has no member "key"/,
  );
  const self = { ...module, name: byId };
  assert.match(faults(read(template([self, user(byId)])))[0] ?? '', /deployments\/m' is defined by itself/);
});

test('what az shows of the documents of an export reads back as the same documents', () => {
  const file = join(import.meta.dirname, '../../test/policies/aks-export.jsonc');
  const { documents } = readDocuments([{ file, text: readFileSync(file, 'utf8') }], {
    site,
    parameters: [['region', { text: 'westeurope' }]],
  });
  const shown = documents.map(({ document }) => presentResource(document));
  const back = read(shown);
  assert.deepEqual(faults(back), []);
  assert.deepEqual(
    back.documents.map(({ document }) => document),
    documents.map(({ document }) => document),
  );
});

test('null for a parameter, as the portal exports it, is its default value', () => {
  const whole = template([groupResource("[parameters('n')]")], {
    parameters: { n: { type: 'string', defaultValue: 'g' }, m: { type: 'string' } },
  });
  const parameters = [['n', { value: null }] as const];
  assert.deepEqual(ids(read(whole, { parameters })), ['ipGroups/g']);
  const missing = template([groupResource("[parameters('n')]")], { parameters: { n: { type: 'string' } } });
  assert.match(faults(read(missing, { parameters }))[0] ?? '', /parameter 'n' has no value; give one/);
  // The export itself may have null for a default value: there is none.
  const exported = (more: object) =>
    read(
      template([groupResource("[coalesce(parameters('n'), 'other')]")], {
        parameters: { n: { type: 'string', defaultValue: null, ...more } },
      }),
    );
  assert.match(faults(exported({}))[0] ?? '', /name: coalesce: parameter 'n' has no value; give one/);
  assert.deepEqual(ids(exported({ nullable: true })), ['ipGroups/other']);
});
