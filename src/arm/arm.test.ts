// ARM's values: ids, errors, etags, operations, and the strict reader of requests.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ArmError, errorOfFaults, refuseFaults, toErrorEnvelope } from './arm-error.ts';
import { formatOperationName, parseOperationName } from './async-operation.ts';
import { checkEtag, formatEtag } from './etag.ts';
import { Faults, JsonReader } from './json-reader.ts';
import { LOCATIONS, normalizeLocation } from './locations.ts';
import {
  formatResourceId,
  groupKeyOf,
  idKey,
  nameOfId,
  parentOfId,
  parseResourceId,
  sameId,
  typeOfId,
} from './resource-id.ts';

describe('resource ids', () => {
  const subnet = '/subscriptions/s/resourceGroups/Rg/providers/Microsoft.Network/virtualNetworks/v/subnets/a';

  it("are read in any case of the fixed words and printed in Azure's", () => {
    const id = parseResourceId(
      subnet.replace('resourceGroups', 'RESOURCEgroups').replace('providers', 'Providers'),
    );
    assert.ok(id);
    assert.equal(formatResourceId(id), subnet);
    assert.equal(typeOfId(id), 'Microsoft.Network/virtualNetworks/subnets');
    assert.equal(nameOfId(id), 'a');
    assert.equal(formatResourceId(parentOfId(id) ?? id), subnet.replace('/subnets/a', ''));
    assert.equal(groupKeyOf(subnet), 'rg');
  });

  it('may be of a subscription, a group, or a resource of the subscription', () => {
    const types = [
      '/subscriptions/s',
      '/subscriptions/s/resourceGroups/g',
      '/subscriptions/s/providers/NS/t/n',
      subnet,
    ].map(text => {
      const id = parseResourceId(text);
      return id && [formatResourceId(id) === text, typeOfId(id), nameOfId(id), parentOfId(id) !== undefined];
    });
    assert.deepEqual(types, [
      [true, 'Microsoft.Resources/subscriptions', 's', false],
      [true, 'Microsoft.Resources/resourceGroups', 'g', false],
      [true, 'NS/t', 'n', false],
      [true, 'Microsoft.Network/virtualNetworks/subnets', 'a', true],
    ]);
    assert.equal(groupKeyOf('/subscriptions/s/resourceGroups/g'), '');
  });

  it('are nothing else', () => {
    const wrong = [
      '',
      '/',
      'subscriptions/s',
      '/subscriptions',
      '/subscriptions/s/x',
      '/subscriptions/s//resourceGroups/g',
      '/subscriptions/s/providers/NS',
      '/subscriptions/s/providers/NS/t',
      `${subnet}/more`,
      '/resourceGroups/g',
    ];
    for (const text of wrong) assert.equal(parseResourceId(text), undefined, text);
  });

  it('are the same without regard to case', () => {
    assert.ok(sameId(subnet, `${subnet.toUpperCase()}/`));
    assert.equal(idKey(subnet), subnet.toLowerCase());
    assert.ok(!sameId(subnet, `${subnet}b`));
  });
});

