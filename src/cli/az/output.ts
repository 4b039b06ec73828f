// Results to text, in Azure CLI's formats. JSON, YAML and tables sort keys; after `--query` tables and tsv keep the
// order in which the query names them.

import { isRecord } from './errors.ts';

export interface OutputOptions {
  readonly format: string;
  readonly colour: boolean;
  readonly queried: boolean;
  /** The command's own rows for a table; unused after a query. */
  readonly table?: ((result: unknown) => unknown) | undefined;
}

/** Empty where there is nothing to print: null and undefined print nothing in any format. */
export async function formatResult(result: unknown, options: OutputOptions): Promise<string> {
  if (result === null || result === undefined) return '';
  switch (options.format) {
    case 'none':
      return '';
    case 'tsv':
      return formatTsv(result, options.queried);
    case 'table':
      return formatTable(options.table && !options.queried ? options.table(result) : result, {
        sorted: !options.queried && !options.table,
      });
    case 'yaml':
    case 'yamlc':
      return formatYaml(result);
    case 'jsonc':
      return options.colour ? colourJson(formatJson(result)) : formatJson(result);
    default:
      return formatJson(result);
  }
}

export function formatJson(result: unknown): string {
  return `${JSON.stringify(sortKeys(result), null, 2)}\n`;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sortKeys(value[key])]),
  );
}

const COLOURS = { key: '\u001b[94m', string: '\u001b[33m', literal: '\u001b[34m', off: '\u001b[39m' };

/** Works on the text of JSON.stringify with an indent, where a key is a string followed by a colon. */
export function colourJson(text: string): string {
  return text.replace(
    /("(?:[^"\\]|\\.)*")(:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g,
    (token, string?: string, colon?: string) => {
      if (string === undefined) return `${COLOURS.literal}${token}${COLOURS.off}`;
      return `${colon ? COLOURS.key : COLOURS.string}${string}${COLOURS.off}${colon ?? ''}`;
    },
  );
}

async function formatYaml(result: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(result, {
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    singleQuote: true,
    version: '1.1',
    aliasDuplicateObjects: false,
  });
}

/** One line a row; a nested list shows as its length, a nested object as nothing. */
export function formatTsv(result: unknown, queried = false): string {
  const rows = Array.isArray(result) ? result : [result];
  return rows.map(row => `${tsvRow(row, queried)}\n`).join('');
}

function tsvRow(row: unknown, queried: boolean): string {
  if (Array.isArray(row)) return row.map(tsvCell).join('\t');
  if (isRecord(row)) {
    const keys = queried ? Object.keys(row) : Object.keys(row).sort();
    return keys.map(key => tsvCell(row[key])).join('\t');
  }
  return typeof row === 'boolean' ? String(row) : tsvCell(row);
}

/** Scalars inside a row read as Azure CLI writes them: True, False, None. */
function tsvCell(value: unknown): string {
  if (Array.isArray(value)) return String(value.length);
  if (isRecord(value)) return '';
  return scalarText(value);
}

function scalarText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

/** Keys that tables never show; a query may show them under another name. */
const SKIPPED_KEYS = new Set(['id', 'type', 'etag']);

export function formatTable(result: unknown, { sorted }: { readonly sorted: boolean }): string {
  const rows = (Array.isArray(result) ? result : [result]).map(item => tableRow(item, sorted));
  if (rows.length === 0) return '\n';
  const headers = [...new Set(rows.flatMap(row => [...row.keys()]))];
  if (headers.length === 0) return '\n';
  const widths = headers.map(header =>
    Math.max(width(header) + 2, ...rows.map(row => width(row.get(header) ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join('  ')
      .trimEnd();
  const lines = [
    line(headers),
    widths.map(columns => '-'.repeat(columns)).join('  '),
    ...rows.map(row => line(headers.map(header => row.get(header) ?? ''))),
  ];
  return `${lines.join('\n')}\n`;
}

function tableRow(item: unknown, sorted: boolean): Map<string, string> {
  if (Array.isArray(item)) {
    return new Map(item.map((value, index) => [`Column${index + 1}`, tableCell(value)]));
  }
  if (!isRecord(item)) return new Map([['Result', tableCell(item)]]);
  const keys = sorted ? Object.keys(item).sort() : Object.keys(item);
  const shown = keys.filter(key => !SKIPPED_KEYS.has(key) && isPlain(item[key]));
  return new Map(shown.map(key => [key.charAt(0).toUpperCase() + key.slice(1), tableCell(item[key])]));
}

function isPlain(value: unknown): boolean {
  return value !== null && value !== undefined && typeof value !== 'object';
}

function tableCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : scalarText(value);
}

function width(text: string): number {
  return [...text].length;
}
