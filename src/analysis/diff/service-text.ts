// Services of an entry as people write them: `tcp:443`, `https:443` where a client names a host in TLS, `udp:53`, `icmp`.

import { ALL_PORTS, type PortRange } from '#net/ports.ts';
import type { Side } from './clauses.ts';
import type { ClaimKind, Service } from './services.ts';

export interface ServiceWords {
  readonly side: Side;
  readonly words: readonly string[];
}

/** One list a side; sides with the same services are still two. */
export function describeServices(services: readonly Service[]): ServiceWords[] {
  const sides: readonly Side[] = ['inside', 'outside'];
  return sides
    .map(side => ({ side, words: wordsOf(services.filter(service => service.side === side)) }))
    .filter(({ words }) => words.length > 0);
}

function wordsOf(services: readonly Service[]): string[] {
  const tcp = tcpWords(services.filter(({ protocol }) => protocol === 'TCP'));
  const udp = services
    .filter(({ protocol }) => protocol === 'UDP')
    .map(({ ports }) => `udp:${portText(ports)}`);
  const icmp = services.some(({ protocol }) => protocol === 'ICMP');
  const other = services.some(({ protocol }) => protocol === 'Other');
  if (tcp.join() === 'tcp:*' && udp.join() === 'udp:*' && icmp && other) return ['every protocol'];
  return [...tcp, ...udp, ...(icmp ? ['icmp'] : []), ...(other ? ['other protocols'] : [])];
}

/** Ports at which the same kinds of clients are meant, together. */
function tcpWords(services: readonly Service[]): string[] {
  const cuts = [...new Set(services.flatMap(({ ports }) => [ports.first, ports.last + 1]))].sort(
    (a, b) => a - b,
  );
  const pieces: { first: number; last: number; readonly kinds: string }[] = [];
  cuts.slice(0, -1).forEach((first, index) => {
    const last = (cuts[index + 1] ?? first + 1) - 1;
    const here = services.filter(({ ports }) => ports.first <= first && last <= ports.last);
    const kinds = here.map(({ claim }) => claim).join();
    const previous = pieces.at(-1);
    if (previous && previous.kinds === kinds && previous.last + 1 === first) previous.last = last;
    else if (kinds !== '') pieces.push({ first, last, kinds });
  });
  return pieces.flatMap(piece =>
    claimWords(piece.kinds.split(',') as ClaimKind[]).map(
      ([word, rest]) => `${word}:${portText(piece)}${rest}`,
    ),
  );
}

function claimWords(kinds: readonly ClaimKind[]): (readonly [string, string])[] {
  if (kinds.length === 4) return [['tcp', '']];
  const named = kinds.filter(kind => kind !== 'none');
  const unnamed: (readonly [string, string])[] =
    named.length < kinds.length ? [['tcp', ' without a name']] : [];
  if (named.length === 3) return [['tcp', ' with a name'], ...unnamed];
  return [...named.map(kind => [kind.toLowerCase(), ''] as const), ...unnamed];
}

/** Nobody connects to port 0: of ranges from there on it is not told. */
export function portText({ first: start, last }: PortRange): string {
  if (start === ALL_PORTS.first && last === ALL_PORTS.last) return '*';
  const first = last > 0 ? Math.max(1, start) : start;
  return first === last ? String(first) : `${first}-${last}`;
}
