import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { LoggedRecord } from '#telemetry/log-line.ts';
import { type LogsIo, runLogs } from './logs.ts';

class Text extends Writable {
  text = '';
  isTTY = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1000).toISOString();
const rule = { Policy: '', RuleCollectionGroup: '', RuleCollection: 'aksfwnr', Rule: 'time' };
const none = { Policy: '', RuleCollectionGroup: '', RuleCollection: '', Rule: '' };
const ends = { SourceIp: '10.42.1.4', SourcePort: 51234, DestinationIp: '192.0.2.10', DestinationPort: 123 };
const application = {
  Protocol: 'HTTPS' as const,
  SourceIp: '10.42.1.4',
  SourcePort: 51235,
  DestinationPort: 443,
  TargetUrl: '',
  IsTlsInspected: false,
  IsExplicitProxyRequest: false,
  WebCategory: '',
};

const RECORDS: readonly LoggedRecord[] = [
  {
    TimeGenerated: at(90_000),
    Type: 'AZFWNetworkRule',
    Protocol: 'UDP',
    ...ends,
    Action: 'Allow',
    ActionReason: '',
    ...rule,
  },
  {
    TimeGenerated: at(700),
    Type: 'AZFWNetworkRule',
    Protocol: 'TCP',
    ...ends,
    DestinationPort: 22,
    Action: 'Deny',
    ActionReason: 'Default Action',
    ...none,
  },
  {
    TimeGenerated: at(60.5),
    Type: 'AZFWApplicationRule',
    ...application,
    Fqdn: 'mcr.microsoft.com',
    Action: 'Allow',
    ActionReason: '',
    ...rule,
    RuleCollection: 'aksfwar',
    Rule: 'fqdn',
  },
  {
    TimeGenerated: at(50),
    Type: 'AZFWApplicationRule',
    ...application,
    Fqdn: '',
    Action: 'Deny',
    ActionReason: 'SNI TLS extension was missing.',
    ...none,
  },
  {
    TimeGenerated: at(45),
    Type: 'AZFWApplicationRule',
    ...application,
    Fqdn: 'evil\u001b[2J\u202e.example',
    Action: 'Deny',
    ActionReason: 'Default Action',
    ...none,
  },
  {
    TimeGenerated: at(40),
    Type: 'AZFWNatRule',
    Protocol: 'TCP',
    SourceIp: '203.0.113.9',
    SourcePort: 4000,
    DestinationIp: '20.1.2.3',
    DestinationPort: 80,
    TranslatedIp: '10.42.1.4',
    TranslatedPort: 8080,
    ...rule,
    RuleCollection: 'nat',
    Rule: 'web',
  },
  {
    TimeGenerated: at(30),
    Type: 'AZFWThreatIntel',
    Protocol: 'TCP',
    ...ends,
    Fqdn: 'evil.example',
    TargetUrl: '',
    Action: 'Alert',
    ThreatDescription: 'A botnet.',
    IsTlsInspected: false,
  },
  {
    TimeGenerated: at(20),
    Type: 'AZFWDnsQuery',
    SourceIp: '10.42.1.4',
    SourcePort: 40000,
    QueryId: 1,
    QueryType: 'A',
    QueryClass: 'IN',
    QueryName: 'ghcr.io.',
    Protocol: 'udp',
    RequestSize: 25,
    DnssecOkBit: false,
    EDNS0BufferSize: 512,
    ResponseCode: 'SERVFAIL',
    ResponseFlags: 'qr,rd,ra',
    ResponseSize: 25,
    RequestDurationSecs: 0.0056,
    ErrorNumber: 110,
    ErrorMessage: 'DNS server 168.63.129.16:53: no answer within 2000 ms',
  },
  {
    TimeGenerated: at(10),
    Type: 'AZFWInternalFqdnResolutionFailure',
    Fqdn: 'ntp.ubuntu.com',
    Error: 'NXDOMAIN for ntp.ubuntu.com',
    ServerIp: '168.63.129.16',
    ServerPort: 53,
    ...rule,
  },
  {
    TimeGenerated: at(5),
    Type: 'PosternSuppressedDenies',
    Count: 250,
    Top: [
      { Protocol: 'TCP', SourceIp: '10.42.1.4', Destination: '192.0.2.10', DestinationPort: 22, Count: 250 },
    ],
  },
  { TimeGenerated: at(4), Type: 'PosternLostRecords', Count: 3, Reason: 'queue full' },
];

