// Fields of rules with packets: IP groups in all kinds of rules, service tags in any case and after an import, NAT rules
// for both protocols and to a name that moves, a thousand rules at once, and what stands in the log.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab, ROOT, run } from '../support/lab.ts';
import { Network, SERVER_ADDRESS } from '../support/network.ts';
import { noNamespaces } from '../support/privileges.ts';

/** In AzureCloud.eastus as published. */
const EASTUS = '20.42.0.10';
const SITE = '77.70.1.9';
const OTHER_SITE = '77.70.1.10';
const SECOND_SERVER = '10.42.3.11';
const BACKEND = 'backend.example.org';
const internet = (backend: string) => ({ records: { [BACKEND]: { addresses: [backend], ttlSeconds: 1 } } });
const ANY = '--source-addresses *';

describe('fields of rules in the lab', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let net: Network;
  let folder: string;
  let publicIp: string;

  /** True once it is so, asked again for at most the time given. */
  const eventually = async (isSo: () => Promise<boolean>, timeoutMs: number): Promise<boolean> => {
    const end = performance.now() + timeoutMs;
    for (;;) {
      if (await isSo()) return true;
      if (performance.now() > end) return false;
      await sleep(200);
    }
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-fields-'));
    writeFileSync(join(folder, 'internet.json'), JSON.stringify(internet(SERVER_ADDRESS)));
    lab = await Lab.up({ name: `fields-${process.pid}`, internet: join(folder, 'internet.json') });
    net = new Network(lab);
    await net.build('--enable-dns-proxy true');
    await net.addHosts();
    await net.open();
    publicIp = await net.publicIp('ip1');
    await net.addHost('db2', 'data', SECOND_SERVER);
    const added = await lab.command(['add-host', 'visitor', '--internet']);
    assert.equal(added.status, 0, added.stderr);
  });
  after(async () => {
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  test('IP groups as source and destination of a network rule; a change is in force, an emptied one skips the rule', async () => {
    await net.az('ip-group create -n workloads --ip-addresses 10.42.1.0/24');
    await net.az(`ip-group create -n sites --ip-addresses ${SITE} 203.0.113.0/28`);
    await net.rule(
      'network',
      'groups',
      100,
      '--protocols TCP --source-ip-groups workloads --destination-ip-groups sites --destination-ports 7007',
    );
    const sites = async () => [await net.echoes(`${SITE}:7007`), await net.echoes(`${OTHER_SITE}:7007`)];
    assert.deepEqual(await sites(), [true, false]);
    await net.az(`ip-group update -n sites --ip-addresses ${OTHER_SITE}`);
    assert.deepEqual(await sites(), [false, true]);
    await net.az('ip-group update -n sites --ip-addresses ""');
    assert.deepEqual(await sites(), [false, false], 'an empty group is not "every destination"');
    await net.az(`ip-group update -n sites --ip-addresses ${SITE}`);
    await net.az('ip-group update -n workloads --ip-addresses ""');
    assert.deepEqual(await sites(), [false, false], 'an empty group is not "every source"');
    assert.match(await net.refused('ip-group delete -n workloads --yes'), /^\(IpGroup/);
    await net.drop('network', 'groups');
  });

  test('IP groups as source of application and NAT rules', async () => {
    await net.az('ip-group update -n workloads --ip-addresses 10.42.1.4');
    await net.rule(
      'application',
      'groups',
      100,
      '--protocols http=80 --source-ip-groups workloads --target-fqdns site.example.org',
    );
    assert.ok(await net.whoami('http://site.example.org'));
    assert.equal(await net.whoami('http://site.example.org', 'db'), undefined);
    await net.az('ip-group update -n workloads --ip-addresses 10.42.3.0/24');
    assert.equal(await net.whoami('http://site.example.org'), undefined);
    assert.ok(await net.whoami('http://site.example.org', 'db'));
    await net.drop('application', 'groups');

    const server = await lab.background('db', 'echo-server', ['9000']);
    await net.az('ip-group create -n visitors --ip-addresses 20.51.99.0/24');
    await net.rule(
      'nat',
      'groups',
      100,
      `--protocols TCP --source-ip-groups visitors --destination-addresses ${publicIp} --destination-ports 9000 --translated-address ${SERVER_ADDRESS} --translated-port 9000`,
    );
    const visit = () => net.echoes(`${publicIp}:9000`, { from: 'visitor' });
    assert.equal(await visit(), true);
    await net.az('ip-group update -n visitors --ip-addresses ""');
    assert.equal(await visit(), false);
    await net.drop('nat', 'groups');
    await server.stop();
  });

  test('a NAT rule for protocol Any and several ports carries TCP and UDP, and the backend sees the firewall', async () => {
    const server = await lab.background('db', 'echo-server', ['9000']);
    await net.rule(
      'nat',
      'both',
      100,
      `--protocols Any ${ANY} --destination-addresses ${publicIp} --destination-ports 5000-5001 5009 --translated-address ${SERVER_ADDRESS} --translated-port 9000`,
    );
    const reached: Record<string, boolean> = {};
    for (const protocol of ['tcp', 'udp'] as const)
      for (const port of [5000, 5001, 5002, 5009])
        reached[`${protocol} ${port}`] = await net.echoes(`${publicIp}:${port}`, {
          protocol,
          from: 'visitor',
        });
    assert.deepEqual(reached, {
      'tcp 5000': true,
      'tcp 5001': true,
      'tcp 5002': false,
      'tcp 5009': true,
      'udp 5000': true,
      'udp 5001': true,
      'udp 5002': false,
      'udp 5009': true,
    });
    assert.deepEqual((await server.stop<{ clients: string[] }>()).clients, [
      'tcp 10.42.2.4',
      'udp 10.42.2.4',
    ]);
    const record = await lab.logged(({ Type, Protocol }) => Type === 'AZFWNatRule' && Protocol === 'UDP');
    assert.equal(record?.TranslatedIp, SERVER_ADDRESS);
    assert.equal(record?.TranslatedPort, 9000);
    await net.drop('nat', 'both');
  });

  test('a NAT rule to a name follows the name', async () => {
    const first = await lab.background('db', 'echo-server', ['9000']);
    const second = await lab.background('db2', 'echo-server', ['9000']);
    await net.rule(
      'nat',
      'named',
      100,
      `--protocols TCP ${ANY} --destination-addresses ${publicIp} --destination-ports 5100 --translated-fqdn ${BACKEND} --translated-port 9000`,
    );
    const visit = () => net.echoes(`${publicIp}:5100`, { from: 'visitor', timeoutMs: 800 });
    assert.ok(await eventually(visit, 5000), 'the name is resolved soon after the rule is there');
    const translatedTo = (address: string) =>
      lab.logged(({ Type, TranslatedIp }) => Type === 'AZFWNatRule' && TranslatedIp === address, 500);
    assert.ok(await translatedTo(SERVER_ADDRESS), 'the log names the address, not the name');

    writeFileSync(join(lab.folder, 'internet.json'), JSON.stringify(internet(SECOND_SERVER)));
    const { processes } = JSON.parse((await lab.command(['status', '-o', 'json'])).stdout) as {
      processes: { name: string; pid: number }[];
    };
    const pid = processes.find(({ name }) => name === 'internet')?.pid ?? 0;
    assert.equal((await lab.shell(`kill -HUP ${pid}`)).status, 0);
    // Names of rules are asked again every 15 s.
    const moved = async () => (await visit()) && (await translatedTo(SECOND_SERVER)) !== undefined;
    assert.ok(await eventually(moved, 25_000), 'the rule did not follow the name');
    // A visitor of the very moment of the change can have met the first server under the second one's log line.
    assert.equal(await visit(), true);
    assert.ok((await second.stop<{ clients: string[] }>()).clients.length > 0);
    await first.stop();
    await net.drop('nat', 'named');
  });

  test('a service tag means the same in any case, and what the tables say that were imported while the lab runs', async () => {
    await net.rule(
      'network',
      'tag',
      100,
      `--protocols TCP ${ANY} --destination-addresses azurecloud.EASTUS --destination-ports 7007`,
    );
    assert.equal(await net.echoes(`${EASTUS}:7007`), true);
    assert.equal(await net.echoes(`${SITE}:7007`), false);

    const importTags = (prefixes: string[], ...flags: string[]) => {
      const file = join(folder, 'ServiceTags_Public_20261116.json');
      const tag = {
        name: 'AzureCloud.eastus',
        id: 'AzureCloud.eastus',
        properties: {
          changeNumber: 1,
          region: 'eastus',
          regionId: 1,
          platform: 'Azure',
          systemService: '',
          addressPrefixes: prefixes,
          networkFeatures: [],
        },
      };
      writeFileSync(file, JSON.stringify({ changeNumber: 900, cloud: 'Public', values: [tag] }));
      return run([join(ROOT, 'bin/postern'), 'tags', 'import', file, ...flags], { env: lab.env });
    };
    const lost = await importTags([`${SITE}/32`]);
    assert.equal(lost.status, 1, 'most of a tag in use would be lost');
    assert.match(lost.stderr, /AzureCloud\.eastus/);
    assert.equal((await importTags(['0.0.0.0/0'])).status, 1);
    assert.equal(await net.echoes(`${EASTUS}:7007`), true, 'a refused import changes nothing');
    const forced = await importTags([`${SITE}/32`], '--force');
    assert.equal(forced.status, 0, forced.stderr);
    assert.ok(await eventually(() => net.echoes(`${SITE}:7007`, { timeoutMs: 500 }), 5000));
    assert.equal(await net.echoes(`${EASTUS}:7007`), false);
    await net.drop('network', 'tag');
  });

  test('every column of the tables is there', async () => {
    await net.rule(
      'network',
      'log',
      100,
      `--protocols TCP ${ANY} --destination-addresses ${SITE} --destination-ports 7007`,
    );
    await net.rule('application', 'log', 100, `--protocols http=80 ${ANY} --target-fqdns site.example.org`);
    assert.equal(await net.echoes(`${SITE}:7007`), true);
    assert.ok(await net.whoami('http://site.example.org'));
    await net.whoami('http://testmaliciousdomain.eastus.cloudapp.azure.com');
    await lab.exec('app', ['dig', '+time=2', '+tries=1', '@10.42.2.4', 'site.example.org']);
    const ends = ['Protocol', 'SourceIp', 'SourcePort', 'DestinationIp', 'DestinationPort'];
    const rule = ['Policy', 'RuleCollectionGroup', 'RuleCollection', 'Rule'];
    const columns: Readonly<Record<string, readonly string[]>> = {
      AZFWNetworkRule: [...ends, 'Action', 'ActionReason', ...rule],
      AZFWApplicationRule: [
        ...[
          'Protocol',
          'SourceIp',
          'SourcePort',
          'DestinationPort',
          'Fqdn',
          'TargetUrl',
          'Action',
          'ActionReason',
        ],
        ...rule,
        ...['IsTlsInspected', 'IsExplicitProxyRequest', 'WebCategory'],
      ],
      AZFWNatRule: [...ends, 'TranslatedIp', 'TranslatedPort', ...rule],
      AZFWThreatIntel: [...ends, 'Fqdn', 'TargetUrl', 'Action', 'ThreatDescription', 'IsTlsInspected'],
      AZFWDnsQuery: [
        ...[
          'SourceIp',
          'SourcePort',
          'QueryId',
          'QueryType',
          'QueryClass',
          'QueryName',
          'Protocol',
          'RequestSize',
        ],
        ...['DnssecOkBit', 'EDNS0BufferSize', 'ResponseCode', 'ResponseFlags', 'ResponseSize'],
        ...['RequestDurationSecs', 'ErrorNumber', 'ErrorMessage'],
      ],
    };
    for (const [table, names] of Object.entries(columns)) {
      const record = await lab.logged(({ Type }) => Type === table);
      assert.deepEqual(Object.keys(record ?? {}).sort(), ['TimeGenerated', 'Type', ...names].sort(), table);
    }
    const denied = await lab.logged(({ Type, Action }) => Type === 'AZFWNetworkRule' && Action === 'Deny');
    assert.deepEqual(
      [
        denied?.ActionReason,
        denied?.Policy,
        denied?.RuleCollectionGroup,
        denied?.RuleCollection,
        denied?.Rule,
      ],
      ['Default Action', '', '', '', ''],
    );
  });

  test('a flood of identical denials is counted, and the log stays readable', async () => {
    const before = lab.logs().length;
    const flood = await lab.client<{ sent: number }>('app', 'flood', [OTHER_SITE, '4444', '3000', '1000']);
    const summary = await lab.logged(({ Type }) => Type === 'PosternSuppressedDenies', 5000);
    assert.ok(Number(summary?.Count) > 0, 'nothing was counted');
    const written = lab
      .logs()
      .slice(before)
      .filter(({ DestinationPort }) => DestinationPort === 4444).length;
    assert.ok(written >= 1 && written <= 600, `${written} of ${flood.sent} denials were written`);
    const logs = await run([join(ROOT, 'bin/postern'), 'logs', '--denied'], {
      env: { ...lab.env, POSTERN_LAB: lab.name },
    });
    assert.equal(logs.status, 0, logs.stderr);
    assert.match(logs.stdout, /Deny {3}UDP .*77\.70\.1\.10:4444 .*no rule matched/);
    assert.ok(!logs.stdout.includes('\u001b'), 'colours are for terminals');
    const onTerminal = await run(
      ['script', '-qec', `${join(ROOT, 'bin/postern')} logs --denied`, '/dev/null'],
      {
        env: { ...lab.env, POSTERN_LAB: lab.name, TERM: 'xterm', NO_COLOR: '' },
      },
    );
    assert.ok(onTerminal.stdout.includes('\u001b[31m'), 'a terminal gets colours');
    assert.ok(readFileSync(join(lab.folder, 'logs/firewall.jsonl'), 'utf8').endsWith('\n'));
  });

  test('at 256 MiB the log is rotated, and nobody else may read either file', async () => {
    const log = join(lab.folder, 'logs/firewall.jsonl');
    // A file with a hole stands in for one that has grown.
    renameSync(log, join(folder, 'before.jsonl'));
    writeFileSync(log, '', { mode: 0o600 });
    truncateSync(log, 256 * 1024 * 1024 - 10);
    await sleep(1200);
    await lab.client('app', 'echo', ['udp', OTHER_SITE, '4445', '300']);
    const isRotated = async () => statSync(log).size < 1024 * 1024 && existsSync(`${log}.1`);
    assert.ok(await eventually(isRotated, 5000), 'the log was not rotated');
    assert.ok(await lab.logged(({ DestinationPort }) => DestinationPort === 4445));
    for (const path of [log, `${log}.1`]) assert.equal(statSync(path).mode & 0o777, 0o600, path);
    rmSync(`${log}.1`);
  });

  test('1,000 rules more are in force within a second', async t => {
    const id = await net.az('firewall show -n fw --query id -o tsv');
    const uri = `${id}?api-version=2024-05-01`;
    const firewall = JSON.parse(await lab.azOk('rest', '--uri', uri)) as {
      properties: { networkRuleCollections: object[] };
    };
    const rules = Array.from({ length: 1000 }, (_, index) => ({
      name: `r${index}`,
      protocols: ['TCP'],
      sourceAddresses: ['10.42.1.0/24'],
      destinationAddresses: [`203.0.${index >> 8}.${index & 255}`],
      destinationPorts: [String(20_000 + index)],
    }));
    firewall.properties.networkRuleCollections.push({
      name: 'many',
      properties: { priority: 4000, action: { type: 'Allow' }, rules },
    });
    const body = join(folder, 'firewall.json');
    writeFileSync(body, JSON.stringify(firewall));
    assert.equal(await net.echoes('203.0.3.231:20999', { timeoutMs: 300 }), false);
    const startedAt = performance.now();
    await lab.azOk('rest', '--method', 'put', '--uri', uri, '--body', `@${body}`);
    const ms = performance.now() - startedAt;
    assert.equal(await net.echoes('203.0.3.231:20999'), true, 'the last rule is not in force');
    t.diagnostic(`${Math.round(ms)} ms with the start of az`);
    assert.ok(ms < 1000, `it took ${Math.round(ms)} ms`);
    await net.drop('network', 'many');
    assert.equal(await net.echoes('203.0.3.231:20999', { timeoutMs: 300 }), false);
  });
});
