// What the doctor makes of machines that are not this one: kernels without a feature, other programs' rules, settings.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Finding, Read, Run } from './finding.ts';
import { checkForeignRules, judgeRuleset } from './foreign-rules.ts';
import { checkKernel, TRIALS } from './kernel.ts';
import {
  checkConntrack,
  checkDnsPort,
  checkForwarding,
  checkRulesFile,
  checkStateFolder,
  checkTools,
  checkUserNamespaces,
} from './system.ts';

const answer = (stdout: string, status = 0, stderr = '') => ({ stdout, status, stderr });
const reading =
  (files: Readonly<Record<string, string>>): Read =>
  path =>
    files[path];
const said = ({ state, subject, text, help }: Finding) =>
  `${state} ${subject}: ${text}${help ? ` -> ${help}` : ''}`;

describe('the kernel', () => {
  test('a feature that the gateway needs and the kernel lacks is missing, with the module that has it', async () => {
    const run: Run = async (_command, input = '') =>
      /tproxy|queue num/.test(input)
        ? answer('', 1, '/dev/stdin:4:1-5: Error: Could not process rule: No such file or directory\n...')
        : answer('');
    const findings = await checkKernel(run, true);
    assert.deepEqual(findings.filter(({ state }) => state !== 'ok').map(said), [
      'missing tproxy: Error: Could not process rule: No such file or directory -> modprobe -a nft_tproxy',
      'warning queue: Error: Could not process rule: No such file or directory (not used yet: judging TLS by name without terminating it) -> modprobe -a nft_queue nfnetlink_queue',
    ]);
    assert.equal(findings.length, TRIALS.length + 2);
  });

  test('every trial is in a network namespace of its own', async () => {
    const commands: (readonly string[])[] = [];
    const run: Run = async command => {
      commands.push(command);
      return answer('');
    };
    await checkKernel(run, false);
    for (const command of commands) assert.deepEqual(command.slice(0, 2), ['unshare', '--net']);
  });

  test('where no namespace can be made, that is what is missing', async () => {
    const [finding, ...others] = await checkKernel(async () => answer('', 1, 'unshare failed'), false);
    assert.equal(others.length, 0);
    assert.match(
      said(finding as Finding),
      /^missing network namespaces: .*unshare failed -> sudo postern doctor/,
    );
  });
});

describe("other programs' rules", () => {
  const chain = (table: string, name: string, rest: object = {}) => ({
    chain: { family: 'ip', table, name, ...rest },
  });
  const rule = (table: string, name: string, ...expr: object[]) => ({
    rule: { family: 'ip', table, chain: name, expr },
  });
  const FORWARD = { type: 'filter', hook: 'forward', prio: 0 };
  const judge = (...nftables: object[]) => judgeRuleset(JSON.stringify({ nftables })).map(said);

  test('a policy of drop, and whose it is', () => {
    assert.deepEqual(
      judge(chain('filter', 'DOCKER-USER'), chain('filter', 'FORWARD', { ...FORWARD, policy: 'drop' })).map(
        text => text.slice(0, 130),
      ),
      [
        'warning foreign packet rules: table ip filter, chain FORWARD (forward, Docker) drops every forwarded packet that its own rules do not accept -> ',
      ].map(text => text.slice(0, 130)),
    );
  });

  test('drops, translations and marks in chains that are jumped to', () => {
    const found = judge(
      chain('filter', 'forward', { ...FORWARD, policy: 'accept' }),
      chain('filter', 'deeper'),
      rule('filter', 'forward', { jump: { target: 'deeper' } }),
      rule('filter', 'deeper', { drop: null }),
      chain('nat', 'post', { type: 'nat', hook: 'postrouting' }),
      rule('nat', 'post', { masquerade: null }),
      chain('nat', 'pre', { type: 'nat', hook: 'prerouting' }),
      rule('nat', 'pre', { dnat: { addr: '10.0.0.1' } }),
      chain('mangle', 'pre', { type: 'filter', hook: 'prerouting' }),
      rule('mangle', 'pre', { mangle: { key: { ct: { key: 'mark' } }, value: 7 } }),
    );
    assert.equal(found.length, 4, found.join('\n'));
    assert.match(
      found[0] ?? '',
      /chain forward .* drops some forwarded packets -> nft list chain ip filter forward/,
    );
    assert.match(found[1] ?? '', /translates sources/);
    assert.match(found[2] ?? '', /translates destinations/);
    assert.match(found[3] ?? '', /sets connection marks/);
  });

  test('a flowtable goes past all rules', () => {
    assert.match(
      judge({ flowtable: { family: 'inet', table: 'fast', name: 'ft' } })[0] ?? '',
      /flowtable ft forwards packets past all rules/,
    );
  });

  test("Postern's own table, chains that only accept, IPv6 and the bridge are of no concern", () => {
    assert.deepEqual(
      judge(
        { chain: { family: 'inet', table: 'postern', name: 'forward_rules', ...FORWARD, policy: 'drop' } },
        { chain: { family: 'ip6', table: 'filter', name: 'FORWARD', ...FORWARD, policy: 'drop' } },
        { chain: { family: 'bridge', table: 'filter', name: 'FORWARD', ...FORWARD, policy: 'drop' } },
        chain('filter', 'FORWARD', { ...FORWARD, policy: 'accept' }),
        rule('filter', 'FORWARD', { accept: null }),
        chain('filter', 'INPUT', { type: 'filter', hook: 'input', policy: 'drop' }),
      ),
      [],
    );
  });

  test('iptables of before nftables is looked for, and no rights are said', async () => {
    const none: Run = async () => answer('{"nftables": []}');
    assert.match(
      (await checkForeignRules(none, reading({ '/proc/self/net/ip_tables_names': 'nat\nfilter\n' })))
        .map(said)
        .join(),
      /iptables-legacy has tables \(nat, filter\)/,
    );
    assert.match((await checkForeignRules(none, reading({}))).map(said).join(), /^ok/);
    const refused = await checkForeignRules(
      async () => answer('', 1, 'Operation not permitted'),
      reading({}),
    );
    assert.match(refused.map(said).join(), /cannot be read: Operation not permitted -> sudo/);
  });
});

