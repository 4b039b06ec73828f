// The files behind `--policy` and `--parameters`, read as text. A folder stands for the JSON files that lie directly in it; what
// is named and cannot be rules (Bicep, YAML) is refused with what to do instead.

import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseJsonText } from '#documents/json-text.ts';
import type { DocumentFile } from '#documents/read-documents.ts';
import {
  type GivenParameter,
  parametersInFile,
  parseGivenParameter,
} from '#documents/template-parameters.ts';
import { fileFault } from '#state/file-fault.ts';

/** No policy that Azure takes comes near; a disk image would be read for minutes. */
const MOST_BYTES = 256 * 1024 * 1024;

const CHUNK = 64 * 1024;

const JSON_FILE = /\.jsonc?$/i;

export function readPolicyFiles(paths: readonly string[]): {
  readonly files: readonly DocumentFile[];
  readonly faults: readonly string[];
} {
  const files = new Map<string, DocumentFile>();
  const faults: string[] = [];
  for (const path of paths) {
    try {
      for (const file of statSync(path).isDirectory() ? filesIn(path) : [path])
        files.set(file, { file, text: readText(file) });
    } catch (error) {
      faults.push(`${path}: ${fileFault(error)}`);
    }
  }
  return { files: [...files.values()], faults };
}

function filesIn(folder: string): string[] {
  const names = readdirSync(folder).filter(name => !name.startsWith('.'));
  const json = names.filter(name => JSON_FILE.test(name));
  for (const bicep of names.filter(name => name.endsWith('.bicep')))
    if (!json.includes(bicep.replace(/\.bicep$/, '.json'))) refuseBicep(join(folder, bicep));
  if (json.length === 0) throw new Error('the folder holds no JSON file');
  return json.sort().map(name => join(folder, name));
}

function readText(file: string): string {
  if (/\.bicep$/i.test(file)) refuseBicep(file);
  if (/\.bicepparam$/i.test(file))
    throw new Error(`Bicep parameters are not read. Build them: az bicep build-params --file ${file}`);
  if (/\.ya?ml$/i.test(file))
    throw new Error('YAML is not read here. Print the resource as JSON: az ... -o json');
  const bytes = readAtMost(file, MOST_BYTES);
  // What `>` of Windows PowerShell writes.
  return new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes);
}

/** Throws for a larger file, before it is in memory: pipes and devices do not say how large they are. */
export function readAtMost(file: string, mostBytes: number): Buffer {
  const tooLarge = new Error(`it is larger than ${mostBytes} bytes`);
  const handle = openSync(file, 'r');
  try {
    const stat = fstatSync(handle);
    if (stat.size > mostBytes) throw tooLarge;
    if (stat.isFile() && stat.size > 0) return readFileSync(handle);
    const chunks: Buffer[] = [];
    for (let left = mostBytes; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const length = readSync(handle, chunk);
      if (length === 0) return Buffer.concat(chunks);
      left -= length;
      if (left < 0) throw tooLarge;
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(handle);
  }
}

function refuseBicep(file: string): never {
  throw new Error(`Bicep is not read. Build it: az bicep build --file ${file}`);
}

/** `FILE` (also `@FILE`, as az takes it) or `KEY=VALUE`; of two values for one parameter the later one counts. */
export function readParameters(given: readonly string[]): {
  readonly parameters: readonly (readonly [string, GivenParameter])[];
  readonly faults: readonly string[];
} {
  const parameters: (readonly [string, GivenParameter])[] = [];
  const faults: string[] = [];
  for (const word of given) {
    const pair = parseGivenParameter(word);
    if (pair) {
      parameters.push(pair);
      continue;
    }
    const file = word.replace(/^@/, '');
    try {
      const { json, faults: broken } = parseJsonText(readText(file));
      if (json) parameters.push(...parametersInFile(json.value));
      else
        for (const { line, column, message } of broken) faults.push(`${file}:${line}:${column}: ${message}`);
    } catch (error) {
      faults.push(`${file}: ${fileFault(error)}`);
    }
  }
  return { parameters, faults };
}
