// The login that the real az needs: the discovery documents of an ADFS-style authority, and tokens for the client
// secret. These are the only routes that answer without a token.

import { Hono } from 'hono';
import { originOf, readText } from './http.ts';
import { TOKEN_LIFETIME_SECONDS, type Tokens } from './tokens.ts';

/** A form with a name and a secret. */
const FORM_LIMIT_BYTES = 64 * 1024;

export function loginRoutes(tokens: Tokens): Hono {
  const routes = new Hono();
  routes.get('/metadata/endpoints', context => {
    const origin = originOf(context.req.raw);
    return context.json({
      galleryEndpoint: `${origin}/`,
      graphEndpoint: `${origin}/`,
      portalEndpoint: `${origin}/`,
      authentication: { loginEndpoint: `${origin}/adfs`, audiences: [`${origin}/`] },
    });
  });
  routes.get('/adfs/.well-known/openid-configuration', context => {
    const authority = `${originOf(context.req.raw)}/adfs`;
    return context.json({
      issuer: authority,
      authorization_endpoint: `${authority}/oauth2/authorize`,
      token_endpoint: `${authority}/oauth2/token`,
      jwks_uri: `${authority}/discovery/keys`,
      response_types_supported: ['token'],
      grant_types_supported: ['client_credentials'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['HS256'],
    });
  });
  routes.post('/adfs/oauth2/token', async context => {
    context.header('Cache-Control', 'no-store');
    const form = new URLSearchParams(await readText(context.req.raw, FORM_LIMIT_BYTES));
    const refuse = (status: 400 | 401, error: string, error_description: string) =>
      context.json({ error, error_description }, status);
    if (form.get('grant_type') !== 'client_credentials')
      return refuse(
        400,
        'unsupported_grant_type',
        'This API gives tokens for grant_type=client_credentials only.',
      );
    const clientId = form.get('client_id') ?? '';
    if (clientId === '' || clientId.length > 200)
      return refuse(400, 'invalid_request', 'client_id is missing or longer than 200 characters.');
    if (!tokens.isClientSecret(form.get('client_secret') ?? ''))
      return refuse(
        401,
        'invalid_client',
        "The client secret is wrong; the file 'client-secret' in the state folder has it.",
      );
    const audience = audienceOf(form) ?? originOf(context.req.raw);
    if (!tokens.isAudience(audience))
      return refuse(400, 'invalid_scope', `This API gives no tokens for '${audience.slice(0, 200)}'.`);
    return context.json({
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_SECONDS - 1,
      ext_expires_in: TOKEN_LIFETIME_SECONDS - 1,
      access_token: await tokens.issue(audience, clientId),
    });
  });
  return routes;
}

/** `scope=<resource>/.default` of version 2 of the protocol, `resource=<resource>` of version 1. */
function audienceOf(form: URLSearchParams): string | undefined {
  const [scope] = (form.get('scope') ?? '').split(' ').filter(word => word.endsWith('/.default'));
  return scope?.replace(/\/\.default$/, '') ?? form.get('resource') ?? undefined;
}
