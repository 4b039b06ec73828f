// What the system is set to: tools and their versions, user namespaces, forwarding, who answers DNS already, how many
// connections may be tracked, and whether the state folder is private.

import { type Stats, statSync } from 'node:fs';
import { commandName } from '#state/command-name.ts';
import { type Finding, missing, ok, type Read, type Run, warning } from './finding.ts';

const NODE_MAJOR = 24;
/** Debian 12 and Ubuntu 22.04 ship this or newer; older ones print sets in another way. */
const NFT_VERSION = [1, 0, 2] as const;
/** A connection takes some 300 bytes; fewer than this a busy subnet uses up. */
const FEW_CONNECTIONS = 65_536;
const MORE_CONNECTIONS = 262_144;

export async function checkTools(run: Run): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const [major = 0] = process.versions.node.split('.').map(Number);
  findings.push(
    major >= NODE_MAJOR
      ? ok('Node', `${process.versions.node}`)
      : missing('Node', `${process.versions.node}; ${NODE_MAJOR} is needed`, 'npm ci, then bin/postern'),
  );
  const nft = await run(['nft', '--version']);
  const [, version = ''] = /v(\d+\.\d+\.\d+)/.exec(nft.stdout) ?? [];
  if (nft.status !== 0) findings.push(missing('nft', 'is not installed', 'sudo apt-get install nftables'));
  else if (isOlder(version.split('.').map(Number), NFT_VERSION))
    findings.push(warning('nft', `${version}; tested from ${NFT_VERSION.join('.')} on`));
  else findings.push(ok('nft', version));
  const ip = await run(['ip', '-Version']);
  findings.push(
    ip.status === 0
      ? ok('ip', /iproute2-([^,\s]+)/.exec(ip.stdout)?.[1] ?? ip.stdout.trim())
      : missing('ip', 'is not installed', 'sudo apt-get install iproute2'),
  );
  return findings;
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [index, part] of than.entries()) {
    const given = version[index] ?? 0;
    if (given !== part) return given < part;
  }
  return false;
}

/** Those of `--inside`. */
export function checkInterfaces(inside: readonly string[], names: readonly string[]): readonly Finding[] {
  return inside.map(name =>
    names.includes(name)
      ? ok(`--inside ${name}`, 'is there')
      : missing(`--inside ${name}`, `there is no such interface; this machine has ${names.join(', ')}`),
  );
}

/** The lab without root needs them; a router does not. */
export function checkUserNamespaces(read: Read): Finding {
  const subject = 'user namespaces';
  const limit = (path: string) => read(path)?.trim();
  const forLab = 'the lab then needs root';
  if (limit('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1')
    return warning(
      subject,
      `restricted by AppArmor, as on Ubuntu 23.10 and later; ${forLab}`,
      'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    );
  if (limit('/proc/sys/kernel/unprivileged_userns_clone') === '0')
    return warning(subject, `for root only; ${forLab}`, 'sudo sysctl -w kernel.unprivileged_userns_clone=1');
  if (limit('/proc/sys/user/max_user_namespaces') === '0')
    return warning(subject, `switched off; ${forLab}`, 'sudo sysctl -w user.max_user_namespaces=10000');
  return ok(subject, 'allowed without root');
}

/** `up` when Postern runs here, which is who forwards then. */
export function checkForwarding(read: Read, up: boolean): Finding {
  if (up) return ok('forwarding', 'by the rules that are in force');
  return read('/proc/sys/net/ipv4/ip_forward')?.trim() === '1'
    ? warning(
        'forwarding',
        'on, also while Postern is not up: this machine then forwards everything',
        `let postern-closed.service start with the machine, or set net.ipv4.ip_forward=0 (${commandName()} up turns it on)`,
      )
    : ok('forwarding', `off; ${commandName()} up turns it on and ${commandName()} down off again`);
}

/** `addresses` are those of the inside interfaces; empty: every address counts. */
export async function checkDnsPort(run: Run, addresses: readonly string[]): Promise<readonly Finding[]> {
  const { status, stdout } = await run(['ss', '-Hlntup', 'sport = :53']);
  if (status !== 0)
    return [warning('port 53', 'cannot be looked at: ss is missing', 'sudo apt-get install iproute2')];
  const taken = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [, , , , local = ''] = line.trim().split(/\s+/);
    const address = local
      .replace(/:53$/, '')
      .replace(/%.*$/, '')
      .replace(/^\[|\]$/g, '');
    const everywhere = address === '0.0.0.0' || address === '*' || address === '::';
    if (address === '' || address.startsWith('127.') || address === '::1') continue;
    if (!everywhere && (address.includes(':') || (addresses.length > 0 && !addresses.includes(address))))
      continue;
    const [, program = 'a program'] = /users:\(\("([^"]+)"/.exec(line) ?? [];
    if (program === 'node' || program === 'postern') continue;
    taken.set(`${address} ${program}`, `${program} listens on ${address} port 53`);
  }
  if (taken.size === 0) return [ok('port 53', 'free for the DNS proxy')];
  return [...taken.values()].map(text =>
    warning(
      'port 53',
      `${text}; a DNS proxy cannot`,
      'make it listen on 127.0.0.1 only, or leave the DNS proxy off',
    ),
  );
}

const NFTABLES_CONF = '/etc/nftables.conf';
const NFTABLES_ENABLED = '/etc/systemd/system/sysinit.target.wants/nftables.service';

/** A service that begins with removing everybody's rules. */
export function checkRulesFile(read: Read): Finding {
  const subject = 'nftables.service';
  const flushes = /^\s*flush\s+ruleset/m.test(read(NFTABLES_CONF) ?? '');
  if (!flushes || read(NFTABLES_ENABLED) === undefined) return ok(subject, "does not remove Postern's rules");
  return warning(
    subject,
    `a reload removes Postern's rules until the gateway puts them back: ${NFTABLES_CONF} says flush ruleset`,
    `in ${NFTABLES_CONF} delete your own tables instead: destroy table inet filter`,
  );
}

export function checkConntrack(read: Read): Finding {
  const subject = 'tracked connections';
  const most = Number(read('/proc/sys/net/netfilter/nf_conntrack_max')?.trim());
  if (!(most > 0)) return warning(subject, 'connection tracking is not loaded yet', 'modprobe nf_conntrack');
  return most < FEW_CONNECTIONS
    ? warning(
        subject,
        `at most ${most}; further ones are dropped`,
        `sysctl -w net.netfilter.nf_conntrack_max=${MORE_CONNECTIONS}`,
      )
    : ok(subject, `at most ${most}`);
}

export function checkStateFolder(folder: string, uid: number): Finding {
  let stat: Stats | undefined;
  try {
    stat = statSync(folder, { throwIfNoEntry: false });
  } catch {
    return missing(
      'state folder',
      `${folder} cannot be looked at`,
      'export POSTERN_STATE=FOLDER of your own',
    );
  }
  if (!stat) return ok('state folder', `${folder} will be made`);
  if (!stat.isDirectory()) return missing('state folder', `${folder} is not a folder`);
  if (stat.uid !== uid)
    return missing('state folder', `${folder} belongs to user ${stat.uid}`, `chown -R ${uid} ${folder}`);
  return (stat.mode & 0o077) === 0
    ? ok('state folder', folder)
    : warning('state folder', `others may look into ${folder}`, `chmod 700 ${folder}`);
}
