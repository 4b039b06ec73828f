// What answers say about long-running operations, and what a document must lose before it is sent back.

import { ArmRequestError, isRecord, toArmError } from './errors.ts';
import type { HttpResponse } from './transport.ts';

/** A server that forgets Retry-After is asked once a second. */
const DEFAULT_POLL_SECONDS = 1;
const MOST_POLL_SECONDS = 60;

/** Links are followed on the connection we already trust, wherever they say they point. */
export function localPath(link: string): string {
  const { pathname, search } = new URL(link, 'https://localhost');
  return pathname + search;
}

export function header(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function retryAfterMs(response: HttpResponse): number {
  const seconds = Number(header(response, 'retry-after'));
  const sane =
    Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, MOST_POLL_SECONDS) : DEFAULT_POLL_SECONDS;
  return sane * 1000;
}

export function provisioningState(body: unknown): string {
  const properties = isRecord(body) ? body.properties : undefined;
  const state = isRecord(properties) ? properties.provisioningState : undefined;
  return typeof state === 'string' ? state.toLowerCase() : '';
}

export function isFinal(body: unknown): boolean {
  return ['', 'succeeded', 'failed', 'canceled'].includes(provisioningState(body));
}

/** An operation that failed is reported with status 200; the command fails all the same, with status 1. */
export function operationFailed(status: string, body: unknown): ArmRequestError {
  if (isRecord(body) && isRecord(body.error)) return toArmError(200, body);
  return new ArmRequestError(200, { code: 'OperationFailed', message: `The operation ended as ${status}.` });
}

/** What a PUT must not repeat: etags and states, at any depth. */
export function withoutReadOnly(value: Record<string, unknown>): Record<string, unknown> {
  return strip(value) as Record<string, unknown>;
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'etag' && key !== 'provisioningState');
  return Object.fromEntries(kept.map(([key, inner]) => [key, strip(inner)]));
}