describe('postern logs', () => {
  let state = '';
  let log = '';
  let count = 0;
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'postern-logs-'));
  });
  after(() => rm(root, { recursive: true }));
  beforeEach(async () => {
    state = join(root, String(++count));
    log = join(state, 'labs', 'postern', 'logs', 'firewall.jsonl');
    await mkdir(join(log, '..'), { recursive: true });
  });
  const lines = (records: readonly LoggedRecord[]): string =>
    records.map(record => `${JSON.stringify(record)}\n`).join('');

  async function run(
    args: string[],
    change: Partial<LogsIo> = {},
  ): Promise<{ status: number; out: string; err: string }> {
    const stdout = new Text();
    const stderr = new Text();
    const status = await runLogs(args, {
      stdout,
      stderr,
      env: { POSTERN_STATE: state },
      now: () => NOW,
      timeZone: 'UTC',
      ...change,
    });
    return { status, out: stdout.text, err: stderr.text };
  }

  it('says each decision in one line, with its rule or its reason', async () => {
    await writeFile(log, lines(RECORDS));
    const { status, out, err } = await run([]);
    assert.deepEqual([status, err], [0, '']);
    assert.equal(
      out,
      `2026-01-30 11:00:00.000  Allow  UDP      10.42.1.4:51234       -> 192.0.2.10:123                        aksfwnr/time
11:48:20.000  Deny   TCP      10.42.1.4:51234       -> 192.0.2.10:22                         no rule matched
11:58:59.500  Allow  HTTPS    10.42.1.4:51235       -> mcr.microsoft.com:443                 aksfwar/fqdn
11:59:10.000  Deny   HTTPS    10.42.1.4:51235       -> (no name):443                         SNI TLS extension was missing.
11:59:15.000  Deny   HTTPS    10.42.1.4:51235       -> evil\\u{1b}[2J\\u{202e}.example:443     no rule matched
11:59:20.000  DNAT   TCP      203.0.113.9:4000      -> 20.1.2.3:80 => 10.42.1.4:8080         nat/web
11:59:30.000  Alert  TCP      10.42.1.4:51234       -> evil.example:123                      threat intelligence: A botnet.
11:59:40.000  Query  DNS/udp  10.42.1.4:40000       -> ghcr.io A                             SERVFAIL in 5.6 ms: DNS server 168.63.129.16:53: no answer within 2000 ms
11:59:50.000  Fail   DNS      firewall              -> ntp.ubuntu.com                        NXDOMAIN for ntp.ubuntu.com, for aksfwnr/time
11:59:55.000  Note   250 more like those denied above: TCP 10.42.1.4 -> 192.0.2.10:22
11:59:56.000  Note   3 records were lost: queue full
`,
    );
  });

  it('keeps its columns: ICMP, long names and long translations', async () => {
    const [network, , , denied, , nat, threat] = RECORDS;
    const long = `${'x'.repeat(30)}.command-and-control.example`;
    await writeFile(
      log,
      lines([
        { ...network, TimeGenerated: at(3), Protocol: 'ICMP Type=8', SourcePort: 0, DestinationPort: 0 },
        { ...denied, Fqdn: long },
        { ...nat, DestinationIp: '203.0.113.200', TranslatedIp: '10.142.101.204' },
        { ...threat, Fqdn: long },
      ] as LoggedRecord[]),
    );
    assert.equal(
      (await run([])).out,
      `11:59:57.000  Allow  ICMP/8   10.42.1.4             -> 192.0.2.10                            aksfwnr/time
11:59:10.000  Deny   HTTPS    10.42.1.4:51235       -> xxxxxxxxxx…d-and-control.example:443  SNI TLS extension was missing.  (${long}:443)
11:59:20.000  DNAT   TCP      203.0.113.9:4000      -> 203.0.113.200:80                      => 10.142.101.204:8080  nat/web
11:59:30.000  Alert  TCP      10.42.1.4:51234       -> xxxxxxxxxx…d-and-control.example:123  threat intelligence: A botnet.  (${long}:123)
`,
    );
  });

  it('is coloured on a terminal only, and never against NO_COLOR', async () => {
    await writeFile(log, lines(RECORDS.slice(1, 2)));
    const stdout = new Text();
    stdout.isTTY = true;
    await run([], { stdout });
    assert.ok(stdout.text.includes('\u001b[31mDeny \u001b[0m'));
    const plain = new Text();
    plain.isTTY = true;
    await run([], { stdout: plain, env: { POSTERN_STATE: state, NO_COLOR: '1' } });
    assert.equal(plain.text.includes('\u001b'), false);
  });

  const selections: [string[], number[]][] = [
    [['--denied'], [1, 3, 4, 9]],
    [['--table', 'nat'], [5]],
    [['--table', 'azfwDnsQuery'], [7]],
    [
      ['--since', '1m'],
      [3, 4, 5, 6, 7, 8, 9, 10],
    ],
    [
      ['--since', at(10)],
      [8, 9, 10],
    ],
    [
      ['-n', '2'],
      [9, 10],
    ],
    [['-n', '0'], []],
    [
      ['--denied', '-n', '2'],
      [4, 9],
    ],
  ];
  for (const [args, expected] of selections)
    it(`${args.join(' ')} selects`, async () => {
      await writeFile(`${log}.1`, lines(RECORDS.slice(0, 4)));
      await writeFile(log, lines(RECORDS.slice(4)));
      const { out } = await run([...args, '-o', 'json']);
      assert.equal(out, lines(expected.map(index => RECORDS[index] ?? assert.fail())));
    });

  it('follows what is added, through rotation, and ends when told', async () => {
    await writeFile(log, lines(RECORDS.slice(0, 2)));
    const stop = new AbortController();
    const stdout = new Text();
    const running = run(['--follow', '-o', 'json', '-n', '1'], { stdout, signal: stop.signal });
    const until = async (expected: string): Promise<void> => {
      for (let tries = 0; tries < 150 && stdout.text !== expected; tries++)
        await new Promise(resolve => setTimeout(resolve, 20));
      assert.equal(stdout.text, expected);
    };
    await until(lines(RECORDS.slice(1, 2)));
    const half = lines(RECORDS.slice(2, 3));
    await appendFile(log, half.slice(0, 20));
    await appendFile(log, half.slice(20));
    await appendFile(log, lines(RECORDS.slice(3, 4)));
    await rename(log, `${log}.1`);
    await writeFile(log, lines(RECORDS.slice(4, 5)));
    await until(lines(RECORDS.slice(1, 5)));
    await appendFile(log, lines(RECORDS.slice(5, 6)));
    await until(lines(RECORDS.slice(1, 6)));
    stop.abort();
    assert.equal((await running).status, 0);
  });

  it('without a log says so, and names the place', async () => {
    const { status, out, err } = await run([]);
    assert.deepEqual([status, out], [1, '']);
    assert.equal(
      err,
      `There is no log of the lab 'postern' yet (${log}). The firewall writes it with its first decision.\n`,
    );
  });

  it('takes the named lab, else the default lab, else this router', async () => {
    const router = join(state, 'router', 'logs', 'firewall.jsonl');
    await mkdir(join(router, '..'), { recursive: true });
    await writeFile(router, lines(RECORDS.slice(0, 1)));
    assert.equal((await run(['-o', 'json'])).out, lines(RECORDS.slice(0, 1)));
    await writeFile(log, lines(RECORDS.slice(1, 2)));
    assert.equal((await run(['-o', 'json'])).out, lines(RECORDS.slice(1, 2)));
    await mkdir(join(state, 'labs', 'other'));
    for (const flag of ['--name', '--lab'])
      assert.match((await run([flag, 'other'])).err, /no log of the lab 'other'/);
  });

  it('says that there is no such lab, and which there are', async () => {
    for (const args of [
      ['--name', 'nope'],
      ['--lab', 'nope', '--follow'],
      ['--lab', 'nope', '--firewall', 'rg.fw'],
    ])
      assert.deepEqual(await run(args), {
        status: 1,
        out: '',
        err: "There is no lab 'nope'. There are: postern (postern logs --name postern).\n",
      });
    await rm(join(state, 'labs'), { recursive: true });
    assert.equal(
      (await run([], { env: { POSTERN_STATE: state, POSTERN_COMMAND: 'bin/postern' } })).err,
      "There is no lab 'postern', nor any other: bin/postern lab up builds it.\n",
    );
  });

  it('tells of other firewalls in the lab and shows the one that is named', async () => {
    const other = join(log, '..', 'rg-b.fw', 'firewall.jsonl');
    await mkdir(join(other, '..'), { recursive: true });
    await writeFile(log, lines(RECORDS.slice(0, 1)));
    await writeFile(other, lines(RECORDS.slice(1, 2)));
    const first = await run(['-o', 'json']);
    assert.equal(first.out, lines(RECORDS.slice(0, 1)));
    assert.equal(first.err, 'Other firewalls have logs of their own: --firewall rg-b.fw\n');
    const named = await run(['-o', 'json', '--firewall', 'RG-B.fw']);
    assert.deepEqual([named.out, named.err], [lines(RECORDS.slice(1, 2)), '']);
    assert.match((await run(['--firewall', 'rg-c.fw'])).err, /no log of the firewall 'rg-c\.fw' of the lab/);
  });

  it('leaves out broken lines and says how many', async () => {
    await writeFile(log, `{"broken\n\n${lines(RECORDS.slice(0, 1))}[]\n`);
    const { out, err } = await run(['-o', 'json']);
    assert.equal(out, lines(RECORDS.slice(0, 1)));
    assert.match(err, /^2 lines of .* could not be read/);
  });

  for (const [args, message] of [
    [['--since', 'yesterday'], /--since takes .* not 'yesterday'/],
    [['--table', 'foo'], /there is no table 'foo'. Tables: network \(AZFWNetworkRule\)/],
    [['-o', 'xml'], /'xml' is no output format/],
    [['--name', 'a', '--lab', 'b'], /--name a and --lab b name two labs/],
    [['--lab', '../x'], /'\.\.\/x' is not the name of a lab/],
    [['--firewall', '../x'], /'\.\.\/x' is not the name of a firewall/],
    [['--nonsense'], /--nonsense/],
    [['-n', 'few'], /--lines takes a number/],
  ] as const)
    it(`refuses ${args.join(' ')}`, async () => {
      const { status, err } = await run([...args]);
      assert.equal(status, 2);
      assert.match(err, message);
    });
});
