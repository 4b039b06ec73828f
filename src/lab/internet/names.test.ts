// What the Internet's DNS says about names: tables of configuration, question and answer.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contains, includesAddress, parseIpv4, parsePrefix } from '#net/ipv4.ts';
import { SPECIAL_RANGES } from './addresses.ts';
import { type InternetConfig, type InternetSettings, parseInternetConfig } from './config.ts';
import { NameService } from './names.ts';

const ASKER = parseIpv4('198.51.100.7') ?? 0;

function settingsOf(config: InternetConfig): InternetSettings {
  const parsed = parseInternetConfig(config);
  assert.ok('settings' in parsed, JSON.stringify(parsed));
  return parsed.settings;
}

function asking(config: InternetConfig) {
  const names = new NameService(settingsOf(config));
  return (name: string, type = 'A', server = '8.8.8.8') =>
    names.reply({ name, type, asker: ASKER, server: parseIpv4(server) ?? 0 });
}

/** The reply as one line: its code, then each answer as `TYPE data`. */
function summary(config: InternetConfig, name: string, type = 'A', server?: string): string {
  const reply = asking(config)(name, type, server);
  if (!reply) return 'silence';
  return [
    reply.rcode,
    ...reply.answers.map(answer => `${answer.type} ${'data' in answer ? answer.data : ''}`),
  ].join(' ');
}

const CONFIG: InternetConfig = {
  records: {
    'two.example.org': { addresses: ['192.0.2.1', '192.0.2.2'], ttlSeconds: 5 },
    '*.example.org': { addresses: ['192.0.2.9'] },
    '*.deep.example.org': { rcode: 'REFUSED' },
    'gone.example.org': { rcode: 'NXDOMAIN' },
    'broken.example.org': { rcode: 'SERVFAIL' },
    'quiet.example.org': { silent: true },
    'alias.example.org': { cname: 'middle.example.net' },
    'middle.example.net': { cname: 'two.example.org' },
    'dangling.example.org': { cname: 'gone.example.org' },
    'loop.example.org': { cname: 'pool.example.org' },
    'pool.example.org': { cname: 'loop.example.org' },
  },
  resolvers: { '9.9.9.9': 'silent', '149.112.112.112': 'SERVFAIL' },
};

describe('configured records', () => {
  const cases: readonly [string, string, string][] = [
    ['two.example.org', 'A', 'NOERROR A 192.0.2.1 A 192.0.2.2'],
    ['TWO.Example.org', 'ANY', 'NOERROR A 192.0.2.1 A 192.0.2.2'],
    ['two.example.org', 'AAAA', 'NOERROR'],
    ['any.example.org', 'A', 'NOERROR A 192.0.2.9'],
    ['x.deep.example.org', 'A', 'REFUSED'],
    ['gone.example.org', 'A', 'NXDOMAIN'],
    ['broken.example.org', 'A', 'SERVFAIL'],
    ['quiet.example.org', 'A', 'silence'],
    [
      'alias.example.org',
      'A',
      'NOERROR CNAME middle.example.net CNAME two.example.org A 192.0.2.1 A 192.0.2.2',
    ],
    ['alias.example.org', 'CNAME', 'NOERROR CNAME middle.example.net'],
    ['alias.example.org', 'AAAA', 'NOERROR CNAME middle.example.net CNAME two.example.org'],
    ['dangling.example.org', 'A', 'NXDOMAIN CNAME gone.example.org'],
    ['loop.example.org', 'A', 'SERVFAIL'],
  ];
  for (const [name, type, expected] of cases)
    it(`${name} ${type}: ${expected}`, () => assert.equal(summary(CONFIG, name, type), expected));

  it('a resolver may be silent or fail while the others answer', () => {
    assert.equal(summary(CONFIG, 'two.example.org', 'A', '9.9.9.9'), 'silence');
    assert.equal(summary(CONFIG, 'two.example.org', 'A', '149.112.112.112'), 'SERVFAIL');
  });
});

