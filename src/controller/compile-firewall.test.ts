// A stored firewall and its program: with a policy as without, through edits, and what is said when there is none.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ip, type Json, PIP } from '#compiler/fixture.ts';
import {
  attached,
  base,
  CHILD,
  FIREWALL,
  facts,
  firewall,
  group,
  inherits,
  PARENT,
  policy,
  publicIp,
} from '#compiler/policy-world.ts';
import type { Facts } from '#facts/facts.ts';
import { applicationRule, filters, natRule, nats, networkRule } from '#model/policy-fixture.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { MemoryStore } from '#store/memory-store.ts';
import type { ArmDocument } from '#store/resource-store.ts';
import { FirewallCompiler, UncompilableFirewall } from './compile-firewall.ts';

function setUp(documents: readonly ArmDocument[], localAddressOf: Readonly<Record<number, number>> = {}) {
  const store = new MemoryStore();
  const put = (...more: readonly ArmDocument[]) => {
    for (const document of more) store.put(document);
  };
  put(...base, ...documents);
  const warned: string[] = [];
  const compiler = new FirewallCompiler({
    onWarnings: (_, warnings) => warned.push(...warnings),
    facts: () => facts as Facts,
    localAddressOf: () => localAddressOf,
  });
  const compile = () => compiler.compile(store.get(FIREWALL)?.document ?? assert.fail(), store);
  const faults = (): readonly string[] => {
    try {
      compile();
    } catch (error) {
      if (error instanceof UncompilableFirewall) return error.faults;
      throw error;
    }
    return [];
  };
  return { put, compile, faults, warned };
}

const rules = (...names: readonly string[]): Json[] => [filters(names.map(name => networkRule({ name })))];
const child = policy(CHILD, inherits);
const parent = policy(PARENT);

describe('a firewall with a policy', () => {
  const decisionsOf = (program: ReturnType<ReturnType<typeof setUp>['compile']>) =>
    program?.decisions.map(({ rule }) => formatRuleRef(rule));

  it('has the rules of the policy and its parent, whose decisions keep their numbers', () => {
    const { put, compile } = setUp([attached, child, parent, group(PARENT, 'g', 100, rules('p'))]);
    assert.deepEqual(decisionsOf(compile()), ['', 'parent/g/c/p']);
    put(group(CHILD, 'g', 100, rules('b')));
    assert.deepEqual(decisionsOf(compile()), ['', 'parent/g/c/p', 'child/g/c/b']);
    put(group(PARENT, 'g', 100, rules('q', 'p')));
    assert.deepEqual(decisionsOf(compile()), ['', 'parent/g/c/p', 'child/g/c/b', 'parent/g/c/q']);
  });

  it('meets packets for its private address where its machine has it', () => {
    const documents = [
      attached,
      policy(CHILD),
      group(CHILD, 'g', 100, [nats([natRule({ destinationAddresses: ['10.42.2.4'] })])]),
    ];
    const local = { [ip('10.42.2.4')]: ip('192.168.7.1') };
    const { netfilter } = setUp(documents, local).compile() ?? assert.fail();
    assert.equal(netfilter.privateAddress, ip('192.168.7.1'));
    assert.deepEqual(
      netfilter.natClauses.map(({ destination }) => destination),
      [ip('192.168.7.1')],
    );
  });
});

describe('a firewall without a program', () => {
  it('has no IP configuration, and nothing to enforce', () => {
    assert.equal(setUp([firewall({ ipConfigurations: [] })]).compile(), undefined);
  });

  it('has a public IP without address', () => {
    assert.match(setUp([firewall(), publicIp(PIP)]).faults()[0] ?? '', /pip' has no address yet/);
  });

  it('says all faults, each with the document it stands in', () => {
    const { faults } = setUp([
      attached,
      child,
      policy(PARENT, { sql: { allowSqlRedirect: true } }),
      group(CHILD, 'g', 100, [filters([applicationRule({ webCategories: ['News'] })])]),
    ]);
    const [first = '', second = '', ...others] = faults();
    assert.match(
      first,
      /^\(UnsupportedProperty\) firewallPolicies\/child\/ruleCollectionGroups\/g properties\.ruleCollections\[0\]\.rules\[0\]\.webCategories: Application rule 'c\/r': /,
    );
    assert.match(
      second,
      /^\(UnsupportedProperty\) firewallPolicies\/parent properties\.sql\.allowSqlRedirect: /,
    );
    assert.deepEqual(others, []);
    const missing = setUp([attached]).faults();
    assert.match(
      missing[0] ?? '',
      /^\(InvalidResourceReference\) properties\.firewallPolicy\.id: Firewall 'fw': /,
    );
  });
});

describe('warnings', () => {
  it('are told once for as long as they stay the same', () => {
    const withDns = (enableProxy: boolean) => policy(PARENT, { dnsSettings: { enableProxy } });
    const { put, compile, warned } = setUp([attached, child, parent]);
    compile();
    assert.deepEqual(warned, []);
    put(withDns(true));
    compile();
    put(group(CHILD, 'g', 100, rules('b')));
    compile();
    assert.equal(warned.length, 1);
    assert.match(warned[0] ?? '', /child .*DNS/);
    put(withDns(false), parent);
    compile();
    put(withDns(true));
    compile();
    assert.equal(warned.length, 2);
  });
});
