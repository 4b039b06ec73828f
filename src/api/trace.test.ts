// Replays what the real Azure CLI sent, from a recording that is not part of the project, and looks that our answers
// hold everything that the recorded ones did: those were enough for every command to end well.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isObject } from '#arm/json-reader.ts';
import { assertOk, createTestApi, ORIGIN, S, SECRET, type TestApi } from './api-fixture.ts';

const TRACE =
  process.env.POSTERN_ARM_TRACE ?? join(import.meta.dirname, '../../../shared/data/arm-trace.jsonl');

interface Exchange {
  readonly n: number;
  readonly case: string;
  readonly cliCommand: string | null;
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly body: unknown;
  readonly responseStatus: number;
  readonly responseBody: unknown;
}

const present = existsSync(TRACE);
const exchanges: Exchange[] = !present
  ? []
  : readFileSync(TRACE, 'utf8')
      .trim()
      .split('\n')
      .map(
        line =>
          JSON.parse(
            line
              .replaceAll('<port>', new URL(ORIGIN).port)
              .replaceAll('<secret>', encodeURIComponent(SECRET)),
          ) as Exchange,
      );

/** Clusters, identities, roles and the Kubernetes API are not here; operations have names of our own. */
const ELSEWHERE =
  /containerservice|managedidentity|microsoft\.authorization|^\/k8s|^\/graph|\/operations\/|\/operationresults\//i;
/** Values that differ from run to run, and words of our own. */
const VOLATILE = new Set([
  'etag',
  'resourceGuid',
  'provisioningState',
  'message',
  'access_token',
  'displayName',
  'registrationPolicy',
  'resourceTypes',
  'issuer',
  'device_authorization_endpoint',
  'response_types_supported',
  'id_token_signing_alg_values_supported',
]);

/** What `expected` has and `actual` has not, as paths. */
function missing(expected: unknown, actual: unknown, path = '$'): string[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length)
      return [`${path} (array of ${expected.length})`];
    return expected.flatMap((item, index) => missing(item, actual[index], `${path}[${index}]`));
  }
  if (isObject(expected)) {
    if (!isObject(actual)) return [path];
    return Object.entries(expected)
      .filter(([key, value]) => !VOLATILE.has(key) && !(isObject(value) && Object.keys(value).length === 0))
      .flatMap(([key, value]) => missing(value, actual[key], `${path}.${key}`));
  }
  return expected === null || expected === actual
    ? []
    : [`${path}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`];
}

/** Tokens for Microsoft Graph, which only clusters with identities of their own ask for. */
function wantsGraph({ body }: Exchange): boolean {
  return typeof body === 'string' && /scope=[^&]*graph/i.test(body);
}

async function send({ fetch, token }: TestApi, { method, path, query, body }: Exchange) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const url = `${ORIGIN}${path}${query ? `?${query}` : ''}`;
  return await fetch(new Request(url, { method, headers, ...(body === null ? {} : { body: text }) }));
}

describe('the recording of the real CLI', {
  skip: present ? false : `there is no recording at ${TRACE}`,
}, () => {
  // The case 'rest' is left out: its network has a name of one letter, which Azure does not allow.
  for (const name of ['login', 'sync', 'async', 'ext-1.3.0', 'misc', 'hybrid']) {
    it(`is answered with all that its case '${name}' needs`, async () => {
      const test = await createTestApi({ publicIpPool: ['52.253.228.132/32'] });
      if (name === 'hybrid')
        assertOk(await test.call('PUT', `${S}/resourceGroups/g1`, { location: 'eastus' }), 201);
      const chosen = exchanges.filter(
        exchange => exchange.case === name && !ELSEWHERE.test(exchange.path) && !wantsGraph(exchange),
      );
      assert.ok(chosen.length > 0);
      for (const exchange of chosen) {
        const { n, method, path, cliCommand, responseStatus, responseBody } = exchange;
        const answer = await send(test, exchange);
        const label = `#${n} ${cliCommand ?? ''} ${method} ${path}: ${answer.text}`;
        assert.equal(answer.status, responseStatus, label);
        assert.deepEqual(missing(responseBody, answer.body), [], label);
      }
    });
  }
});
