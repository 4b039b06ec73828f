// The library: what a rule set means, without a firewall. `parsePolicy` reads Azure's JSON into a policy, `decide` says what
// becomes of a flow and why. Pure and free of Node: it runs in Node 20 and later and in browsers. What service tags and FQDN
// tags stand for is data that the caller brings: `loadTags` of `postern/tags` in Node, `readTags` anywhere.

import { toDocuments } from '#arm/arm-document.ts';
import { idKey } from '#arm/resource-id.ts';
import type { TagFacts } from '#compiler/resolve-policy.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { describeFinding } from '#documents/describe-finding.ts';
import { pickSubject } from '#documents/policy-subject.ts';
import { type DocumentFault, formatDocumentFault, readDocuments } from '#documents/read-documents.ts';
import { parseFqdnTags } from '#facts/fqdn-tag-table.ts';
import { parseServiceTags } from '#facts/service-tag-table.ts';
import { toFacts } from '#facts/to-facts.ts';
import { type DecisionContext, decide as decideInContext } from '#ir/decide.ts';
import type { Decision, Flow, IpProtocol, ReasonCode, SnatClass } from '#ir/decision.ts';
import type { ApplicationProtocol, ResolvedPolicy } from '#ir/policy.ts';
import type { Diagnostic } from '#ir/program.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { normalizeFqdn } from '#net/fqdn.ts';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';

export type { ReasonCode, SnatClass } from '#ir/decision.ts';
export type { ResolvedPolicy } from '#ir/policy.ts';
export type { Diagnostic } from '#ir/program.ts';
export type { PolicyOptions } from '#model/policy-options.ts';
export type { RuleRef } from '#model/rule-ref.ts';
export { formatIpv4, parseIpv4 };

/** What service tags and FQDN tags stand for. */
export type PolicyTags = TagFacts;

export interface ParseOptions extends Partial<PolicyOptions> {
  /** Without, a rule that names a tag is a fault. */
  readonly tags?: PolicyTags;
  /** Name of the firewall, or of the firewall policy, that is meant where the input holds several. */
  readonly firewall?: string;
  readonly firewallPolicy?: string;
  /** What messages call the input; default `input`. */
  readonly name?: string;
}

export type ParsedPolicy =
  | { readonly policy: ResolvedPolicy; readonly warnings: readonly Diagnostic[]; readonly faults?: undefined }
  /** Complete sentences with their place, all of them at once. */
  | { readonly policy?: undefined; readonly faults: readonly string[] };

/** `input` is JSON as text or as a value: one resource, a list of them, or an ARM template or export. */
export function parsePolicy(
  input: unknown,
  { tags = NO_TAGS, firewall, firewallPolicy, name = 'input', ...given }: ParseOptions = {},
): ParsedPolicy {
  refuseUnknown('parsePolicy', given, [
    ...Object.keys(DEFAULT_POLICY_OPTIONS),
    'tags',
    'firewall',
    'firewallPolicy',
    'name',
  ]);
  const text = textOf(input);
  if (text instanceof Error) return { faults: [`${name}: it cannot be written as JSON: ${text.message}`] };
  const { documents: placed, faults, ignored } = readDocuments([{ file: name, text: text ?? '' }]);
  // A value has paths; lines has only a text.
  const format = typeof input === 'string' ? formatDocumentFault : formatValueFault;
  if (faults.length > 0) return { faults: faults.map(format) };
  const documents = toDocuments(placed.map(({ document }) => document));
  const picked = pickSubject(documents, { firewall, firewallPolicy });
  if (picked.subject === undefined) return { faults: [`${name}: ${picked.fault}`] };
  const resolution = resolvePolicy(picked.subject, documents, {
    facts: tags,
    options: { ...DEFAULT_POLICY_OPTIONS, ...given },
    publicIpsMayBeMissing: true,
  });
  if (resolution.faults) {
    const byId = new Map(placed.map(found => [idKey(found.document.id), found]));
    const told = resolution.faults.map(
      fault =>
        `${describeFinding(fault, (id, target) => byId.get(idKey(id))?.locate(target), name, format)} (${fault.code})`,
    );
    const missing = tags === NO_TAGS && resolution.faults.some(({ message }) => NO_SUCH_TAG.test(message));
    return { faults: missing ? [...told, WITHOUT_TAGS] : told };
  }
  const { policy, warnings } = resolution;
  const aside = ignored.map(({ place, type, name: what }) => ({
    code: 'Ignored',
    target: place.path,
    message: `${type} ${what}: it says nothing about the rules.`,
  }));
  return { policy, warnings: [...warnings, ...aside] };
}

