// Transcripts in documents: code blocks marked `console`, in which a line that begins with `$ ` is typed and the lines below it
// are what is printed. They are run in one bash a block, in a copy of examples/policy-repository, and compared. A line of `...`
// stands for anything; durations may differ.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const MARK = '\x01';

export interface Typed {
  readonly command: string;
  readonly printed: readonly string[];
}

export interface Block {
  /** Line in the document. */
  readonly line: number;
  readonly typed: readonly Typed[];
}

/** A copy of the example repository with `postern` on the path, and no state of anybody's. */
export class Workspace {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'postern-examples-'));
    cpSync(join(ROOT, 'examples/policy-repository'), this.folder, { recursive: true });
    this.#env = {
      ...process.env,
      PATH: [join(ROOT, 'bin'), process.env.PATH].join(delimiter),
      POSTERN_STATE: join(this.folder, '.state'),
      NO_COLOR: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_SYSTEM: '/dev/null',
    };
  }

  /** As GitHub runs a step: `bash -e`. */
  bash(script: string, env: Readonly<Record<string, string>> = {}, flags: readonly string[] = ['-e']) {
    const { status, stdout, stderr } = spawnSync('bash', [...flags, '-c', script], {
      cwd: this.folder,
      env: { ...this.#env, ...env },
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status, stdout, stderr };
  }

  /** What is printed below each command of a block, errors among it. */
  type(commands: readonly string[]): string[] {
    const script = commands.map(command => `${command}\n__status=$?; printf '${MARK}'; (exit $__status)`);
    const { stdout } = this.bash(`exec 2>&1\n${script.join('\n')}`, {}, []);
    return stdout.split(MARK).slice(0, commands.length);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function blocksOf(document: string): Block[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(({ index, 1: body = '' }) => ({
    line: text.slice(0, index).split('\n').length,
    typed: typedIn(body),
  }));
}

function typedIn(body: string): Typed[] {
  return body
    .split(/^\$ /m)
    .slice(1)
    .map(part => {
      const [command = '', ...printed] = part.trimEnd().split('\n');
      return { command, printed };
    });
}

/** The first line that is not as the document has it; undefined when all are. */
export function difference(printed: string, expected: readonly string[]): string | undefined {
  const lines = printed.trimEnd().split('\n').map(plain);
  let at = 0;
  let isGap = false;
  for (const line of expected.map(plain)) {
    if (line === '...') {
      isGap = true;
      continue;
    }
    const found = isGap ? lines.indexOf(line, at) : lines[at] === line ? at : -1;
    if (found < 0) return `expected '${line}', printed:\n${lines.slice(at).join('\n')}`;
    at = found + 1;
    isGap = false;
  }
  const rest = lines.slice(at).join('\n').trim();
  return isGap || rest === '' ? undefined : `printed beyond the document:\n${rest}`;
}

function plain(line: string): string {
  return line.trimEnd().replaceAll(/\d+(\.\d+)? (ms|s)\b/g, 'N s');
}
