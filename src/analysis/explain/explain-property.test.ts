// Whatever the routes, the rules and the flow: an explanation ends, says an error exactly where the flow does not work, and marks the
// step at which it stops.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { application, ip, nat, network, ports } from '#ir/fixture.ts';
import { explanationText } from './explain-text.ts';
import { balancer, explained, id, nic, publicIp, type Topology } from './fixture.ts';

const HOPS = ['10.42.2.4', '10.42.2.9', '10.42.3.10', 'Internet', 'None', 'VnetLocal'];
const PREFIXES = [
  '0.0.0.0/0',
  '20.0.0.0/8',
  '10.42.3.0/24',
  '10.42.1.0/24',
  '20.1.1.1/32',
  '198.51.100.7/32',
  '10.50.0.0/16',
];
const routes = fc.option(
  fc.uniqueArray(
    fc
      .tuple(fc.constantFrom(...PREFIXES), fc.constantFrom(...HOPS))
      .map(([prefix, hop]) => `${prefix} ${hop}`),
    { maxLength: 4, selector: text => text.split(' ')[0] },
  ),
  { nil: undefined },
);
const RULES = [
  {},
  { networkRules: [network('all', { protocols: ['Any' as const] })] },
  {
    networkRules: [network('web', { destinationPorts: ports('80') })],
    dns: { enableProxy: false, servers: [] },
  },
  { applicationRules: [application('any', ['*'])] },
  { natRules: [nat('in', { translatedAddress: ip('10.42.1.50') })] },
  { natRules: [nat('public', { translatedAddress: ip('20.9.9.9'), translatedPort: 80 })] },
];
const withPublic = { publicIPAddress: { id: id('publicIPAddresses', 'web-ip') } };
const MORE = [
  [],
  [publicIp('web-ip', '20.9.9.9'), nic('web', '10.42.1.50', withPublic)],
  [publicIp('web-ip', '20.9.9.9'), nic('web', '10.42.1.50'), balancer(withPublic)],
  [nic('web', '10.42.1.50'), balancer({ privateIPAddress: '10.42.1.40' })],
];
const topology: fc.Arbitrary<Topology> = fc.record({
  apps: routes,
  data: routes,
  rules: fc.constantFrom(...RULES),
  more: fc.constantFrom(...MORE),
  dnsServers: fc.constantFrom([], ['10.42.2.4'], ['8.8.8.8']),
  complete: fc.boolean(),
  withFirewall: fc.boolean(),
  spoke: fc.constantFrom('peered' as const, 'alone' as const),
});
const flow = fc
  .tuple(
    fc.constantFrom('tcp', 'udp'),
    fc.constantFrom('app', 'db', '10.50.1.5', '198.51.100.7'),
    fc.constantFrom(
      '20.5.5.5',
      '20.1.1.1',
      '20.9.9.9',
      '10.42.1.40',
      '10.42.1.5',
      '10.42.3.10',
      '10.42.2.4',
      '10.50.1.9',
      '20.62.208.9',
    ),
    fc.constantFrom('80', '443', '5432', '53'),
  )
  .map(([protocol, from, to, port]) => `${protocol} ${from} > ${to}:${port}`);

test('an explanation agrees with itself', () => {
  fc.assert(
    fc.property(flow, topology, (text, net) => {
      const explanation = explained(text, net);
      const { works, arrives, returns, symmetric, findings, steps } = explanation;
      const said = `${text}\n${explanationText(explanation)}`;
      assert.equal(works, arrives && returns, said);
      assert.equal(
        works,
        findings.every(({ severity }) => severity !== 'error'),
        said,
      );
      if (!symmetric) assert.ok(findings.length > 0, said);
      assert.ok(!works || steps.every(({ ok }) => ok) || !symmetric, said);
      assert.ok(
        arrives || steps.every(({ way }) => way === 'there'),
        `there is no way back from where nothing arrives: ${said}`,
      );
    }),
    { numRuns: 3000 },
  );
});
