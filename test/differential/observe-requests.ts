// What became of a real connection, in the words of a verdict: from what its client was told and what the log says. Pure.

import { formatIpv4 } from '#net/ipv4.ts';
import { LINK } from './addresses.ts';
import type { Logged } from './firewall-process.ts';
import { recordText } from './observe.ts';
import type { Outcome, Request } from './wire-process.ts';
import { PRIVATE_IP, PUBLIC_IPS } from './world.ts';

/** Addresses that the firewall's own connections leave with. */
const OWN: readonly string[] = [LINK.gatewayOutside, PRIVATE_IP, ...PUBLIC_IPS];

/** Served by whom, for which name, by which rule; or refused and why. */
export function shownRequest(
  request: Request | undefined,
  { sourcePort, said }: Outcome,
  records: readonly Logged[],
): string {
  if (!request) return 'no request';
  const source = formatIpv4(request.source);
  const own = records.filter(
    record => 'SourcePort' in record && record.SourceIp === source && record.SourcePort === sourcePort,
  );
  const decided = own.filter(one => recordText(one) !== 'Alert');
  const record = decided.find(({ byEngine }) => byEngine) ?? decided[0];
  const logged = record === undefined ? 'no record' : recordText(record);
  const greeting = /^greeting (\S+):(\d+) from (\S+) for (\S*)$/.exec(said);
  if (!greeting) {
    const refused = said === refusalOf(request, logged);
    return refused && logged.startsWith('Deny') ? logged : `${said} (${logged})`;
  }
  const [, at = '', , from = '', name = ''] = greeting;
  const rule = /^Allow (\S+)$/.exec(logged)?.[1] ?? `(${logged})`;
  if (record?.byEngine)
    return `Allow proxy ${rule} at ${at} for ${name}${OWN.includes(from) ? '' : ` from ${from}`}`;
  const snat =
    from === source
      ? 'None'
      : from === PRIVATE_IP
        ? 'PrivateIp'
        : PUBLIC_IPS.some(ip => ip === from)
          ? 'PublicIp'
          : from;
  return at === formatIpv4(request.destination)
    ? `Allow forward ${rule} snat ${snat}`
    : `at ${at} (${logged})`;
}

/** TLS is never answered. A request without a host is a bad one; one for another port is dropped, as with Azure. */
function refusalOf({ protocol }: Request, logged: string): string {
  if (protocol !== 'Http' || logged.endsWith('HostPortMismatch')) return 'ECONNRESET';
  return logged.endsWith('HostMissing') ? '400' : '470';
}
