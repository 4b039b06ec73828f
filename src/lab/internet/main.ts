// `postern internet --config FILE --state DIR`: the Internet of a lab, in the foreground. It prints `ready` when it answers,
// reads its configuration again on SIGHUP (a faulty one is reported and the old one kept) and ends on SIGTERM or SIGINT.

import { mkdir, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type InternetSettings, parseInternetConfig } from './config.ts';
import { Internet } from './internet.ts';
import { publicPool } from './names.ts';

const HELP = `Usage: postern internet --config FILE --state DIR

The Internet of a lab: DNS, HTTP, TLS, NTP and echo for every name and address, inside a network
namespace in which all addresses are local (ip route add local 0.0.0.0/0 dev lo table main). The lab starts it.

  --config FILE   JSON; docs/lab.md says what it may hold
  --state DIR     where ca.pem, ca-key.pem and the journal internet.jsonl are kept
`;

export async function runInternet(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (typeof options === 'string') {
    process.stderr.write(options);
    return 2;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    const settings = await readSettings(options.config);
    await mkdir(options.state, { recursive: true, mode: 0o700 });
    const ended = nextSignal();
    const internet = await Internet.start(settings, options.state, warn);
    process.on('SIGHUP', () => void reload(internet, options.config));
    process.stdout.write('ready\n');
    await ended;
    await internet.close();
    return 0;
  } catch (error) {
    warn((error as Error).message);
    return 1;
  }
}

type Options = { readonly help: boolean; readonly config: string; readonly state: string };

/** A string says what is wrong. */
function parseOptions(args: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        state: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const { config = '', state = '', help = false } = values;
    if (!help && (config === '' || state === ''))
      return `postern internet: --config and --state are needed.\n${HELP}`;
    return { help, config, state };
  } catch (error) {
    return `postern internet: ${(error as Error).message}\n${HELP}`;
  }
}

async function readSettings(path: string): Promise<InternetSettings> {
  const parsed = parseInternetConfig(parseJson(await readFile(path, 'utf8'), path));
  if ('faults' in parsed)
    throw new Error(
      [`${path} is not usable:`, ...parsed.faults.map(fault => `  ${fault.path}: ${fault.message}`)].join(
        '\n',
      ),
    );
  if (publicPool(parsed.settings).length === 0)
    throw new Error(`${path}: pool: no address is left that is not reserved`);
  return parsed.settings;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

async function reload(internet: Internet, path: string): Promise<void> {
  try {
    internet.configure(await readSettings(path));
  } catch (error) {
    warn(`${(error as Error).message}\nThe old configuration stays in force.`);
  }
}

function nextSignal(): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

function warn(message: string): void {
  process.stderr.write(`postern internet: ${message}\n`);
}
