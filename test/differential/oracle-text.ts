// How the oracle reads single fields of ARM's JSON: addresses, ports and names as the texts they are written as, and the
// shapes they stand in. Pure.

import type { ArmDocument } from '#arm/arm-document.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isWithinAny(address: string, written: readonly string[]): boolean {
  return written.some(text => isWithin(address, text));
}

export function isWithin(address: string, text: string): boolean {
  if (text === '*') return true;
  const [base = '', length] = text.split('/');
  if (length !== undefined)
    return bits(address).slice(0, Number(length)) === bits(base).slice(0, Number(length));
  const [first = '', last = first] = text.split('-');
  // Strings of equal length compare as the numbers they write.
  return bits(first) <= bits(address) && bits(address) <= bits(last);
}

const written = new Map<string, string>();

/** 32 characters, `0` and `1`. */
function bits(address: string): string {
  let text = written.get(address);
  if (text === undefined) {
    text = address
      .split('.')
      .map(octet => Number(octet).toString(2).padStart(8, '0'))
      .join('');
    if (written.size > 100_000) written.clear();
    written.set(address, text);
  }
  return text;
}

export function isPort(port: number, text: string): boolean {
  if (text === '*') return true;
  const [first, last = first] = text.split('-').map(Number);
  return first !== undefined && last !== undefined && first <= port && port <= last;
}

/** `*` stands at the left end only and for anything, dots too; before a dot for at least one character. */
export function nameFits(text: string, name: string): boolean {
  const pattern = text.toLowerCase();
  if (!pattern.startsWith('*')) return pattern === name;
  const rest = pattern.slice(1);
  if (!name.endsWith(rest)) return false;
  return rest.startsWith('.') ? name.length > rest.length : true;
}

export function protocolName(protocol: string | number): string {
  return { 1: 'ICMP', 6: 'TCP', 17: 'UDP' }[Number(protocol)] ?? String(protocol);
}

// Shapes of JSON.

export function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}

export function words(value: unknown): string[] {
  return typeof value === 'string' ? value.split(/[ ,]+/).filter(word => word !== '') : [];
}

/** Classic children keep what they are under `properties`. */
export function inner(item: Json): Json {
  return { ...item, ...(item.properties as Json | undefined) };
}

export function byPriority(items: readonly Json[]): Json[] {
  return [...items].sort(
    (a, b) => Number(a.priority) - Number(b.priority) || (String(a.name) < String(b.name) ? -1 : 1),
  );
}

export function actionOf(collection: Json): string {
  return String((collection.action as Json | undefined)?.type);
}

export function additional(firewall: ArmDocument | undefined): Json {
  return (firewall?.properties.additionalProperties ?? {}) as Json;
}

export function idIn(value: unknown): string | undefined {
  const id = (value as Json | undefined)?.id;
  return typeof id === 'string' ? id : undefined;
}

export function isType(document: ArmDocument, type: string): boolean {
  return document.type.toLowerCase() === `microsoft.network/${type}`.toLowerCase();
}
