// `npm run bench [-- --quick] [-- --json] [-- NAME...]`: compares, prints, and ends with status 3 where a bar was missed, 2
// where it was asked for something it does not have.

import { parseArgs } from 'node:util';
import { describeMachine, formatMachine, formatResults } from './report.ts';
import { decideRows } from './rows/decide.ts';
import { diffRows } from './rows/diff.ts';
import { documentRows } from './rows/documents.ts';
import { type Comparison, compare, type Result } from './runner.ts';

const ROWS: readonly Comparison[] = [...decideRows, ...documentRows, ...diffRows];

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter(name => !ROWS.some(row => row.name === name));
if (unknown.length > 0) {
  console.error(
    `bench: there is no ${unknown.join(', ')}. There are: ${ROWS.map(row => row.name).join(', ')}.`,
  );
  process.exit(2);
}
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
