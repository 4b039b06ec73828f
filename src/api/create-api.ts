// The API as one function from a request to a response: limits, login, token, api-version, subscription, then the
// routes. It opens no socket; `serveApi` does.

import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { ArmError } from '#arm/arm-error.ts';
import { apiVersionOf, errorResponse, pathSegments, routePath } from './http.ts';
import { KeyLock } from './key-lock.ts';
import { loginRoutes } from './login.ts';
import type { ApiOptions } from './options.ts';
import { resourceGroupRoutes } from './resource-groups.ts';
import type { KindContext } from './resource-kind.ts';
import { resourceRoutes } from './resource-routes.ts';
import { subscriptionRoutes } from './subscription-routes.ts';

export interface Api {
  fetch(request: Request): Promise<Response>;
  readonly options: ApiOptions;
}

export function createApi(options: ApiOptions): Api {
  const { tokens, store } = options;
  const context: KindContext = { store, options };
  const lock = new KeyLock();
  const app = new Hono({ getPath: routePath });
  app.onError(errorResponse);
  app.use(async (http, next) => {
    await next();
    http.header('x-ms-request-id', randomUUID());
    http.header('Cache-Control', 'no-cache');
    http.header('X-Content-Type-Options', 'nosniff');
  });
  app.route('/', loginRoutes(tokens));
  app.use(async (http, next) => {
    await tokens.authenticate(http.req.header('Authorization'));
    apiVersionOf(http.req.raw);
    const [first = '', id] = pathSegments(http.req.raw);
    if (first.toLowerCase() === 'subscriptions' && id !== undefined && !isKnownSubscription(id, options))
      throw new ArmError(
        404,
        'SubscriptionNotFound',
        `The subscription '${id.slice(0, 100)}' could not be found.`,
      );
    await next();
  });
  app.route('/', subscriptionRoutes(context));
  app.route('/', resourceGroupRoutes(context, lock));
  app.route('/', resourceRoutes(context, lock));
  app.notFound(http => {
    const path = new URL(http.req.url).pathname.slice(0, 200);
    const error = new ArmError(404, 'InvalidRequestUri', `There is nothing at ${http.req.method} ${path}.`);
    return errorResponse(error, http);
  });
  return { options, fetch: async request => await app.fetch(request) };
}

/** Resources that configuration files describe keep the subscription they were exported from. */
function isKnownSubscription(id: string, { store, subscription }: ApiOptions): boolean {
  if (id.toLowerCase() === subscription.id.toLowerCase()) return true;
  if (id.includes('/')) return false;
  const prefix = `/subscriptions/${id.toLowerCase()}/`;
  return store.list().some(({ document }) => document.id.toLowerCase().startsWith(prefix));
}