function formatValueFault({ place: { file, path }, message }: DocumentFault): string {
  return `${file}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** Circles, `bigint` and the like have no text. */
function textOf(input: unknown): string | undefined | Error {
  if (typeof input === 'string') return input;
  try {
    return JSON.stringify(input);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** One new connection. Addresses are text such as `10.42.1.5`, or numbers. */
export interface PolicyFlow {
  readonly source: string | number;
  readonly destination: string | number;
  /** Absent for protocols without ports, and for these only. */
  readonly destinationPort?: number;
  /** Default TCP. */
  readonly protocol?: IpProtocol;
  /** Default inside: from behind the firewall. */
  readonly from?: Flow['from'];
  /** What the client says where the firewall looks: SNI of a ClientHello, or Host of a request. Without, see `Pending`. */
  readonly claim?: {
    readonly protocol: ApplicationProtocol;
    readonly fqdn?: string;
    /** Port of the Host header, where it gives one. */
    readonly port?: number;
  };
}

export interface PolicyContext extends Partial<Omit<DecisionContext, 'namesOfAddress'>> {
  /** Names that network FQDN rules know addresses by: `{ 'ntp.ubuntu.com': ['185.125.190.56'] }`. */
  readonly resolved?: Readonly<Record<string, readonly string[]>>;
}

/** What becomes of a flow. Every member is always there, and `null` where this answer has no such thing. */
export interface PolicyDecision {
  /**
   * `Pending`: no network rule decides, and on this port the firewall reads a name before it does. Give `claim` to learn what
   * becomes of that name.
   */
  readonly action: 'Allow' | 'Deny' | 'Pending';
  /** The rule that decided; null where none did, as in `DefaultAction`. Classic rules have an empty `policy` and `group`. */
  readonly rule: RuleRef | null;
  /** `AwaitingName` is the reason of `Pending`, and of nothing else. */
  readonly reason: ReasonCode | 'AwaitingName';
  /**
   * How it goes on: as a packet that is forwarded (network rule) or translated and forwarded (NAT rule), as a connection that the
   * firewall makes itself (application rule), or to the firewall's own DNS proxy. Null: it does not.
   */
  readonly path: 'forward' | 'nat' | 'proxy' | 'local' | null;
  /**
   * Whose address the server sees on the paths `forward` and `nat`. Null with `translatedFqdn`, where it depends on the address
   * of the name. On the path `proxy` it is always the firewall's.
   */
  readonly snat: SnatClass | null;
  /** On the path `nat` an address or a name, and a port. */
  readonly translatedAddress: string | null;
  readonly translatedFqdn: string | null;
  readonly translatedPort: number | null;
}

/**
 * Throws `TypeError` for a key that is not known and a port that is missing, `RangeError` for an address, a port or a protocol
 * that is none. Words count in any case.
 */
export function decide(policy: ResolvedPolicy, flow: PolicyFlow, given: PolicyContext = {}): PolicyDecision {
  refuseUnknown('a flow', flow, FLOW_KEYS);
  refuseUnknown('the context', given, CONTEXT_KEYS);
  const { resolved = {}, ...context } = given;
  const { claim } = flow;
  if (claim) refuseUnknown('claim', claim, CLAIM_KEYS);
  const protocol = protocolOf(flow.protocol ?? 'TCP');
  if (flow.destinationPort === undefined && WITH_PORTS.has(protocol))
    throw new TypeError('destinationPort is missing: TCP and UDP have ports');
  const names = new Map<number, Set<string>>();
  for (const [name, addresses] of Object.entries(resolved)) {
    for (const text of addresses) {
      const address = addressOf('resolved', text);
      names.set(address, (names.get(address) ?? new Set()).add(normalizeFqdn(name)));
    }
  }
  const decision = decideInContext(
    policy,
    {
      protocol,
      from: wordOf('from', flow.from ?? 'inside', ['inside', 'outside']),
      destinationPort: portOf('destinationPort', flow.destinationPort ?? 0),
      source: addressOf('source', flow.source),
      destination: addressOf('destination', flow.destination),
      ...(claim && {
        claim: {
          protocol: wordOf('claim.protocol', claim.protocol, ['Http', 'Https', 'Mssql']),
          fqdn: claim.fqdn === undefined ? undefined : normalizeFqdn(claim.fqdn),
          ...(claim.port !== undefined && { port: portOf('claim.port', claim.port) }),
        },
      }),
    },
    { ...context, namesOfAddress: address => names.get(address) ?? NO_NAMES },
  );
  return toPolicyDecision(decision);
}

function toPolicyDecision(decision: Decision): PolicyDecision {
  const { action, reason } = decision;
  const nat = 'translatedPort' in decision ? decision : undefined;
  return {
    action,
    rule: 'rule' in decision ? decision.rule : null,
    reason,
    path: 'path' in decision ? decision.path : null,
    snat: ('snat' in decision && decision.snat) || null,
    translatedAddress: nat?.translatedAddress === undefined ? null : formatIpv4(nat.translatedAddress),
    translatedFqdn: nat?.translatedFqdn ?? null,
    translatedPort: nat?.translatedPort ?? null,
  };
}

/**
 * The tag tables out of the two compressed files in `postern/data`: `service-tags.tsv.gz`, `fqdn-tags.tsv.gz`. Rejects when
 * one of them is damaged.
 */
export async function readTags(
  serviceTags: Uint8Array<ArrayBuffer>,
  fqdnTags: Uint8Array<ArrayBuffer>,
): Promise<PolicyTags> {
  return toFacts(parseServiceTags(await decompress(serviceTags)), parseFqdnTags(await decompress(fqdnTags)));
}

const FLOW_KEYS = ['source', 'destination', 'destinationPort', 'protocol', 'from', 'claim'];
const CLAIM_KEYS = ['protocol', 'fqdn', 'port'];
const CONTEXT_KEYS = ['resolved', 'threats', 'resolves'];
const WITH_PORTS: ReadonlySet<IpProtocol> = new Set(['TCP', 'UDP', 6, 17]);

const NO_NAMES: ReadonlySet<string> = new Set();

const NO_SUCH_TAG = /\b(service|FQDN) tag\b/;
const WITHOUT_TAGS =
  "No tag is known, since no tables were given: pass `tags`, from loadTags of 'postern/tags' or from readTags.";

const NO_TAGS: PolicyTags = {
  serviceTag: () => undefined,
  serviceTagName: () => undefined,
  fqdnTag: () => undefined,
  fqdnTagName: () => undefined,
};

/** A misspelt key would be a question that nobody asked. */
function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).filter(key => !known.includes(key));
  if (unknown.length === 0) return;
  const names = unknown.map(key => `'${key}'`).join(', ');
  throw new TypeError(`${what} has no ${names}; it has ${known.join(', ')}`);
}

function addressOf(field: string, given: string | number): number {
  const address = typeof given === 'number' ? given : parseIpv4(given);
  if (address !== undefined && Number.isInteger(address) && address >= 0 && address <= 0xffffffff)
    return address;
  throw new RangeError(`${field} '${given}' is not an IPv4 address`);
}

function portOf(field: string, given: number): number {
  if (Number.isInteger(given) && given >= 0 && given <= 65535) return given;
  throw new RangeError(`${field} '${given}' is not a port`);
}

function protocolOf(given: IpProtocol): IpProtocol {
  if (typeof given !== 'number')
    return wordOf<'TCP' | 'UDP' | 'ICMP'>('protocol', given, ['TCP', 'UDP', 'ICMP']);
  if (Number.isInteger(given) && given >= 0 && given <= 255) return given;
  throw new RangeError(`protocol ${given} is not a protocol number`);
}

function wordOf<Word extends string>(field: string, given: Word, words: readonly Word[]): Word {
  const word = words.find(known => known.toLowerCase() === String(given).toLowerCase());
  if (word !== undefined) return word;
  throw new RangeError(`${field} '${given}' is none of ${words.join(', ')}`);
}

async function decompress(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}
