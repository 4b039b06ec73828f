// A file of policy tests, read: which rules it is about, which addresses its names have, and one case for every connection that
// its tests and tables speak of. Strict: a key that nobody knows is a fault, since a test that silently checks less is worse than
// none. Pure.

import type { ReasonCode, SnatClass } from '#ir/decision.ts';
import { POLICY_OPTION_FLAGS, type PolicyOptionFlag } from '#model/policy-option-flags.ts';
import { parseFqdn } from '#net/fqdn.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import { ANSWER_REASONS } from '../answer.ts';
import type { Question, QuestionField } from '../question.ts';
import { readYaml, type YamlFault, type YamlPlace, type YamlReader } from './yaml-reader.ts';

export interface PolicyTestFile {
  /** As flags of the offline commands: `policy`, `parameters`, `firewall`, ..., and those of policy options. */
  readonly flags: Readonly<Record<string, string | boolean | readonly string[]>>;
  readonly resolved: ReadonlyMap<string, readonly number[]>;
  readonly cases: readonly PolicyTestCase[];
}

export interface PolicyTestCase {
  readonly name: string;
  readonly place: YamlPlace;
  readonly question: Question;
  /** Of what the file says for a part of the question. */
  readonly placeOf: Partial<Readonly<Record<QuestionField, YamlPlace>>>;
  readonly expected: Expectation;
}

/** Absent is not looked at. */
export interface Expectation {
  readonly action: 'Allow' | 'Deny';
  /** The end of `policy/group/collection/rule`, or `none`. */
  readonly by?: string | undefined;
  readonly reason?: ReasonCode | undefined;
  readonly path?: (typeof PATHS)[number] | undefined;
  readonly snat?: SnatClass | undefined;
  /** `ADDRESS:PORT` or `NAME:PORT`. */
  readonly translated?: string | undefined;
}

export type ParsedPolicyTests =
  | { readonly file: PolicyTestFile; readonly faults?: undefined }
  /** The file without the tests that have a fault, where there are others and the faults are all in tests. */
  | { readonly file?: PolicyTestFile; readonly faults: readonly YamlFault[] };

const PATHS = ['forward', 'proxy', 'nat', 'local'] as const;
const SNATS: readonly SnatClass[] = ['None', 'PrivateIp', 'PublicIp'];
const TEXT_FLAGS = ['firewall', 'firewall-policy', 'subscription', 'resource-group', 'location'] as const;
const LIST_FLAGS = ['policy', 'parameters'] as const;
const FIELDS = [
  ...(['from', 'to', 'proto', 'sni', 'host', 'outside'] as const),
  ...(['expect', 'by', 'reason', 'path', 'snat', 'translated'] as const),
] as const;
type Field = (typeof FIELDS)[number];
type Row = Partial<Record<Field, YamlReader>>;

/** Every source with every target is one; what people ask for in a file is some thousands. */
const MOST_CASES = 200_000;

/** One fault often brings others; the first ones tell. */
const MOST_FAULTS = 100;

export function parsePolicyTests(text: string): ParsedPolicyTests {
  const { root, faults } = readYaml(text, 'a file of policy tests');
  if (faults.length > 0) return { faults: firstOf(faults) };
  const top = root.members([...LIST_FLAGS, ...TEXT_FLAGS, 'options', 'resolve', 'tests']);
  const flags: Record<string, string | boolean | readonly string[]> = {};
  for (const key of TEXT_FLAGS) {
    const value = top[key]?.text();
    if (value !== undefined) flags[key] = value;
  }
  const paths = top.policy?.itemsOrOne().map(item => item.text() ?? '');
  if (paths) flags.policy = paths;
  if (top.parameters) flags.parameters = readParameters(top.parameters);
  if (top.options) Object.assign(flags, readOptions(top.options));
  const resolved = top.resolve ? readResolved(top.resolve) : new Map<string, readonly number[]>();
  const tests = top.tests?.items() ?? [];
  const isRunnable = faults.length === 0;
  const cases: PolicyTestCase[] = [];
  for (const test of tests) {
    for (const found of readTest(test, MOST_CASES - cases.length, faults)) cases.push(found);
    if (faults.length > MOST_FAULTS) break;
  }
  if (tests.length === 0 && faults.length === 0)
    (top.tests ?? root).fault("'tests' is missing or empty: nothing would be tested");
  const file = { flags, resolved, cases };
  if (faults.length === 0) return { file };
  return { faults: firstOf(faults), ...(isRunnable && cases.length > 0 && { file }) };
}

function firstOf(faults: readonly YamlFault[]): readonly YamlFault[] {
  const [last] = faults.slice(MOST_FAULTS - 1);
  if (!last || faults.length === MOST_FAULTS) return faults;
  return [
    ...faults.slice(0, MOST_FAULTS - 1),
    { ...last, message: `${last.message}; more faults follow, which are not told` },
  ];
}

/** Files and `NAME=VALUE` in a list, or a mapping of values. */
function readParameters(reader: YamlReader): string[] {
  if (!reader.isMapping()) return reader.itemsOrOne().map(item => item.text() ?? '');
  return reader.entries().map(([name, , value]) => `${name}=${value.text() ?? ''}`);
}

function readOptions(reader: YamlReader): Record<string, boolean | readonly string[]> {
  const names = Object.keys(POLICY_OPTION_FLAGS) as PolicyOptionFlag[];
  const options: Record<string, boolean | readonly string[]> = {};
  for (const [name, value] of Object.entries(reader.members(names))) {
    if (POLICY_OPTION_FLAGS[name as PolicyOptionFlag].type === 'string')
      options[name] = value.itemsOrOne().map(item => item.text() ?? '');
    else options[name] = value.boolean() ?? false;
  }
  return options;
}

