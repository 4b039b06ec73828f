// Other programs may take away what the gateway put into the kernel: `nft flush ruleset` when somebody reloads
// /etc/nftables.conf, or a network manager that drops routing rules it does not know. Who takes the rules away opens the
// network, so the gateway looks often, and says so, so that it can be started anew.

import { spawn } from 'node:child_process';
import { PROXY_RULE_PRIORITY, TABLE } from '#dataplane/netfilter/names.ts';
import type { KernelNetlink } from '#netlink/kernel-netlink.ts';

const TABLE_LOOK_MS = 500;
/** Without the routing rule nothing passes that should not; looking costs a process. */
const RULE_LOOK_MS = 10_000;

export interface TableWatchOptions {
  readonly netlink: Pick<KernelNetlink, 'tableExists'>;
  /** What is gone; called once. */
  readonly onGone: (what: string) => void;
  readonly listRules?: () => Promise<string>;
}

/** Looks until the returned function is called. */
export function watchTable({ netlink, onGone, listRules = ipRules }: TableWatchOptions): () => void {
  let gone = false;
  const stop = () => {
    gone = true;
    clearInterval(table);
    clearInterval(rule);
  };
  const tell = (what: string) => {
    if (gone) return;
    stop();
    onGone(what);
  };
  const table = setInterval(() => {
    if (!netlink.tableExists(TABLE.name)) tell(`the nft table ${TABLE.family} ${TABLE.name}`);
  }, TABLE_LOOK_MS);
  const rule = setInterval(() => {
    listRules().then(
      text => {
        if (!text.split('\n').some(line => line.startsWith(`${PROXY_RULE_PRIORITY}:`)))
          tell(`the routing rule ${PROXY_RULE_PRIORITY}`);
      },
      () => {},
    );
  }, RULE_LOOK_MS);
  return stop;
}

/** Rejects when it cannot be told, which is not the same as gone. */
function ipRules(): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('ip', ['-4', 'rule', 'show'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.once('error', reject);
    child.once('close', code =>
      code === 0 ? resolve(text) : reject(new Error(`ip rule ended with ${code}`)),
    );
  });
}
