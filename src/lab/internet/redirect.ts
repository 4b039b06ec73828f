// The netfilter rules of the Internet namespace, in a table of their own: TCP to ports without a server and all UDP go
// to the catch-all sockets, which see the address and port that was asked for. Traffic that the namespace only forwards
// (to public addresses of the lab) is not touched.

import { spawn } from 'node:child_process';

export const TABLE = 'postern_internet';

export function rulesFor(tcpPorts: readonly number[], catchAll: number): string {
  return `table ip ${TABLE}
delete table ip ${TABLE}
table ip ${TABLE} {
  chain hand_over {
    type filter hook prerouting priority mangle; policy accept;
    iifname "lo" accept
    fib daddr oif exists accept
    meta l4proto udp tproxy to :${catchAll} accept
    tcp dport { ${tcpPorts.join(', ')} } accept
    meta l4proto tcp tproxy to :${catchAll} accept
  }
}
`;
}

export const NO_RULES = `table ip ${TABLE}\ndelete table ip ${TABLE}\n`;

/** Public addresses that no lab routes anywhere. */
const ANYWHERE = ['8.8.8.8', '1.1.1.1', '208.67.222.222'];

/**
 * Refuses a namespace in which not every address is local. On a machine's own network the rules above would take away
 * all connections to it, so this comes before anything else.
 */
export async function assertOwnsEveryAddress(): Promise<void> {
  for (const address of ANYWHERE) {
    const route = await run('ip', ['-4', 'route', 'get', address]).catch((error: Error) => error.message);
    if (!route.startsWith('local '))
      throw new Error(
        `${address} is not local here (${route.trim().split('\n')[0]}). The Internet of a lab only runs in a network namespace that has ` +
          "'ip route add local 0.0.0.0/0 dev lo table main'.",
      );
  }
}

/** Runs nft; what it says on failure becomes the error. */
export async function loadRules(rules: string): Promise<void> {
  await run('nft', ['-f', '-'], rules);
}

/** Resolves with standard output; rejects with what the program said on standard error. */
function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.stdin.on('error', () => {});
    child.once('error', cause => reject(new Error(`${program} cannot be run: ${cause.message}`, { cause })));
    child.once('close', status => {
      if (status === 0) resolve(Buffer.concat(output).toString());
      else reject(new Error(`${program} failed: ${Buffer.concat(errors).toString().trim()}`));
    });
    child.stdin.end(input);
  });
}
