// The login and the tokens: what a client gets, and what every wrong token is called.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SignJWT } from 'jose';
import {
  assertOk,
  assertRefused,
  createTestApi,
  ORIGIN,
  SECRET,
  START,
  SUBSCRIPTION,
  TENANT,
} from './api-fixture.ts';
import { Tokens } from './tokens.ts';

const LIST = `${ORIGIN}/subscriptions?api-version=2019-11-01`;

const withToken = (authorization?: string) =>
  new Request(LIST, authorization === undefined ? {} : { headers: { Authorization: authorization } });

it('describes its endpoints without a token', async () => {
  const { fetch } = await createTestApi();
  const endpoints = assertOk(
    await fetch(new Request(`${ORIGIN}/metadata/endpoints?api-version=2015-01-01`)),
    200,
  ).body;
  assert.deepEqual(endpoints.authentication, { loginEndpoint: `${ORIGIN}/adfs`, audiences: [`${ORIGIN}/`] });
  const discovery = assertOk(
    await fetch(new Request(`${ORIGIN}/adfs/.well-known/openid-configuration`)),
    200,
  ).body;
  assert.equal(discovery.token_endpoint, `${ORIGIN}/adfs/oauth2/token`);
  assert.match(String(discovery.authorization_endpoint), /^https:\/\/.+\/.+/);
});

it('gives a token for the client secret, which opens the subscriptions', async () => {
  const { fetch } = await createTestApi();
  const login = (form: Record<string, string>) =>
    fetch(new Request(`${ORIGIN}/adfs/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) }));
  const form = {
    client_id: 'app',
    grant_type: 'client_credentials',
    client_secret: SECRET,
    scope: `${ORIGIN}//.default`,
  };
  const { body } = assertOk(await login(form), 200);
  assert.equal(body.token_type, 'Bearer');
  assert.equal(body.expires_in, 86399);
  const list = assertOk(await fetch(withToken(`Bearer ${body.access_token}`)), 200).body.value;
  assert.equal(list[0]?.subscriptionId, SUBSCRIPTION);
  assert.equal(list[0]?.state, 'Enabled');
  assert.equal(list[0]?.tenantId, TENANT);

  const wrong: [number, string, Record<string, string>][] = [
    [401, 'invalid_client', { client_secret: 'other' }],
    [401, 'invalid_client', { client_secret: '' }],
    [400, 'unsupported_grant_type', { grant_type: 'password' }],
    [400, 'invalid_request', { client_id: '' }],
    [400, 'invalid_scope', { scope: 'https://graph.example.org/.default' }],
  ];
  for (const [status, error, change] of wrong) {
    const answer = assertOk(await login({ ...form, ...change }), status);
    assert.equal(answer.body.error as unknown, error);
  }
  const large = new Request(`${ORIGIN}/adfs/oauth2/token`, { method: 'POST', body: 'x'.repeat(70_000) });
  assertRefused(await fetch(large), 413, 'RequestTooLarge');
});

it('refuses each kind of wrong token by its own code, and says where to log in', async () => {
  let now = START;
  const test = await createTestApi({ clock: () => now });
  const { fetch, token } = test;
  const key = new Uint8Array(32).fill(7);
  const other = new Tokens({ key, clientSecret: SECRET, tenantId: TENANT, clock: () => now });
  const stranger = new Tokens({
    key: new Uint8Array(32).fill(8),
    clientSecret: SECRET,
    tenantId: TENANT,
    clock: () => now,
  });
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`;
  const endless = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('postern')
    .setAudience(ORIGIN)
    .sign(key);
  const cases: [string, string | undefined][] = [
    ['AuthenticationFailed', undefined],
    ['AuthenticationFailed', ''],
    ['AuthenticationFailed', 'Bearer'],
    ['AuthenticationFailed', `Basic ${token}`],
    ['AuthenticationFailed', `Bearer ${token} ${token}`],
    ['InvalidAuthenticationToken', 'Bearer nonsense'],
    ['InvalidAuthenticationToken', `Bearer ${token.slice(0, -4)}AAAA`],
    ['InvalidAuthenticationToken', `Bearer ${unsigned}`],
    ['InvalidAuthenticationToken', `Bearer ${endless}`],
    ['InvalidAuthenticationToken', `Bearer ${await stranger.issue(ORIGIN, 'x')}`],
    [
      'InvalidAuthenticationTokenAudience',
      `Bearer ${await other.issue('https://management.azure.com', 'x')}`,
    ],
  ];
  for (const [code, authorization] of cases) {
    const answer = await fetch(withToken(authorization));
    assertRefused(answer, 401, code);
    assert.match(
      answer.headers.get('WWW-Authenticate') ?? '',
      /^Bearer authorization_uri="https:\/\/localhost:8443\/adfs", error="invalid_token"/,
    );
  }
  assertOk(await fetch(withToken(`bearer ${token}`)), 200);
  now = new Date(START.getTime() + 86_401_000);
  assertRefused(await fetch(withToken(`Bearer ${token}`)), 401, 'ExpiredAuthenticationToken');
});

it('asks for the token before anything else', async () => {
  const { fetch } = await createTestApi();
  for (const path of ['/', '/nothing', '/subscriptions', '/subscriptions/x/resourcegroups/y', '/adfs/other'])
    assertRefused(
      await fetch(new Request(`${ORIGIN}${path}`, { method: 'PUT', body: '{' })),
      401,
      'AuthenticationFailed',
    );
});
