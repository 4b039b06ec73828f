// Findings for people and for programs, each with the place in the files where it stands. Pure.

import type { DocumentPlace } from '#documents/read-documents.ts';
import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { LINT_CODES, type LintCode, type LintFinding, SEVERITIES, type Severity } from './finding.ts';

export interface PlacedFinding extends LintFinding {
  /** Undefined for what no file describes, as in Postern's own store; it stands at the id of its resource. */
  readonly place: DocumentPlace | undefined;
}

/** Width of the text, so that a line fits where people read logs. */
const WIDTH = 110;
const INDENT = '  ';

/** Grouped by severity; what is said of several rules is said once. A last line counts. */
export function describeFindings(findings: readonly PlacedFinding[]): string {
  const width = Math.max(0, ...findings.map(({ code }) => code.length));
  const blocks = SEVERITIES.flatMap(severity => {
    const groups = new Map<string, PlacedFinding[]>();
    for (const finding of findings.filter(found => found.severity === severity)) {
      const key = [finding.code, finding.reason, finding.fix].join('\n');
      groups.set(key, [...(groups.get(key) ?? []), finding]);
    }
    if (groups.size === 0) return [];
    const texts = [...groups.values()].map(group => describeGroup(group, width));
    return [`${TITLES[severity]}\n\n${texts.join('\n')}`];
  });
  return `${[...blocks, summary(findings)].join('\n')}\n`;
}

const TITLES: Readonly<Record<Severity, string>> = { error: 'Errors', warning: 'Warnings', note: 'Notes' };

function describeGroup(group: readonly PlacedFinding[], width: number): string {
  const [first] = group;
  if (!first) return '';
  const { reason, fix } = first;
  const abouts = group.map(({ rule, resource }) => (rule ? formatRuleRef(rule) : nameOf(resource)));
  const wide = Math.max(...abouts.map(about => about.length));
  return [
    ...group.map(({ code, place, resource }, index) => {
      const where = place ? `${place.file}:${place.line}:${place.column}` : resource;
      return `${INDENT}${code.padEnd(width)}  ${(abouts[index] ?? '').padEnd(wide)}  ${where}`;
    }),
    ...fold(reason, WIDTH - 6).map(line => `${INDENT}    ${line}`),
    // A command must stay in one piece.
    ...(fix.includes('az network ') ? fix.split('\n') : fold(fix, WIDTH - 11)).map(
      (line, index) => `${INDENT}    ${index === 0 ? 'fix: ' : '     '}${line}`,
    ),
    '',
  ].join('\n');
}

function nameOf(id: string): string {
  return id.split('/').at(-1) ?? id;
}

export function summary(findings: readonly LintFinding[]): string {
  const counts = SEVERITIES.map(severity => {
    const count = findings.filter(finding => finding.severity === severity).length;
    return `${count} ${severity}${count === 1 ? '' : 's'}`;
  });
  return findings.length === 0 ? 'Nothing found.' : `${counts.join(', ')}.`;
}

function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

export function toLintJson(findings: readonly PlacedFinding[]): object {
  const count = (severity: Severity) => findings.filter(finding => finding.severity === severity).length;
  return {
    findings: findings.map(({ code, severity, rule, resource, target, place, reason, fix, related }) => ({
      code,
      severity,
      rule: rule && ruleJson(rule),
      resource,
      path: target,
      place: place ? { file: place.file, line: place.line, column: place.column } : null,
      reason,
      fix,
      related: related.map(ruleJson),
    })),
    errors: count('error'),
    warnings: count('warning'),
    notes: count('note'),
  };
}

function ruleJson({ policy, group, collection, rule }: RuleRef): object {
  return { policy, group, collection, name: rule };
}

/** All codes with what they mean, a line each. */
export function describeCodes(): string {
  const codes = Object.keys(LINT_CODES) as LintCode[];
  const width = Math.max(...codes.map(code => code.length));
  return `${codes
    .map(code => `${code.padEnd(width)}  ${LINT_CODES[code].severity.padEnd(7)}  ${LINT_CODES[code].what}`)
    .join('\n')}\n`;
}
