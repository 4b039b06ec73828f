// Compares, prints, and ends with status 3 where a bar was missed, 2 where it was asked for something it does not have.

import { readArguments, refuse } from '../scripts/read-arguments.ts';
import { describeMachine, formatMachine, formatResults } from './report.ts';
import { decideRows } from './rows/decide.ts';
import { diffRows } from './rows/diff.ts';
import { documentRows } from './rows/documents.ts';
import { type Comparison, compare, type Result } from './runner.ts';

const ROWS: readonly Comparison[] = [...decideRows, ...documentRows, ...diffRows];

const USAGE = `Usage: npm run bench [-- [--quick] [--json] [ROW ...]]

  --quick   short runs: good for seeing that everything works, too short to quote
  --json    for machines

Rows: ${ROWS.map(row => row.name).join(', ')}.
Status 0: every bar was held; 3: one was missed; 2: nothing was measured.
`;

const { values, positionals } = readArguments(USAGE, {
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.find(name => !ROWS.some(row => row.name === name));
if (unknown !== undefined) refuse(USAGE, `bench: there is no row '${unknown}'.`);
const wanted = ROWS.filter(row => positionals.length === 0 || positionals.includes(row.name));
const results: Result[] = [];
for (const row of wanted) {
  if (!values.json) process.stderr.write(`${row.name} ...\n`);
  results.push(await compare(row, { quick: values.quick }));
}
const machine = describeMachine();
if (values.json) console.log(JSON.stringify({ machine, quick: values.quick, results }, undefined, 2));
else console.log(`${formatMachine(machine)}${values.quick ? '; QUICK' : ''}\n\n${formatResults(results)}`);
if (results.some(({ missed }) => missed.length > 0)) process.exitCode = 3;