describe('errors', () => {
  const faults = ['A', 'B', 'C'].map(code => ({ code, target: `t${code}`, message: `Message ${code}.` }));
  const [a = assert.fail(), b = assert.fail(), c = assert.fail()] = faults;

  it('of one fault are that fault', () => {
    const { error } = toErrorEnvelope(errorOfFaults(400, [a]));
    assert.deepEqual(error, { code: 'A', message: 'Message A.', target: 'tA', details: [] });
  });

  it('of several faults list them all', () => {
    assert.throws(
      () => refuseFaults([a, b, c]),
      (error: ArmError) => {
        assert.equal(error.status, 400);
        assert.match(error.message, /^Message A\. \(2 more faults/);
        assert.deepEqual(error.details, faults);
        return true;
      },
    );
    refuseFaults([]);
  });
});

describe('etags', () => {
  it("look like Azure's and differ by revision", () => {
    assert.equal(formatEtag(0x1234), 'W/"00000000-0000-0000-0000-000000001234"');
    assert.notEqual(formatEtag(1), formatEtag(2));
  });

  it('are compared weakly, and * stands for any', () => {
    const check = (
      ifMatch: string | undefined,
      ifNoneMatch: string | undefined,
      current: string | undefined,
    ) => checkEtag({ ifMatch, ifNoneMatch }, current, 'id');
    const tag = formatEtag(1);
    check(undefined, undefined, undefined);
    check(tag, undefined, tag);
    check(tag.slice(2), undefined, tag);
    check(`"other", ${tag}`, undefined, tag);
    check('*', undefined, tag);
    check(undefined, '*', undefined);
    check(undefined, '"other"', tag);
    for (const [match, none, current] of [
      ['*', undefined, undefined],
      ['"x"', undefined, tag],
      [undefined, '*', tag],
      [undefined, tag, tag],
    ] as const)
      assert.throws(
        () => check(match, none, current),
        (error: ArmError) => error.status === 412 && error.code === 'PreconditionFailed',
      );
  });
});

it('operation names hold the ids they wait for; other names are none', () => {
  const ids = ['/subscriptions/s/a', '/subscriptions/s/é'];
  assert.deepEqual(parseOperationName(formatOperationName(ids)), ids);
  assert.match(formatOperationName(ids), /^[\w-]+$/);
  for (const name of [
    '',
    'none',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('[1]').toString('base64url'),
  ])
    assert.equal(parseOperationName(name), undefined);
});

it('regions are known by both their names', () => {
  assert.equal(LOCATIONS.get(normalizeLocation('East US 2')), 'East US 2');
  assert.ok(LOCATIONS.size > 50 && !LOCATIONS.has(''));
});

describe('the reader of requests', () => {
  function read(value: unknown, work: (reader: JsonReader) => unknown) {
    const faults = new Faults();
    const result = work(new JsonReader(value, 'p', faults));
    return { result, faults: faults.list.map(({ code, target }) => `${code} ${target}`) };
  }

  it('gives values of the right kind and reports others by path', () => {
    const value = {
      text: 1,
      flag: 'yes',
      number: 1.5,
      list: 'x',
      texts: ['a', 1],
      word: 'ALLOW',
      object: [],
      tags: { a: 1, b: 'c' },
    };
    const { result, faults } = read(value, reader => [
      reader.text('text'),
      reader.boolean('flag'),
      reader.integer('number', 0, 9),
      reader.array('list'),
      reader.texts('texts'),
      reader.oneOf('word', ['Allow', 'Deny']),
      reader.object('object')?.path,
      reader.dictionary('tags'),
    ]);
    assert.deepEqual(result, [
      undefined,
      undefined,
      undefined,
      undefined,
      ['a'],
      'Allow',
      'p.object',
      { b: 'c' },
    ]);
    assert.deepEqual(
      faults,
      ['p.text', 'p.flag', 'p.number', 'p.list', 'p.texts[1]', 'p.object', 'p.tags.a'].map(
        path => `InvalidRequestFormat ${path}`,
      ),
    );
  });

  it('matches names in any case, takes null for absent and refuses a name that stands twice', () => {
    const { result, faults } = read({ LOCATION: 'x', none: null, a: 1, A: 2 }, reader => [
      reader.text('location'),
      reader.text('none'),
      reader.has('none'),
    ]);
    assert.deepEqual(result, ['x', undefined, false]);
    assert.deepEqual(faults, ['InvalidRequestFormat p.A']);
  });

  it('refuses unknown and unsupported members by name, and lets read-only and empty ones pass', () => {
    const value = { known: 1, strange: 1, readonly: 1, off: false, on: true, empty: [], full: [1] };
    const { faults } = read(value, reader => {
      reader.raw('known');
      reader.readOnly('readOnly');
      reader.unsupported(['off', 'on'], [false]);
      reader.unsupported(['empty', 'full', 'absent']);
      reader.finish();
    });
    assert.deepEqual(faults, [
      'UnsupportedProperty p.on',
      'UnsupportedProperty p.full',
      'InvalidRequestFormat p.strange',
    ]);
  });

  it('reads references by their id alone', () => {
    const value = { good: { ID: 'x', location: 'y' }, bad: {}, worse: 'x' };
    const { result, faults } = read(value, reader =>
      ['good', 'bad', 'worse', 'none'].map(key => reader.reference(key)),
    );
    assert.deepEqual(result, ['x', undefined, undefined, undefined]);
    assert.deepEqual(faults, ['MissingJsonReferenceId p.bad', 'MissingJsonReferenceId p.worse']);
  });

  it('treats names like __proto__ as any other', () => {
    const { result, faults } = read(JSON.parse('{"tags":{"__proto__":"x"},"__proto__":{"a":1}}'), reader => {
      const tags = reader.dictionary('tags');
      reader.finish();
      return Object.keys(tags ?? {});
    });
    assert.deepEqual(result, ['__proto__']);
    assert.deepEqual(faults, ['InvalidRequestFormat p.__proto__']);
  });
});
