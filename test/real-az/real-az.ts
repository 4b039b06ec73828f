// The real Azure CLI and Postern's own, each as a process with a configuration of its own in a temporary folder.
// Nothing of the user's environment reaches them but the path of the programs, and nothing is written to the user's home.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlayedControlPlane, playControlPlane } from './control-plane.ts';

export const SUBSCRIPTION = '00000000-0000-4000-8000-000000000001';
export const TENANT = '11111111-1111-4111-8111-111111111111';

const POSTERN = join(import.meta.dirname, '../../bin/postern');
const SHIM = join(import.meta.dirname, 'az-shim.py');
/** Where Debian's package has the CLI; a build from elsewhere brings its own Python and needs no shim. */
const DEBIANS_CLI = '/usr/lib/python3/dist-packages/azure/cli';
const COMMAND_TIMEOUT_MS = 60_000;

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Undefined where there is one to check with. */
export function whyNoRealAz(): string | undefined {
  const found = spawnSync('sh', ['-c', 'command -v az'], { encoding: 'utf8' });
  return found.status === 0
    ? undefined
    : 'the Azure CLI is not installed (Debian: apt-get install azure-cli)';
}

/** A control plane and one of the two command lines for it. */
export class Side implements AsyncDisposable {
  readonly control: PlayedControlPlane;
  readonly folder: string;

  private constructor(control: PlayedControlPlane, folder: string) {
    this.control = control;
    this.folder = folder;
  }

  static async start(): Promise<Side> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-real-az-'));
    const stateDir = join(folder, 'state');
    for (const path of [stateDir, join(folder, 'home')]) mkdirSync(path, { mode: 0o700 });
    return new Side(await playControlPlane(stateDir), folder);
  }

  read(name: string): string {
    return readFileSync(join(this.control.stateDir, name), 'utf8').trim();
  }

  /** Azure's CLI. Standard input is empty, so it cannot ask. */
  real(args: readonly string[]): Promise<Run> {
    const debians = existsSync(DEBIANS_CLI);
    const program = debians ? '/usr/bin/python3' : 'az';
    return run(program, debians ? ['-W', 'ignore', SHIM, ...args] : args, {
      HOME: join(this.folder, 'home'),
      AZURE_CONFIG_DIR: join(this.folder, 'home/azure'),
      AZURE_CORE_COLLECT_TELEMETRY: 'false',
      REQUESTS_CA_BUNDLE: join(this.control.stateDir, 'ca.pem'),
      PYTHONDONTWRITEBYTECODE: '1',
      LANG: 'C.UTF-8',
    });
  }

  posterns(args: readonly string[]): Promise<Run> {
    return run(POSTERN, ['az', ...args], {
      HOME: join(this.folder, 'home'),
      POSTERN_API_JSON: join(this.control.stateDir, 'api.json'),
    });
  }

  /** As docs/real-az.md tells a user to. The login comes last, so that a caller can fail it first. */
  async register(): Promise<void> {
    const { url } = this.control;
    const cloud = {
      endpoints: {
        resourceManager: `${url}/`,
        management: `${url}/`,
        activeDirectory: `${url}/adfs`,
        activeDirectoryResourceId: `${url}/`,
        activeDirectoryGraphResourceId: `${url}/`,
        microsoftGraphResourceId: `${url}/`,
      },
    };
    const file = join(this.folder, 'cloud.json');
    writeFileSync(file, JSON.stringify(cloud));
    await succeed(this.real(['cloud', 'register', '-n', 'Postern', '--cloud-config', `@${file}`]));
    await succeed(this.real(['cloud', 'set', '-n', 'Postern']));
  }

  login(secret: string): Promise<Run> {
    return this.real(['login', '--service-principal', '-u', 'check', '-p', secret, '--tenant', TENANT]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function succeed(running: Promise<Run>): Promise<string> {
  const { status, stdout, stderr } = await running;
  if (status !== 0) throw new Error(`exit status ${status}: ${stderr}${stdout}`);
  return stdout;
}

/** Words of a command; single quotes keep spaces together. */
export function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH, ...env },
      timeout: COMMAND_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        texts[name] += chunk;
      });
    child.on('error', reject);
    child.on('close', status => resolve({ status, ...texts }));
  });
}
