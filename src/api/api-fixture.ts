// An API over a store in memory for tests: a clock that stands still, a settle that tests can steer, and a caller
// that sends the token and parses the answer.

import assert from 'node:assert/strict';
import type { Json } from '#arm/json-reader.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { type Api, createApi } from './create-api.ts';
import type { ApiFacts, ApiOptions } from './options.ts';
import { Tokens } from './tokens.ts';

export const SUBSCRIPTION = '00000000-0000-4000-8000-000000000001';
export const TENANT = '11111111-1111-4111-8111-111111111111';
export const ORIGIN = 'https://localhost:8443';
export const SECRET = 'a secret for tests';
export const START = new Date('2026-01-01T00:00:00Z');

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json & {
    readonly error: { code: string; message: string; target?: string; details: Json[] };
    readonly value: Json[];
  };
}

export interface TestApi {
  readonly api: Api;
  readonly store: MemoryStore;
  readonly token: string;
  /** `path` may leave out the api-version; `init.body` may be an object. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  fetch(request: Request): Promise<Answer>;
}

const facts: ApiFacts = {
  serviceTagName: name =>
    ['AzureCloud.eastus', 'Storage'].find(tag => tag.toLowerCase() === name.toLowerCase()),
  fqdnTagName: name => ['AzureKubernetesService'].find(tag => tag.toLowerCase() === name.toLowerCase()),
  serviceTagList: location => ({
    name: 'Public',
    id: `${location}/Public`,
    type: 'Microsoft.Network/serviceTags',
    changeNumber: '363',
    cloud: 'Public',
    values: [
      {
        id: 'AzureCloud.eastus',
        name: 'AzureCloud.eastus',
        serviceTagChangeNumber: '7',
        properties: {
          addressPrefixes: ['20.42.0.0/17'],
          changeNumber: '7',
          region: 'eastus',
          state: 'GA',
          systemService: '',
        },
      },
    ],
  }),
  fqdnTagNames: () => ['AzureKubernetesService'],
};

export async function createTestApi(options: Partial<ApiOptions> = {}): Promise<TestApi> {
  const store = new MemoryStore();
  const clock = options.clock ?? (() => START);
  const tokens = new Tokens({
    key: new Uint8Array(32).fill(7),
    clientSecret: SECRET,
    tenantId: TENANT,
    clock,
  });
  tokens.addAudience(ORIGIN);
  const api = createApi({
    store,
    clock,
    tokens,
    subscription: { id: SUBSCRIPTION, name: 'Postern', tenantId: TENANT },
    facts: () => facts,
    settle: async () => ({ state: 'Applied' }),
    publicIpPool: ['20.51.96.0/28'],
    ...options,
  });
  const token = await tokens.issue(ORIGIN, 'test');
  const fetch = async (request: Request): Promise<Answer> => {
    const response = await api.fetch(request);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) as Answer['body'] };
  };
  return {
    api,
    store,
    token,
    fetch,
    call: (method, path, body, headers = {}) => {
      const url = new URL(path, ORIGIN);
      if (!url.searchParams.has('api-version')) url.searchParams.set('api-version', '2024-05-01');
      return fetch(
        new Request(url, {
          method,
          headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      );
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

export const S = `/subscriptions/${SUBSCRIPTION}`;
export const G = `${S}/resourceGroups/rg`;
export const N = `${G}/providers/Microsoft.Network`;

/** The member at a dotted path, such as `properties.subnets.0.name`. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

export function assertOk(answer: Answer, status: number): Answer {
  assert.equal(answer.status, status, answer.text);
  return answer;
}

/** An error of this status whose details hold all of these codes. */
export function assertRefused(answer: Answer, status: number, ...codes: string[]): void {
  const found = [answer.body.error?.code, ...(answer.body.error?.details ?? []).map(detail => detail.code)];
  assert.equal(answer.status, status, answer.text);
  for (const code of codes)
    assert.ok(found.includes(code), `${code} is not among ${found.join(', ')}: ${answer.text}`);
}

export const vnetBody = (
  subnets: readonly (readonly [string, string])[] = [
    ['aks-subnet', '10.42.1.0/24'],
    ['AzureFirewallSubnet', '10.42.2.0/24'],
  ],
) => ({
  location: 'eastus',
  properties: {
    addressSpace: { addressPrefixes: ['10.42.0.0/16'] },
    enableDdosProtection: false,
    enableVmProtection: false,
    subnets: subnets.map(([name, addressPrefix]) => ({ name, properties: { addressPrefix } })),
  },
});

export const publicIpBody = {
  location: 'eastus',
  sku: { name: 'Standard' },
  properties: { publicIPAllocationMethod: 'Static', publicIPAddressVersion: 'IPv4', idleTimeoutInMinutes: 4 },
};

export const ipConfiguration = (name: string, publicIp: string, subnet?: string) => ({
  name,
  properties: {
    ...(subnet === undefined ? {} : { subnet: { id: `${N}/virtualNetworks/vnet/subnets/${subnet}` } }),
    publicIPAddress: { id: `${N}/publicIPAddresses/${publicIp}` },
  },
});

export const firewallBody = (properties: Json = {}) => ({
  location: 'eastus',
  properties: { additionalProperties: { 'Network.DNS.EnableProxy': 'true' }, ...properties },
});

/** A group, a network, a public IP address and a firewall with one IP configuration. */
export async function buildNetwork({ call }: TestApi): Promise<void> {
  assertOk(await call('PUT', G, { location: 'eastus' }), 201);
  assertOk(await call('PUT', `${N}/virtualNetworks/vnet`, vnetBody()), 201);
  assertOk(await call('PUT', `${N}/publicIPAddresses/pip`, publicIpBody), 201);
  assertOk(
    await call(
      'PUT',
      `${N}/azureFirewalls/fw`,
      firewallBody({ ipConfigurations: [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')] }),
    ),
    201,
  );
}
