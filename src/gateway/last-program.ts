// The last program that was in force, kept on disk so that a restarted gateway enforces it before anybody controls it,
// and a summary of it for `postern status`. Files are replaced as a whole: a crash leaves the old one or the new one.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Program } from '#ir/program.ts';
import { packProgram, parseProgram } from '#ir/program-text.ts';

export class LastProgram {
  readonly #folder: string;
  readonly #now: () => Date;

  constructor(folder: string, now: () => Date) {
    this.#folder = folder;
    this.#now = now;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Undefined when there is none, or when it cannot be read: then only the closed rules are enforced. */
  read(): Program | undefined {
    try {
      return parseProgram(readFileSync(join(this.#folder, 'program.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  applied(program: Program): void {
    this.#replace('program.json', packProgram(program));
    this.#replace('status.json', this.#summary(program));
  }

  /** The newest program was refused; `last` is what is still in force. */
  failed(last: Program | undefined, error: string): void {
    this.#replace('status.json', { ...(last && this.#summary(last)), error });
  }

  /** The rules were taken away on purpose: nothing is to be enforced at the next start. */
  forget(): void {
    for (const name of ['program.json', 'status.json']) rmSync(join(this.#folder, name), { force: true });
  }

  #summary(program: Program): object {
    // Numbers that are not in use have no rule.
    const count = (kind: string) =>
      program.decisions.filter(decision => decision.kind === kind && decision.rule.rule !== '').length;
    return {
      // Whose word it is: after a restart the kernel has the rules, but names and sites wait for the gateway.
      process: process.pid,
      revision: program.revision,
      firewallId: program.firewallId,
      appliedAt: this.#now().toISOString(),
      rules: { network: count('network'), application: program.applicationRules.length, nat: count('nat') },
    };
  }

  #replace(name: string, value: unknown): void {
    const temporary = join(this.#folder, `.${name}.${process.pid}`);
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, JSON.stringify(value));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, join(this.#folder, name));
  }
}
