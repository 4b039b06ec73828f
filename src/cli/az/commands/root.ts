// Commands at the root: version, and rest, which sends any request.

import { readFileSync } from 'node:fs';
import { toArmError, UsageError } from '../errors.ts';
import type { Command, Context } from '../spec.ts';

/** The version of Azure CLI whose flags and output these commands follow. */
const FOLLOWED_CLI_VERSION = '2.67.0';

export function versionInfo(): Record<string, unknown> {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return {
    'azure-cli': FOLLOWED_CLI_VERSION,
    'azure-cli-core': FOLLOWED_CLI_VERSION,
    extensions: { 'azure-firewall': '1.0.0' },
    postern: version,
  };
}

export const commands: readonly Command[] = [
  {
    name: 'rest',
    summary: 'Send any request to the API and print the answer.',
    arguments: [
      {
        key: 'uri',
        flags: ['--uri', '--url', '-u'],
        required: true,
        help: 'Path with its query; {subscriptionId} is filled in.',
      },
      { key: 'body', flags: ['--body', '-b'], help: 'JSON, or @FILE that holds it.' },
      {
        key: 'method',
        flags: ['--method', '-m'],
        choices: ['delete', 'get', 'head', 'patch', 'post', 'put'],
        default: 'get',
        help: 'HTTP method.',
      },
    ],
    examples: ['az rest -u "/subscriptions/{subscriptionId}/resourcegroups?api-version=2021-04-01"'],
    run: sendRequest,
  },
  {
    name: 'version',
    summary: 'Show the versions.',
    arguments: [],
    async run() {
      return versionInfo();
    },
  },
];

async function sendRequest({ arm, values }: Context): Promise<unknown> {
  const uri = values.text('uri').replaceAll('{subscriptionId}', arm.subscription);
  const { pathname, search } = new URL(uri, 'https://localhost');
  const body = readBody(values.optional('body'));
  const response = await arm.request(values.text('method').toUpperCase(), pathname + search, body);
  if (response.status >= 400) throw toArmError(response.status, response.body);
  return response.body;
}

function readBody(given: string | undefined): unknown {
  if (given === undefined) return undefined;
  try {
    return JSON.parse(given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given);
  } catch (error) {
    throw new UsageError(`argument --body: ${(error as Error).message}`);
  }
}
