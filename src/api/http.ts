// What all requests have in common: their path, api-version and body on the way in, JSON, errors and headers on the
// way out. Paths are matched without regard to case; names keep the case the caller wrote.

import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { ArmError, toErrorEnvelope } from '#arm/arm-error.ts';
import { isObject, type Json } from '#arm/json-reader.ts';

/** Far above the largest firewall Azure takes; beyond it a client errs or attacks. */
export const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

/** Without Azure's limits a document may be larger; this only keeps a mistake from filling the memory. */
export const UNLIMITED_BODY_BYTES = 64 * 1024 * 1024;

/** Azure's documents have about ten levels; code that walks them relies on there being few. */
const DEEPEST_NESTING = 64;

/** The whole body as text; a larger one is refused before it is read where its length is announced, else in the middle. */
export async function readText(request: Request, limitBytes: number): Promise<string> {
  const tooLarge = new ArmError(
    413,
    'RequestTooLarge',
    `The request body is larger than ${limitBytes} bytes.`,
  );
  if (Number(request.headers.get('content-length') ?? 0) > limitBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length;
      if (size > limitBytes) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    // A client that went away hears no answer; a time-out has cut it off.
    throw error === tooLarge ? error : invalidContent('it ended early');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw invalidContent('it is not UTF-8');
  }
}

/** The path as routes are matched: lower case, single slashes, none at the end. */
export function routePath(request: Request): string {
  const path = new URL(request.url).pathname.replaceAll(/\/{2,}/g, '/').toLowerCase();
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The words of the path as the caller spelled them, decoded. */
export function pathSegments(request: Request): string[] {
  const words = new URL(request.url).pathname.split('/').filter(word => word !== '');
  try {
    const decoded = words.map(decodeURIComponent);
    // Ids are put together from these words: a slash in one would make the id of something else.
    if (!decoded.some(word => word.includes('/'))) return decoded;
  } catch {
    throw new ArmError(
      400,
      'InvalidRequestUri',
      'The path of the request holds a malformed percent-encoding.',
    );
  }
  throw new ArmError(400, 'InvalidRequestUri', 'The path of the request holds an encoded slash (%2F).');
}

/** Any well-formed version is accepted: commands differ in theirs, and move with every release of the client. */
export function apiVersionOf(request: Request): string {
  const parameters = [...new URL(request.url).searchParams];
  const version = parameters.find(([key]) => key.toLowerCase() === 'api-version')?.[1] ?? '';
  if (version === '')
    throw new ArmError(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  const [, date = ''] = /^(\d{4}-\d{2}-\d{2})(-[a-z]+[a-z0-9.]*)?$/i.exec(version) ?? [];
  if (date === '' || !isDate(date))
    throw new ArmError(
      400,
      'InvalidApiVersionParameter',
      `The api-version '${version.slice(0, 50)}' is invalid. A version is a date, such as 2024-05-01 or 2024-05-01-preview.`,
    );
  return version;
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

export async function readJson(request: Request, limitBytes = BODY_LIMIT_BYTES): Promise<Json> {
  const text = await readText(request, limitBytes);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw invalidContent(error instanceof Error ? error.message : String(error));
  }
  if (!isObject(body)) throw invalidContent('it must be a JSON object');
  if (isDeeperThan(body, DEEPEST_NESTING))
    throw invalidContent(`it nests deeper than ${DEEPEST_NESTING} levels`);
  return body;
}

/** Level by level, so that no nesting can exhaust the stack. */
function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return true;
    level = level.flatMap(item => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
}

function invalidContent(reason: string): ArmError {
  return new ArmError(
    400,
    'InvalidRequestContent',
    `The request content was invalid and could not be read: ${reason}.`,
  );
}

/** Scheme, host and port to put before paths in answers: those the caller used, since it can reach them. */
export function originOf(request: Request): string {
  return new URL(request.url).origin;
}

/** The one place where an error becomes a response. What is not an `ArmError` is a bug: its text stays here. */
export function errorResponse(error: unknown, context: Context): Response {
  const armError =
    error instanceof ArmError
      ? error
      : new ArmError(
          500,
          'InternalServerError',
          'The API failed in a way that is not the fault of the request; its log says more.',
        );
  if (armError !== error) console.error('postern api:', error);
  if (armError.status === 401) {
    const description = armError.message.replaceAll('"', "'");
    context.header(
      'WWW-Authenticate',
      `Bearer authorization_uri="${originOf(context.req.raw)}/adfs", error="invalid_token", error_description="${description}"`,
    );
  }
  context.header('x-ms-request-id', randomUUID());
  return context.json(toErrorEnvelope(armError), armError.status as 400);
}
