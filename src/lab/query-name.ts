// A program: `query-name.ts NAME SERVER...` asks the servers for the addresses of a name, from the network it is started in, and
// prints them as one line of JSON.

import { Resolver } from 'node:dns/promises';

const TIMEOUT_MS = 1500;

const [name = '', ...servers] = process.argv.slice(2);
const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 2 });
resolver.setServers(servers);
const answer = await resolver.resolve4(name).then(
  addresses => ({ addresses }),
  (error: NodeJS.ErrnoException) => ({ addresses: [], fault: error.code ?? error.message }),
);
process.stdout.write(`${JSON.stringify(answer)}\n`);
