// Runs programs to their end for the fabric: the real thing, and a fake that remembers what it was asked.

import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly status: number;
  readonly stderr: string;
}

export interface CommandRunner {
  run(command: readonly string[], input: string): Promise<CommandResult>;
}

/** Complaints beyond this are repetitions. */
const STDERR_BYTES = 16 * 1024;

export class SystemCommandRunner implements CommandRunner {
  run(command: readonly string[], input: string): Promise<CommandResult> {
    const [program = '', ...args] = command;
    return new Promise(resolve => {
      const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(0, STDERR_BYTES);
      });
      child.on('error', error => resolve({ status: 127, stderr: error.message }));
      child.on('close', code => resolve({ status: code ?? 1, stderr: stderr.trim() }));
      // A program that dies early closes the pipe; its status says why.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
  }
}

export class FakeCommandRunner implements CommandRunner {
  readonly calls: { readonly command: readonly string[]; readonly input: string }[] = [];
  failWhen: (command: readonly string[], input: string) => string | undefined = () => undefined;

  async run(command: readonly string[], input: string): Promise<CommandResult> {
    this.calls.push({ command, input });
    const stderr = this.failWhen(command, input);
    return stderr === undefined ? { status: 0, stderr: '' } : { status: 1, stderr };
  }
}
