// The texts of `--help`, in the layout that users of Azure CLI know: group, subgroups, commands; command, arguments,
// global arguments, examples. Text only; nothing is written here.

import { globalArguments } from './arguments.ts';
import type { Argument, Command } from './spec.ts';
import { commandsOf, subgroupsOf } from './tree.ts';

const INDENT = '    ';
const LINE_LETTERS = 110;

interface Row {
  readonly label: string;
  readonly text: string;
}

export async function groupHelp(path: string, summary: string): Promise<string> {
  const subgroups = subgroupsOf(path).map(group => ({
    label: group.path.split(' ').at(-1) as string,
    text: group.summary,
  }));
  const commands = (await commandsOf(path)).map(command => ({ label: command.name, text: command.summary }));
  const name = path === '' ? 'az' : `az ${path}`;
  return joinSections([
    ['Group', `${INDENT}${name} : ${summary}\n`],
    ['Subgroups:', rows(byLabel(subgroups))],
    ['Commands:', rows(byLabel(commands))],
    ['', `For one of them: ${name} NAME --help\n`],
  ]);
}

export function commandHelp(path: string, command: Command): string {
  const shown = [...command.arguments, ...globalArguments].filter(argument => !argument.hidden);
  const sections = new Set(shown.map(argument => argument.section ?? 'Arguments'));
  const width = Math.max(...shown.map(argument => label(argument).length));
  const refused = Object.entries(command.refused ?? {}).map(([flag, text]) => ({ label: flag, text }));
  return joinSections([
    ['Command', `${INDENT}${path} : ${command.summary}\n`],
    ...[...sections].map((section): [string, string] => [
      section,
      rows(
        shown
          .filter(argument => (argument.section ?? 'Arguments') === section)
          .sort(requiredFirst)
          .map(argument => ({ label: label(argument), text: describe(argument) })),
        width,
      ),
    ]),
    ['Flags of Azure that Postern refuses', rows(refused, width)],
    ['Examples', (command.examples ?? []).map(example => `${INDENT}${example}\n`).join('')],
  ]);
}

function joinSections(sections: readonly (readonly [string, string])[]): string {
  const filled = sections.filter(([, body]) => body !== '');
  return `\n${filled.map(([title, body]) => (title ? `${title}\n${body}` : body)).join('\n')}\n`;
}

function byLabel(list: readonly Row[]): readonly Row[] {
  return list.toSorted((a, b) => a.label.localeCompare(b.label));
}

function requiredFirst(a: Argument, b: Argument): number {
  return Number(b.required ?? false) - Number(a.required ?? false) || a.flags[0].localeCompare(b.flags[0]);
}

function label(argument: Argument): string {
  const long = argument.flags.filter(flag => flag.startsWith('--'));
  const short = argument.flags.filter(flag => !flag.startsWith('--'));
  return `${[...long, ...short].join(' ')}${argument.required ? ' [Required]' : ''}`;
}

function describe({ help, kind, choices, default: preset }: Argument): string {
  const values = kind === 'boolean' ? ['false', 'true'] : choices;
  const allowed = values ? `  Allowed values: ${values.join(', ')}.` : '';
  return `${help}${allowed}${preset === undefined ? '' : `  Default: ${preset}.`}`;
}

function rows(list: readonly Row[], width = Math.max(0, ...list.map(row => row.label.length))): string {
  return list
    .map(row => {
      const head = `${INDENT}${row.label.padEnd(width)} : `;
      return `${head}${wrap(row.text, head.length)}\n`;
    })
    .join('');
}

/** Lines after the first start below the first one's text. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + word.length + 1 > LINE_LETTERS) {
      lines.push(line.trimEnd());
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
