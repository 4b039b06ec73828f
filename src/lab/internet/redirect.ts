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

/** Runs nft; what it says on failure becomes the error. */
export function loadRules(rules: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const nft = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    const said: Buffer[] = [];
    nft.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    nft.stdin.on('error', () => {});
    nft.once('error', cause => reject(new Error(`nft cannot be run: ${cause.message}`, { cause })));
    nft.once('close', status => {
      if (status === 0) resolve();
      else
        reject(
          new Error(`nft refused the rules of the lab's Internet: ${Buffer.concat(said).toString().trim()}`),
        );
    });
    nft.stdin.end(rules);
  });
}