describe('the system', () => {
  test('old and missing tools', async () => {
    const run: Run = async ([program]) =>
      program === 'nft' ? answer('nftables v0.9.8 (E.D.S.)') : answer('', 127, 'not found');
    const findings = (await checkTools(run)).map(said);
    assert.match(findings[1] ?? '', /^warning nft: 0\.9\.8/);
    assert.match(findings[2] ?? '', /^missing ip: .* -> sudo apt-get install iproute2/);
  });

  test("Ubuntu's restriction of user namespaces comes with the setting that lifts it", () => {
    const path = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
    assert.match(
      said(checkUserNamespaces(reading({ [path]: '1\n' }))),
      /^warning .*Ubuntu.* -> sudo sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0$/,
    );
    assert.equal(checkUserNamespaces(reading({ [path]: '0\n' })).state, 'ok');
    assert.equal(
      checkUserNamespaces(reading({ '/proc/sys/user/max_user_namespaces': '0' })).state,
      'warning',
    );
  });

  test('a machine that forwards by itself, and few tracked connections', () => {
    const forwards = reading({ '/proc/sys/net/ipv4/ip_forward': '1\n' });
    assert.match(said(checkForwarding(forwards, false)), /^warning .*forwards everything/);
    assert.equal(checkForwarding(forwards, true).state, 'ok');
    assert.equal(checkForwarding(reading({}), false).state, 'ok');
    const path = '/proc/sys/net/netfilter/nf_conntrack_max';
    assert.match(
      said(checkConntrack(reading({ [path]: '8192\n' }))),
      /at most 8192.*nf_conntrack_max=262144/,
    );
    assert.equal(checkConntrack(reading({ [path]: '262144\n' })).state, 'ok');
    assert.equal(checkConntrack(reading({})).state, 'warning');
  });

  test('a service that flushes all rules, where it is enabled', () => {
    const conf = { '/etc/nftables.conf': '#!/usr/sbin/nft -f\n\nflush ruleset\n' };
    const enabled = { '/etc/systemd/system/sysinit.target.wants/nftables.service': '[Unit]' };
    assert.match(
      said(checkRulesFile(reading({ ...conf, ...enabled }))),
      /^warning .* says flush ruleset -> /,
    );
    assert.equal(checkRulesFile(reading(conf)).state, 'ok');
    assert.equal(checkRulesFile(reading(enabled)).state, 'ok');
  });

  test('who has port 53 of an inside address', async () => {
    const lines = [
      'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=1,fd=13))',
      'udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:* users:(("dnsmasq",pid=2,fd=4))',
      'tcp LISTEN 0 0 10.9.0.1:53 0.0.0.0:* users:(("named",pid=3,fd=4))',
    ].join('\n');
    const findings = (await checkDnsPort(async () => answer(lines), ['10.42.1.1'])).map(said);
    assert.equal(findings.length, 1, findings.join('\n'));
    assert.match(findings[0] ?? '', /dnsmasq listens on 0\.0\.0\.0 port 53/);
    assert.equal((await checkDnsPort(async () => answer(lines), [])).length, 2);
    assert.equal((await checkDnsPort(async () => answer(''), []))[0]?.state, 'ok');
  });

  test('a state folder must be private', t => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-doctor-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const uid = process.geteuid?.() ?? 0;
    assert.equal(checkStateFolder(folder, uid).state, 'ok');
    chmodSync(folder, 0o755);
    assert.match(said(checkStateFolder(folder, uid)), /^warning .* -> chmod 700/);
    assert.equal(checkStateFolder(folder, uid + 1).state, 'missing');
    assert.equal(checkStateFolder(join(folder, 'none'), uid).state, 'ok');
  });
});
