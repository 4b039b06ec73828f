// Arguments of the scripts behind `npm run`. `--help` prints the usage; what the usage does not know ends with status 2 and
// does nothing, so that no run ends well that never was what somebody asked for.

import { type ParseArgsConfig, parseArgs } from 'node:util';

type Parsed<Config extends ParseArgsConfig> = ReturnType<typeof parseArgs<Config>>;

export function readArguments<const Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): Parsed<Config> {
  const args = config.args ?? process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return refuse(usage, error instanceof Error ? error.message : String(error));
  }
}

export function refuse(usage: string, message: string): never {
  process.stderr.write(`${message}\n\n${usage}`);
  process.exit(2);
}
