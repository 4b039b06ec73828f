// Long-running operations, edits and errors, against scripted answers.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Arm } from './arm.ts';
import { ArmRequestError } from './errors.ts';
import type { HttpRequest, HttpResponse } from './transport.ts';

const PATH = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/azureFirewalls/fw';

interface Scripted {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers in order; the last one for ever. Remembers requests and pauses. */
function scripted(answers: readonly Scripted[]) {
  const seen: HttpRequest[] = [];
  const waits: number[] = [];
  const arm = new Arm({
    subscription: 's',
    tenant: 't',
    random: () => 0.5,
    wait: async ms => void waits.push(ms),
    transport: async (request): Promise<HttpResponse> => {
      const { status, body, headers = {} } = answers[Math.min(seen.length, answers.length - 1)] as Scripted;
      seen.push(request);
      return { status, body, headers };
    },
  });
  return { arm, seen, waits, lines: () => seen.map(({ method, path }) => `${method} ${path.split('?')[0]}`) };
}

const done = {
  status: 200,
  body: { name: 'fw', etag: '"2"', properties: { provisioningState: 'Succeeded' } },
};
const busy = { status: 200, body: { name: 'fw', properties: { provisioningState: 'Updating' } } };

describe('long-running operations', () => {
  const operation = {
    'azure-asyncoperation': 'https://127.0.0.1:99/subscriptions/s/operations/1?api-version=2024-05-01',
  };

  test('Azure-AsyncOperation is asked until it succeeds, with its Retry-After, then the resource', async () => {
    const { arm, waits, lines } = scripted([
      { ...busy, status: 201, headers: operation },
      { status: 200, body: { status: 'InProgress' }, headers: { 'retry-after': '3' } },
      { status: 200, body: { status: 'Succeeded' } },
      done,
    ]);
    assert.deepEqual(await arm.put(PATH, {}), done.body);
    assert.deepEqual(waits, [3000]);
    const poll = 'GET /subscriptions/s/operations/1';
    assert.deepEqual(lines(), [`PUT ${PATH}`, poll, poll, `GET ${PATH}`]);
  });

  test('links are followed on our own connection, whatever host they name', async () => {
    const { arm, seen } = scripted([
      { ...busy, headers: { 'azure-asyncoperation': 'https://elsewhere.example.org/x?api-version=1' } },
      { status: 200, body: { status: 'Succeeded' } },
      done,
    ]);
    await arm.put(PATH, {});
    assert.equal(seen[1]?.path, '/x?api-version=1');
  });

  test('a failed operation fails with its code and status 1', async () => {
    const { arm } = scripted([
      { ...busy, headers: operation },
      {
        status: 200,
        body: { status: 'Failed', error: { code: 'FirewallNotApplied', message: 'No gateway.' } },
      },
    ]);
    await assert.rejects(arm.put(PATH, {}), (error: unknown) => {
      assert.ok(error instanceof ArmRequestError);
      assert.equal(error.exitCode, 1);
      assert.match(error.message, /^\(FirewallNotApplied\) No gateway\./);
      return true;
    });
  });

  test('202 with Location is asked until it is not 202', async () => {
    const location = { location: 'https://127.0.0.1:99/subscriptions/s/operationresults/1?api-version=1' };
    const { arm, waits } = scripted([
      { status: 202, headers: location },
      { status: 202, headers: { 'retry-after': '1' } },
      { status: 202, headers: {} },
      { status: 204 },
    ]);
    await arm.delete(PATH);
    assert.deepEqual(waits, [1000, 1000]);
  });

  test('an unfinished state without a header is asked for until it is final', async () => {
    const { arm, lines } = scripted([busy, busy, done]);
    assert.deepEqual(await arm.put(PATH, {}), done.body);
    assert.deepEqual(lines(), [`PUT ${PATH}`, `GET ${PATH}`, `GET ${PATH}`]);
  });

  test('--no-wait sends one request', async () => {
    const { arm, seen } = scripted([{ ...busy, headers: operation }]);
    assert.equal(await arm.put(PATH, {}, { noWait: true }), undefined);
    assert.equal(seen.length, 1);
  });
});

describe('edits', () => {
  const read = (etag: string): Scripted => ({
    status: 200,
    body: { name: 'fw', etag, properties: { n: 1 } },
  });
  const overtaken = { status: 412, body: { error: { code: 'PreconditionFailed', message: 'No.' } } };

  test('an edit that somebody overtook reads again and writes with the new etag', async () => {
    const { arm, seen, waits } = scripted([read('"1"'), overtaken, read('"2"'), done]);
    await arm.edit(PATH, resource => ({ ...resource, edited: true }));
    assert.deepEqual(seen.map(({ headers }) => headers?.['if-match']).filter(Boolean), ['"1"', '"2"']);
    assert.equal(waits.length, 1);
    assert.deepEqual(seen[3]?.body, { name: 'fw', properties: { n: 1 }, edited: true });
  });

  test('an edit that is always overtaken gives up with the error of the server', async () => {
    const answers = Array.from({ length: 200 }, (_, index) => (index % 2 ? overtaken : read('"1"')));
    const { arm, waits } = scripted(answers);
    await assert.rejects(
      arm.edit(PATH, resource => resource),
      /PreconditionFailed/,
    );
    assert.equal(waits.length, 49);
  });

  test('an edit that changes nothing writes nothing', async () => {
    const { arm, lines } = scripted([read('"1"')]);
    await arm.edit(PATH, () => undefined);
    assert.deepEqual(lines(), [`GET ${PATH}`]);
  });

  test('etags and states are not sent back, at any depth', async () => {
    const body = {
      etag: '"1"',
      properties: {
        provisioningState: 'Succeeded',
        list: [{ etag: 'x', properties: { provisioningState: 'y', kept: 1 } }],
      },
    };
    const { arm, seen } = scripted([{ status: 200, body }, done]);
    await arm.edit(PATH, resource => resource);
    assert.deepEqual(seen[1]?.body, { properties: { list: [{ properties: { kept: 1 } }] } });
  });
});

describe('requests', () => {
  test('a name cannot leave its path segment', () => {
    const { arm } = scripted([done]);
    assert.equal(
      arm.networkPath('r/g', 'azureFirewalls', 'a?b#c/d'),
      '/subscriptions/s/resourceGroups/r%2Fg/providers/Microsoft.Network/azureFirewalls/a%3Fb%23c%2Fd',
    );
    assert.throws(() => arm.networkPath('rg', 'azureFirewalls', '..'), { exitCode: 2 });
    assert.throws(() => arm.groupPath(''), { exitCode: 2 });
  });

  test('the api-version is the one of the type', async () => {
    const { arm, seen } = scripted([done]);
    await arm.get(PATH);
    await arm.get(arm.groupPath('rg'));
    assert.deepEqual(
      seen.map(({ path }) => path.split('?')[1]),
      ['api-version=2024-05-01', 'api-version=2021-04-01'],
    );
  });

  test('pages of a list are joined', async () => {
    const { arm, seen } = scripted([
      { status: 200, body: { value: [1, 2], nextLink: 'https://h/next?api-version=1&skip=2' } },
      { status: 200, body: { value: [3] } },
    ]);
    assert.deepEqual(await arm.list('/list'), [1, 2, 3]);
    assert.equal(seen[1]?.path, '/next?api-version=1&skip=2');
  });

  test('a busy server is asked again, four times at most', async () => {
    const tooMany = {
      status: 429,
      body: { error: { code: 'TooManyRequests', message: 'Slow.' } },
      headers: { 'retry-after': '2' },
    };
    const { arm, waits } = scripted([tooMany]);
    await assert.rejects(arm.get(PATH), /\(TooManyRequests\) Slow\./);
    assert.deepEqual(waits, [2000, 2000, 2000]);
  });

  test('errors carry code, message, target and details', async () => {
    const error = {
      code: 'InvalidRequest',
      message: 'Two faults.',
      target: 'rules',
      details: [
        { code: 'A', message: 'first', target: 'x' },
        { code: 'B', message: 'second' },
      ],
    };
    const { arm } = scripted([{ status: 400, body: { error } }]);
    await assert.rejects(arm.get(PATH), {
      exitCode: 1,
      message: [
        '(InvalidRequest) Two faults.',
        'Code: InvalidRequest',
        'Message: Two faults.',
        'Target: rules',
        'Exception Details:',
        '\t(A) first',
        '\tCode: A',
        '\tMessage: first',
        '\tTarget: x',
        '\t(B) second',
        '\tCode: B',
        '\tMessage: second',
      ].join('\n'),
    });
  });

  test('an answer that is no ARM error is shown as it came', async () => {
    const { arm } = scripted([{ status: 502, body: 'Bad gateway' }]);
    await assert.rejects(arm.get(PATH), { exitCode: 1, message: /^\(HTTP502\) .*502: Bad gateway/ });
  });
});
