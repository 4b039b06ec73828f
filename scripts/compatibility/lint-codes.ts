// What `postern lint` can find, as `postern lint --list` prints it.

import { LINT_CODES } from '#analysis/lint/finding.ts';
import { table } from './feature.ts';

export function lintCodesTable(): string {
  return table(
    ['Code', 'Usually', 'What'],
    Object.entries(LINT_CODES).map(([code, { severity, what }]) => [`\`${code}\``, severity, what]),
  );
}
