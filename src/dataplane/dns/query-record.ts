// Log records of the DNS engine, in the shapes of Azure's tables. Pure.

import { constants } from 'node:os';
import type { RuleRef } from '#model/rule-ref.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import type { DnsQueryRecord, FqdnResolutionFailureRecord, ThreatIntelRecord } from '#telemetry/records.ts';
import { ruleColumns } from '#telemetry/records.ts';
import { CLASS_IN, readHeader } from '#wire/dns.ts';
import { className, flagNames, rcodeName, typeName } from '#wire/dns-names.ts';
import { UpstreamError, type UpstreamFault } from './exchange.ts';
import type { Client, ListenAddress } from './listener.ts';
import type { Query } from './query.ts';

const ERRNO: Readonly<Record<UpstreamFault, number>> = {
  timeout: constants.errno.ETIMEDOUT,
  refused: constants.errno.ECONNREFUSED,
  network: constants.errno.EIO,
  malformed: constants.errno.EBADMSG,
  answer: constants.errno.EPROTO,
  down: constants.errno.EHOSTUNREACH,
  overload: constants.errno.EBUSY,
};

export interface AnsweredQuery {
  readonly client: Client;
  /** Absent when the question could not be read. */
  readonly query: Query | undefined;
  readonly requestSize: number;
  readonly rcode: number;
  readonly reply: Uint8Array;
  readonly durationMs: number;
  readonly error: Error | undefined;
}

export function toDnsQueryRecord(answered: AnsweredQuery): DnsQueryRecord {
  const { client, query, requestSize, rcode, reply, durationMs, error } = answered;
  const header = readHeader(reply);
  return {
    Type: 'AZFWDnsQuery',
    SourceIp: client.address,
    SourcePort: client.port,
    QueryId: header?.id ?? 0,
    QueryType: query ? typeName(query.type) : '',
    QueryClass: className(query?.class ?? CLASS_IN),
    QueryName: query ? `${query.name}.` : '',
    Protocol: client.protocol,
    RequestSize: requestSize,
    DnssecOkBit: query?.edns?.dnssecOk ?? false,
    EDNS0BufferSize: query?.edns?.udpSize ?? 512,
    ResponseCode: rcodeName(rcode),
    ResponseFlags: flagNames(header?.flags ?? 0),
    ResponseSize: reply.length,
    RequestDurationSecs: Math.round(durationMs * 1e6) / 1e9,
    ErrorNumber:
      error === undefined ? 0 : error instanceof UpstreamError ? ERRNO[error.fault] : constants.errno.EIO,
    ErrorMessage: error?.message ?? '',
  };
}

export function toFailureRecord(
  fqdn: string,
  error: Error,
  rule: RuleRef | null,
): FqdnResolutionFailureRecord {
  const server = error instanceof UpstreamError ? error.server : undefined;
  return {
    Type: 'AZFWInternalFqdnResolutionFailure',
    Fqdn: fqdn,
    Error: error.message,
    ServerIp: server ? formatIpv4(server.address) : '',
    ServerPort: server?.port ?? 0,
    ...ruleColumns(rule),
  };
}

export function toThreatRecord(
  client: Client,
  listen: ListenAddress,
  fqdn: string,
  action: 'Alert' | 'Deny',
  description: string,
): ThreatIntelRecord {
  return {
    Type: 'AZFWThreatIntel',
    Protocol: client.protocol.toUpperCase(),
    SourceIp: client.address,
    SourcePort: client.port,
    DestinationIp: formatIpv4(listen.address),
    DestinationPort: listen.port,
    Fqdn: fqdn,
    TargetUrl: '',
    Action: action,
    ThreatDescription: description,
    IsTlsInspected: false,
  };
}