describe('names nobody configured', () => {
  it('have a public address of their own, with the default time to live', () => {
    const ask = asking({});
    const seen = new Set<string>();
    for (let index = 0; index < 500; index++) {
      const [answer] = ask(`site-${index}.example.com`)?.answers ?? [];
      assert.ok(answer?.type === 'A' && answer.ttl === 60);
      assert.ok(!includesAddress(SPECIAL_RANGES, parseIpv4(answer.data) ?? 0), answer.data);
      seen.add(answer.data);
    }
    assert.equal(seen.size, 500);
  });

  it('never get a reserved, mapped or configured address', () => {
    const config = {
      pool: ['77.64.0.0/22'],
      reserved: ['77.64.0.0/24'],
      regions: { eastus: ['77.64.1.0/24'] },
      records: { 'a.example.org': { addresses: ['77.64.2.5'] } },
    };
    const ask = asking(config);
    for (let index = 0; index < 300; index++) {
      const [answer] = ask(`site-${index}.example.com`)?.answers ?? [];
      assert.ok(answer?.type === 'A');
      assert.match(answer.data, /^77\.64\.[23]\./);
      assert.notEqual(answer.data, '77.64.2.5');
    }
  });

  const cases: readonly [string, string, string][] = [
    ['resolver1.opendns.com', 'A', 'NOERROR A 208.67.222.222'],
    ['myip.opendns.com', 'A', 'NOERROR A 198.51.100.7'],
    ['myip.opendns.com', 'ANY', 'NOERROR A 198.51.100.7'],
    ['example.com', 'TXT', 'NOERROR'],
    ['example.com', 'UNKNOWN_65', 'NOERROR'],
    ['localhost', 'A', 'NXDOMAIN'],
    ['mcr.microsoft.com.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['vm.internal.cloudapp.net', 'A', 'NXDOMAIN'],
    ['not a name.example', 'A', 'NXDOMAIN'],
    ['.', 'NS', 'NOERROR'],
    ['1.2.3.4.in-addr.arpa', 'PTR', 'NXDOMAIN'],
  ];
  for (const [name, type, expected] of cases)
    it(`${name} ${type}: ${expected}`, () => assert.equal(summary({}, name, type), expected));

  it('are found again by their address', () => {
    const ask = asking({});
    const [answer] = ask('mcr.microsoft.com')?.answers ?? [];
    assert.ok(answer?.type === 'A');
    const reverse = `${answer.data.split('.').reverse().join('.')}.in-addr.arpa`;
    assert.deepEqual(ask(reverse, 'PTR')?.answers, [
      { type: 'PTR', name: reverse, ttl: 60, data: 'mcr.microsoft.com' },
    ]);
  });

  it('say when nothing is there, with an SOA record to cache it by', () => {
    for (const type of ['AAAA', 'NS', 'SOA', 'MX'])
      assert.equal(asking({})('www.example.com', type)?.authorities[0]?.type, 'SOA');
  });
});

describe('groups of names', () => {
  const addressOf = (ask: ReturnType<typeof asking>, name: string): string => {
    const answer = ask(name)?.answers[0];
    assert.ok(answer?.type === 'A', name);
    return answer.data;
  };

  it('shared names have one address, which no other name has', () => {
    const ask = asking({
      shared: [['one.example.net', '*.cdn.example.net'], { names: ['b.example'], address: '77.64.1.1' }],
    });
    const address = addressOf(ask, 'one.example.net');
    assert.equal(addressOf(ask, 'x.cdn.example.net'), address);
    assert.equal(addressOf(ask, 'b.example'), '77.64.1.1');
    assert.notEqual(addressOf(ask, 'two.example.net'), address);
  });

  it('rotating names have another address at every query', () => {
    const ask = asking({ rotating: ['*.moving.example.org'] });
    const seen = Array.from({ length: 100 }, () => addressOf(ask, 'a.moving.example.org'));
    assert.equal(new Set(seen).size, 100);
    const [answer] = ask('a.moving.example.org')?.answers ?? [];
    assert.ok(answer?.type === 'A' && answer.ttl === 0);
  });

  it('names of a region lie inside its prefixes', () => {
    const ask = asking({ regions: { eastus: ['20.42.0.0/17'], westus: ['13.64.0.0/16'] } });
    const inside = (prefix: string, name: string) => {
      const parsed = parsePrefix(prefix);
      assert.ok(parsed && contains(parsed, parseIpv4(addressOf(ask, name)) ?? 0), name);
    };
    inside('20.42.0.0/17', 'aks-1234.hcp.eastus.azmk8s.io');
    inside('13.64.0.0/16', 'aks-1234.hcp.westus.azmk8s.io');
    inside('20.42.0.0/17', 'label.eastus.cloudapp.azure.com');
    assert.doesNotMatch(addressOf(ask, 'aks-1234.hcp.norwayeast.azmk8s.io'), /^(20\.42|13\.64)\./);
  });

  it('mapped names lie inside the prefixes given for them', () => {
    const ask = asking({ mapped: [{ names: ['*.blob.core.windows.net'], prefixes: ['20.60.0.0/24'] }] });
    assert.match(addressOf(ask, 'account.blob.core.windows.net'), /^20\.60\.0\./);
  });
});
