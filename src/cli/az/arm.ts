// Requests of Azure Resource Manager, as the commands make them: resource paths, api-versions, pages, long-running
// operations, and edits that cannot lose another writer's edit.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  header,
  isFinal,
  localPath,
  operationFailed,
  provisioningState,
  retryAfterMs,
  withoutReadOnly,
} from './answers.ts';
import { ArmRequestError, AzError, isRecord, toArmError, UsageError } from './errors.ts';
import type { HttpResponse, Transport } from './transport.ts';

export type ArmObject = Record<string, unknown>;

/** The api-version that Azure CLI uses for a type; the server takes any well-formed one. */
const API_VERSIONS: Readonly<Record<string, string>> = {
  azureFirewalls: '2024-05-01',
  azureFirewallFqdnTags: '2024-05-01',
  firewallPolicies: '2024-05-01',
  virtualNetworks: '2022-01-01',
  publicIPAddresses: '2022-05-01',
  routeTables: '2021-08-01',
  ipGroups: '2021-08-01',
  locations: '2021-08-01',
};
const RESOURCES_API_VERSION = '2021-04-01';

/** Tries of an edit that others keep overtaking; each of them made progress meanwhile. */
const MOST_EDIT_TRIES = 50;
/** Tries after 429 and 503, as Azure's clients do. */
const MOST_BUSY_TRIES = 4;
const MOST_PAGES = 1000;

export interface ArmOptions {
  readonly subscription: string;
  readonly tenant: string;
  readonly transport: Transport;
  /** Sleeps; tests hand in one that does not. */
  readonly wait?: (ms: number) => Promise<unknown>;
  readonly random?: () => number;
  /** Told of every exchange, for `--debug`. */
  readonly trace?: (line: string) => void;
}

export interface WriteOptions {
  readonly noWait?: boolean;
  readonly ifMatch?: string;
}

export class Arm {
  readonly subscription: string;
  readonly tenant: string;
  readonly #transport: Transport;
  readonly #wait: (ms: number) => Promise<unknown>;
  readonly #random: () => number;
  readonly #trace: (line: string) => void;

  constructor({
    subscription,
    tenant,
    transport,
    wait = sleep,
    random = Math.random,
    trace = () => {},
  }: ArmOptions) {
    this.subscription = subscription;
    this.tenant = tenant;
    this.#transport = transport;
    this.#wait = wait;
    this.#random = random;
    this.#trace = trace;
  }

  groupPath(group: string): string {
    return `/subscriptions/${this.subscription}/resourceGroups/${segment(group, 'resource group')}`;
  }

  /** `networkPath('rg', 'virtualNetworks', 'v', 'subnets', 's')`; without a name, the path of the list. */
  networkPath(group: string | undefined, ...words: readonly string[]): string {
    const base = group === undefined ? `/subscriptions/${this.subscription}` : this.groupPath(group);
    return [`${base}/providers/Microsoft.Network`, ...words.map(word => segment(word, 'name'))].join('/');
  }

  /** An id as it is; a name as the id of that resource in the group. */
  networkId(nameOrId: string, group: string, type: string): string {
    return nameOrId.startsWith('/') ? nameOrId : this.networkPath(group, type, nameOrId);
  }

  /** The location given, else the resource group's. */
  async locationFor(group: string, given: string | undefined): Promise<string> {
    if (given) return normalizeLocation(given);
    const { location } = await this.get(this.groupPath(group));
    return String(location);
  }

