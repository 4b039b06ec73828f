// Findings as a SARIF 2.1.0 log (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), which code-scanning services show beside the
// files. Every finding needs a place there; one without a file stands at its resource alone. Pure.

import { formatRuleRef } from '#model/rule-ref.ts';
import { LINT_CODES, type LintCode } from './finding.ts';
import type { PlacedFinding } from './lint-report.ts';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

export function toSarif(findings: readonly PlacedFinding[], version: string): object {
  const codes = Object.keys(LINT_CODES) as LintCode[];
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'postern lint',
            semanticVersion: version,
            rules: codes.map(code => ({
              id: code,
              shortDescription: { text: sentence(LINT_CODES[code].what) },
              defaultConfiguration: { level: LINT_CODES[code].severity },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(finding => toResult(finding, codes)),
      },
    ],
  };
}

function toResult(
  { code, severity, rule, resource, place, reason, fix, related }: PlacedFinding,
  codes: readonly LintCode[],
): object {
  const subject = rule ? formatRuleRef(rule) : resource;
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: {
      text: `${rule ? `${subject}: ` : ''}${reason} Fix: ${fix}${related.length > 0 ? ` Related: ${related.map(formatRuleRef).join(', ')}.` : ''}`,
    },
    locations: [
      {
        ...(place && {
          physicalLocation: {
            artifactLocation: { uri: toUri(place.file) },
            region: { startLine: place.line, startColumn: place.column },
          },
        }),
        logicalLocations: [
          {
            name: rule ? rule.rule : (resource.split('/').at(-1) ?? resource),
            fullyQualifiedName: subject,
            kind: rule ? 'member' : 'resource',
          },
        ],
      },
    ],
    // Stays the same when lines move, so that a service knows the finding again.
    partialFingerprints: { 'postern/v1': `${code} ${subject}${rule ? '' : ` ${reason}`}` },
  };
}

/** Relative paths stay relative, to the root of the repository that a service takes them from. */
function toUri(file: string): string {
  const path = file.replaceAll('\\', '/').replace(/^\.\//, '');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