function readResolved(reader: YamlReader): Map<string, readonly number[]> {
  const resolved = new Map<string, readonly number[]>();
  for (const [text, key, value] of reader.entries()) {
    const name = parseFqdn(text);
    if (name === undefined) key.fault(`'${text}' is no name`);
    const addresses = value.itemsOrOne().flatMap(item => {
      const address = item.text();
      if (address === undefined) return [];
      return parseIpv4(address) ?? item.fault(`'${address}' is no IPv4 address`) ?? [];
    });
    if (value.itemsOrOne().length === 0) value.fault(`'${text}' has no address`);
    if (name !== undefined) resolved.set(name, addresses);
  }
  return resolved;
}

/** `room` is how many more cases the file may have; what has a fault makes none. */
function readTest(reader: YamlReader, room: number, faults: readonly YamlFault[]): PolicyTestCase[] {
  const before = faults.length;
  const { name, table, ...row } = reader.members(['name', 'table', ...FIELDS]);
  const title = name?.text();
  const rows = table ? readTable(table, row) : [{ reader, row }];
  const cases: PolicyTestCase[] = [];
  const isRow = table !== undefined;
  let told = faults.length;
  const isSound = told === before;
  for (const { reader: where, row: fields } of rows) {
    const found = readCases(where, fields, { title, isRow, room: room - cases.length });
    if (isSound && faults.length === told) for (const one of found) cases.push(one);
    told = faults.length;
  }
  return cases;
}

interface PlacedRow {
  readonly reader: YamlReader;
  readonly row: Row;
}

/** What the test says beside its table holds for every row. */
function readTable(reader: YamlReader, common: Row): PlacedRow[] {
  const { columns, rows } = reader.members(['columns', 'rows']);
  if (!columns || !rows) {
    reader.fault("a table has 'columns' and 'rows'");
    return [];
  }
  const fields = columns.items().map(column => {
    const field = column.oneOf(FIELDS);
    if (field !== undefined && common[field])
      column.fault(`'${field}' is a column and stands beside the table, too`);
    return field;
  });
  const twice = fields.find((field, index) => field !== undefined && fields.indexOf(field) < index);
  if (twice !== undefined) columns.fault(`the column '${twice}' stands twice`);
  const list = rows.items();
  if (list.length === 0) rows.fault('the table has no rows: nothing would be tested');
  return list.flatMap(line => {
    const cells = line.items();
    if (cells.length !== fields.length) {
      line.fault(`the row has ${cells.length} cells for ${fields.length} columns`);
      return [];
    }
    const row: Row = { ...common };
    for (const [index, field] of fields.entries()) {
      const cell = cells[index];
      // An empty cell says nothing.
      if (field !== undefined && cell && !cell.isEmpty()) row[field] = cell.called(`'${field}'`);
    }
    return [{ reader: line, row }];
  });
}

function readCases(
  where: YamlReader,
  row: Row,
  {
    title,
    isRow,
    room,
  }: { readonly title: string | undefined; readonly isRow: boolean; readonly room: number },
): PolicyTestCase[] {
  const from = listOf(where, row, 'from');
  const to = listOf(where, row, 'to');
  if (from.length * to.length > room) {
    where.fault(`with this test the file asks about more than ${MOST_CASES} connections; ask about fewer`);
    return [];
  }
  const expected = readExpectation(where, row);
  const common = {
    protocol: row.proto?.text(),
    sni: row.sni?.text(),
    host: row.host?.text(),
    outside: row.outside?.boolean(),
  };
  if (!expected) return [];
  const several = isRow || from.length > 1 || to.length > 1;
  const placeOf = {
    ...(row.proto && { protocol: row.proto.place }),
    ...(row.sni && { sni: row.sni.place }),
    ...(row.host && { host: row.host.place }),
  };
  return from.flatMap(({ text: source, place: sourcePlace }) =>
    to.map(({ text: target, place: targetPlace }) => {
      const flow = `${source} to ${target}`;
      return {
        name: title === undefined ? flow : several ? `${title}: ${flow}` : title,
        place: where.place,
        question: { from: source, to: target, ...common },
        placeOf: { from: sourcePlace, to: targetPlace, ...placeOf },
        expected,
      };
    }),
  );
}

interface PlacedText {
  readonly text: string;
  readonly place: YamlPlace;
}

function listOf(where: YamlReader, row: Row, field: 'from' | 'to'): PlacedText[] {
  const reader = row[field];
  if (!reader) {
    where.fault(`'${field}' is missing`);
    return [];
  }
  const items = reader.itemsOrOne();
  if (items.length === 0) reader.fault(`'${field}' is empty: nothing would be tested`);
  return items.flatMap(item => {
    const text = item.text();
    return text === undefined ? [] : { text, place: item.place };
  });
}

function readExpectation(where: YamlReader, row: Row): Expectation | undefined {
  if (!row.expect) return where.fault("'expect' is missing: allow or deny");
  const action = row.expect.oneOf(['Allow', 'Deny'], 'allow or deny');
  if (action === undefined) return undefined;
  if (action === 'Deny')
    for (const key of ['path', 'snat', 'translated'] as const)
      row[key]?.fault(`a denied connection has no '${key}'`);
  return {
    action,
    by: row.by?.text(),
    reason: row.reason?.oneOf(ANSWER_REASONS),
    path: row.path?.oneOf(PATHS),
    snat: row.snat?.oneOf(SNATS),
    translated: row.translated?.text(),
  };
}
