import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { address, type ProgramLines, program, range } from '../../../test/netfilter/programs.ts';
import { createJudge, type JudgedFlow, type JudgeOptions } from './judge.ts';

function judge(lines: ProgramLines, flow: Partial<JudgedFlow>, changed: Partial<JudgeOptions> = {}) {
  const options: JudgeOptions = {
    generation: 7,
    threatRanges: [],
    natAddressOf: () => undefined,
    fqdnHas: () => false,
    ...changed,
  };
  return createJudge(program(lines), options).markOf({
    protocol: 6,
    source: address('10.42.1.4'),
    destination: address('192.0.2.1'),
    destinationPort: 443,
    ...flow,
  });
}

describe('a connection judged without a packet', () => {
  const allow = { rule: 'yes', to: ['192.0.2.0/24'], ports: ['443'] };

  it('gets the mark of the first clause that matches, or none', () => {
    assert.equal(judge({ network: [{ rule: 'other', to: ['192.0.2.9'] }, allow] }, {}), 0x17000002);
    assert.equal(judge({ network: [{ rule: 'no', action: 'Deny' }, allow] }, {}), undefined);
    assert.equal(judge({ network: [allow] }, { destinationPort: 80 }), undefined);
    assert.equal(judge({ network: [allow] }, { protocol: 17 }), undefined);
    assert.equal(judge({ network: [{ ...allow, from: ['10.42.9.0/24'] }] }, {}), undefined);
    assert.equal(judge({ network: [{ ...allow, from: [] }] }, {}), undefined);
    assert.equal(judge({}, {}), undefined);
  });

  it('protocols mean what they mean in the kernel', () => {
    const any = (ports?: string[]) => ({
      network: [{ rule: 'any', protocols: ['Any'] as const, ...(ports === undefined ? {} : { ports }) }],
    });
    const inside = { destination: address('10.9.9.9') };
    assert.equal(judge(any(), { ...inside, protocol: 47 }), 0x17000001);
    assert.equal(judge(any(['443']), { protocol: 47 }), undefined);
    assert.equal(judge(any(['443']), { protocol: 17 }), 0x17000001);
    assert.equal(judge(any(['443']), { protocol: 1 }), undefined);
    const icmp = { network: [{ rule: 'icmp', protocols: ['ICMP'] as const, ports: ['443'] }] };
    assert.equal(judge(icmp, { ...inside, protocol: 1, destinationPort: 0 }), 0x17000001);
  });

  it('what is neither TCP nor UDP stays while it needs no public address', () => {
    const lines = (privateRanges: string[]) => ({
      privateRanges,
      network: [{ rule: 'any', protocols: ['Any'] as const }],
    });
    const ping = { protocol: 1, destinationPort: 0 };
    assert.equal(judge(lines(['255.255.255.255/32']), ping), undefined);
    assert.equal(
      judge(lines(['255.255.255.255/32']), { ...ping, destination: address('10.9.9.9') }),
      0x17000001,
    );
    assert.equal(judge(lines(['192.0.2.0/24']), ping), 0x17000001);
    assert.equal(judge(lines(['0.0.0.0/0']), ping), 0x17000001);
    assert.equal(judge(lines(['198.51.100.0/24']), {}), 0x17000001, 'TCP is translated');
  });

  it('what a name alone allowed ends on a bound port; what the rule names by address goes on', () => {
    const clause = { rule: 'name', to: ['192.0.2.9'], fqdns: ['a.example.org'], boundPorts: [443] };
    const fqdnHas = () => true;
    assert.equal(judge({ network: [clause] }, {}, { fqdnHas }), undefined);
    assert.equal(judge({ network: [clause] }, { destinationPort: 80 }, { fqdnHas }), 0x17000001);
    assert.equal(
      judge({ network: [clause] }, { destination: address('192.0.2.9') }, { fqdnHas }),
      0x17000001,
    );
    const any = { ...clause, protocols: ['Any'] as const };
    assert.equal(judge({ network: [any] }, { protocol: 17 }, { fqdnHas }), 0x17000001);
  });

  it('the addresses of the firewall are nobody’s server', () => {
    assert.equal(judge({ network: [{ rule: 'all' }] }, { destination: address('198.51.100.1') }), undefined);
  });

  it('names count by the addresses they have now', () => {
    const lines = { network: [{ rule: 'name', fqdns: ['a.example.org'] }] };
    assert.equal(judge(lines, {}), undefined);
    const fqdnHas = (fqdn: string, value: number) =>
      fqdn === 'a.example.org' && value === address('192.0.2.1');
    assert.equal(judge(lines, {}, { fqdnHas }), 0x17000001);
  });

  it('threat intelligence forbids in Deny only', () => {
    const threatRanges = [range('192.0.2.1')];
    assert.equal(judge({ network: [allow], threat: 'Deny' }, {}, { threatRanges }), undefined);
    assert.equal(judge({ network: [allow], threat: 'Alert' }, {}, { threatRanges }), 0x17000001);
  });

  it('a DNATed one stays while its clause leads to the same place', () => {
    const nat = [{ rule: 'web', to: '198.51.100.1', port: '80-81', target: '10.42.1.4', targetPort: 8080 }];
    const flow = { destination: address('198.51.100.1'), destinationPort: 81 };
    const translated = { address: address('10.42.1.4'), port: 8080 };
    assert.equal(judge({ nat }, { ...flow, translated }), 0x17000001);
    assert.equal(judge({ nat }, { ...flow, translated: { ...translated, port: 8081 } }), undefined);
    assert.equal(judge({ nat }, { ...flow, destinationPort: 82, translated }), undefined);
    assert.equal(judge({ network: [{ rule: 'all' }] }, { ...flow, translated }), undefined);
    const named = [{ ...nat[0], target: 'web.example.org' } as (typeof nat)[0]];
    assert.equal(judge({ nat: named }, { ...flow, translated }), undefined);
    assert.equal(judge({ nat: named }, { ...flow, translated }, { natAddressOf: () => 1 }), 0x17000001);
  });

  it('one that the L7 engine holds stays unless a network rule or threat intelligence forbids it', () => {
    const forbids = (lines: ProgramLines, threatRanges = [range('203.0.113.9')]) =>
      createJudge(program(lines), {
        generation: 7,
        threatRanges,
        natAddressOf: () => undefined,
        fqdnHas: () => false,
      }).forbidsProxied({
        source: address('10.42.1.4'),
        destination: address('192.0.2.1'),
        destinationPort: 443,
      });
    const deny = { rule: 'no', action: 'Deny', ports: ['443'] } as const;
    assert.equal(forbids({}), false);
    assert.equal(forbids({ network: [deny] }), true);
    assert.equal(forbids({ network: [allow, deny] }), false);
    assert.equal(forbids({ network: [{ ...deny, protocols: ['UDP'] }] }), false);
    assert.equal(forbids({ threat: 'Deny' }, [range('192.0.2.1')]), true);
  });

  it('DNS of the firewall stays while the proxy is enabled', () => {
    const flow = { destination: address('10.42.1.1'), destinationPort: 53 };
    assert.equal(judge({ dns: true }, flow), 0x77000000);
    assert.equal(judge({ network: [{ rule: 'all' }] }, flow), undefined);
  });

  it('DNS of the firewall ends when a NAT rule takes its port', () => {
    const flow = { protocol: 17, destination: address('10.42.1.1'), destinationPort: 53 };
    const nat = [
      {
        rule: 'dns',
        to: '10.42.1.1',
        port: '53',
        protocol: 'UDP' as const,
        target: '10.42.9.4',
        targetPort: 53,
      },
    ];
    assert.equal(judge({ dns: true, nat }, flow), undefined);
    const translated = { address: address('10.42.9.4'), port: 53 };
    assert.equal(judge({ dns: true, nat }, { ...flow, translated }), 0x17000001);
    assert.equal(judge({ dns: true }, { ...flow, translated }), undefined);
  });
});