  async get(path: string): Promise<ArmObject> {
    return asObject(await this.#send('GET', path));
  }

  /** Whether a resource exists. */
  async exists(path: string): Promise<boolean> {
    const response = await this.#exchange('HEAD', path);
    if (response.status === 404) return false;
    if (response.status >= 300) throw toArmError(response.status, response.body);
    return true;
  }

  /** All pages of a list. */
  async list(path: string): Promise<unknown[]> {
    const items: unknown[] = [];
    let next: string | undefined = path;
    for (let page = 0; next !== undefined; page++) {
      if (page === MOST_PAGES) throw new AzError(`The list ${path} has more than ${MOST_PAGES} pages.`);
      const answer: ArmObject = asObject(await this.#send('GET', next));
      if (!Array.isArray(answer.value)) throw new AzError(`The answer to GET ${next} has no 'value'.`);
      items.push(...answer.value);
      const { nextLink } = answer;
      next = typeof nextLink === 'string' && nextLink ? localPath(nextLink) : undefined;
    }
    return items;
  }

  /** The resource once it is there; undefined with `noWait`. */
  async put(
    path: string,
    body: unknown,
    { noWait = false, ifMatch }: WriteOptions = {},
  ): Promise<ArmObject | undefined> {
    const response = await this.#send('PUT', path, body, ifMatch ? { 'if-match': ifMatch } : {});
    if (noWait) return undefined;
    const result = await this.#finish(response, path);
    return asObject(result);
  }

  async post(path: string, body?: unknown): Promise<unknown> {
    return (await this.#finish(await this.#send('POST', path, body), undefined))?.body;
  }

  async delete(path: string, { noWait = false }: WriteOptions = {}): Promise<void> {
    const response = await this.#send('DELETE', path);
    if (!noWait) await this.#finish(response, undefined);
  }

  /**
   * As Azure's CLI deletes network resources: what is not there, or whose parent is not there, counts as deleted. Only
   * who does not wait hears of the missing parent.
   */
  async deleteIfThere(path: string, options: WriteOptions = {}): Promise<void> {
    try {
      await this.delete(path, options);
    } catch (error) {
      const absent = error instanceof ArmRequestError && error.status === 404;
      if (!absent || options.noWait) throw error;
    }
  }

  /** Sends anything, for `az rest`; the answer whatever its status. */
  async request(method: string, path: string, body?: unknown): Promise<HttpResponse> {
    return this.#exchange(method, path, body);
  }

  /**
   * Reads a resource, lets `change` turn it into the new one, and writes it if nobody else wrote meanwhile; else
   * starts again. `change` may return undefined to leave the resource as it is, and may throw.
   */
  async edit(
    path: string,
    change: (resource: ArmObject) => ArmObject | undefined,
    { noWait = false }: WriteOptions = {},
  ): Promise<ArmObject | undefined> {
    for (let attempt = 1; ; attempt++) {
      const current = await this.get(path);
      const { etag } = current;
      const changed = change(structuredClone(current));
      if (changed === undefined) return current;
      try {
        const ifMatch = typeof etag === 'string' ? { ifMatch: etag } : {};
        return await this.put(path, withoutReadOnly(changed), { noWait, ...ifMatch });
      } catch (error) {
        const overtaken = error instanceof ArmRequestError && error.status === 412;
        if (!overtaken || attempt === MOST_EDIT_TRIES) throw error;
        await this.#wait(20 + this.#random() * Math.min(1000, 40 * attempt));
      }
    }
  }

  async #send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<HttpResponse> {
    const response = await this.#exchange(method, path, body, headers);
    if (response.status >= 300) throw toArmError(response.status, response.body);
    return response;
  }

  async #exchange(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<HttpResponse> {
    const versioned = withApiVersion(path);
    for (let attempt = 1; ; attempt++) {
      this.#trace(`${method} ${versioned}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`);
      const response = await this.#transport({ method, path: versioned, body, headers });
      this.#trace(`${response.status} ${JSON.stringify(response.body) ?? ''}`);
      const busy = response.status === 429 || response.status === 503;
      if (!busy || attempt === MOST_BUSY_TRIES) return response;
      await this.#wait(retryAfterMs(response));
    }
  }

  /** Waits for a long-running operation. The final answer is the resource at `path`, or the operation's own. */
  async #finish(first: HttpResponse, path: string | undefined): Promise<HttpResponse | undefined> {
    const operation = header(first, 'azure-asyncoperation');
    if (operation) {
      await this.#pollOperation(localPath(operation));
      return path === undefined ? undefined : this.#send('GET', path);
    }
    const location = header(first, 'location');
    if (first.status === 202 && location) return this.#pollLocation(localPath(location));
    if (path === undefined) return first;
    let response = first;
    while (!isFinal(response.body)) {
      await this.#wait(retryAfterMs(response));
      response = await this.#send('GET', path);
    }
    const failed = provisioningState(response.body);
    if (failed === 'failed' || failed === 'canceled') throw operationFailed(failed, response.body);
    return response;
  }

  async #pollOperation(path: string): Promise<void> {
    for (;;) {
      const response = await this.#send('GET', path);
      const status = isRecord(response.body) ? String(response.body.status ?? '').toLowerCase() : '';
      if (status === 'succeeded') return;
      if (status === 'failed' || status === 'canceled') throw operationFailed(status, response.body);
      await this.#wait(retryAfterMs(response));
    }
  }

  async #pollLocation(path: string): Promise<HttpResponse> {
    for (;;) {
      const response = await this.#send('GET', path);
      if (response.status !== 202) return response;
      await this.#wait(retryAfterMs(response));
    }
  }
}

export function normalizeLocation(text: string): string {
  return text.replaceAll(' ', '').toLowerCase();
}

/** A name becomes one path segment; it can never reach another resource. */
function segment(name: string, what: string): string {
  if (name === '') throw new UsageError(`The ${what} is empty.`);
  if (name === '.' || name === '..') throw new UsageError(`'${name}' is not a ${what}.`);
  return encodeURIComponent(name);
}

function withApiVersion(path: string): string {
  if (/[?&]api-version=/i.test(path)) return path;
  const type = /\/providers\/Microsoft\.Network\/([^/?]+)/i.exec(path)?.[1];
  const version = (type && API_VERSIONS[type]) || RESOURCES_API_VERSION;
  return `${path}${path.includes('?') ? '&' : '?'}api-version=${version}`;
}

function asObject(response: HttpResponse | undefined): ArmObject {
  if (response && isRecord(response.body)) return response.body;
  throw new AzError(`The control plane answered ${response?.status ?? 'nothing'} without a JSON object.`);
}
