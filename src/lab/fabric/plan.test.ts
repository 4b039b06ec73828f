// The plan of a small VNet, and what a change of it costs.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { diffPlans, EMPTY_PLAN } from './diff.ts';
import { address, hub, prefix, TO_FIREWALL } from './fixture.ts';
import { type FabricPlan, type NamespacePlan, planFabric } from './plan.ts';

const EMPTY = { vnets: [], firewalls: [], hosts: [] };

function namespace(plan: FabricPlan, name: string): NamespacePlan {
  const found = plan.namespaces.find(namespace => namespace.name === name);
  assert.ok(found, `no namespace ${name}`);
  return found;
}

/** `PREFIX how` of one table of the router. */
function table(plan: FabricPlan, first: string): string[] {
  return namespace(plan, 'router.rg.hub')
    .routes.filter(({ table }) => table === String(address(first)))
    .map(({ type, prefix, how }) => [prefix, type, how].filter(word => word !== '').join(' '))
    .sort();
}

const TO_EDGE = 'via 169.254.2.1 dev edge onlink src 169.254.2.2';

describe('planFabric', () => {
  test('an empty lab is a workstation and the Internet', () => {
    const plan = planFabric(EMPTY);
    assert.deepEqual(
      plan.namespaces.map(({ name }) => name),
      ['workstation', 'internet'],
    );
    assert.deepEqual(plan.links, [
      {
        a: { namespace: 'workstation', device: 'eth0' },
        b: { namespace: 'internet', device: 'workstation' },
      },
    ]);
  });

  test('links lead only from namespace to namespace of the plan, and every device is used once', () => {
    const plan = planFabric(hub({ userRoutes: [TO_FIREWALL] }));
    const names = new Set(plan.namespaces.map(({ name }) => name));
    const ends = plan.links.flatMap(({ a, b }) => [a, b]);
    for (const { namespace, device } of ends) {
      assert.ok(names.has(namespace), namespace);
      assert.ok(device.length <= 15, device);
    }
    assert.equal(new Set(ends.map(({ namespace, device }) => `${namespace} ${device}`)).size, ends.length);
  });

  test('without a route table a subnet has local hosts, the edge, and nothing else private', () => {
    assert.deepEqual(table(planFabric(hub()), '10.42.1.0'), [
      `0.0.0.0/0 ${TO_EDGE}`,
      '10.0.0.0/8 blackhole',
      '10.42.0.0/16 blackhole',
      '10.42.1.4/32 dev 10.42.1.4',
      '10.42.2.4/32 dev 10.42.2.4',
      '10.42.3.4/32 dev 10.42.3.4',
      '100.64.0.0/10 blackhole',
      '172.16.0.0/12 blackhole',
      '192.168.0.0/16 blackhole',
    ]);
  });

  test('a default route to the firewall leaves the VNet local, in this subnet only', () => {
    const plan = planFabric(hub({ userRoutes: [TO_FIREWALL] }));
    assert.deepEqual(table(plan, '10.42.1.0'), [
      '0.0.0.0/0 via 10.42.2.4 dev 10.42.2.4 onlink',
      '10.42.0.0/16 blackhole',
      '10.42.1.4/32 dev 10.42.1.4',
      '10.42.2.4/32 dev 10.42.2.4',
      '10.42.3.4/32 dev 10.42.3.4',
    ]);
    assert.ok(table(plan, '10.42.3.0').includes(`0.0.0.0/0 ${TO_EDGE}`));
  });

  test('an appliance that is not there is a hole', () => {
    const plan = planFabric(hub({ userRoutes: [TO_FIREWALL], withFirewall: false }));
    assert.ok(table(plan, '10.42.1.0').includes('0.0.0.0/0 blackhole'));
  });

  test('hosts behind a route that is longer than the VNet are not reached directly', () => {
    const userRoutes = [{ ...TO_FIREWALL, prefix: prefix('10.42.3.0/29') }];
    const routes = table(planFabric(hub({ userRoutes })), '10.42.1.0');
    assert.ok(routes.includes('10.42.3.0/29 via 10.42.2.4 dev 10.42.2.4 onlink'));
    assert.ok(!routes.some(route => route.startsWith('10.42.3.4/32')));
  });

  test('no prefix stands twice in a table', () => {
    const userRoutes = [
      { ...TO_FIREWALL, prefix: prefix('10.42.3.4/32'), nextHop: { type: 'VnetLocal' } as const },
    ];
    for (const { routes } of planFabric(hub({ userRoutes })).namespaces) {
      const targets = routes.map(({ prefix, table }) => `${prefix} ${table}`);
      assert.equal(new Set(targets).size, targets.length, targets.join(', '));
    }
  });

  test("Azure DNS is asked for before any subnet's table", () => {
    const { rules } = namespace(planFabric(hub()), 'router.rg.hub');
    assert.equal(rules[0], 'pref 10 to 168.63.129.16 lookup main');
    assert.ok(rules.includes(`pref 100 iif 10.42.1.4 lookup ${address('10.42.1.0')}`));
  });

  test('a firewall has its private address, its public ones, and private space behind its subnet', () => {
    const plan = namespace(
      planFabric(hub({ publicAddresses: ['20.62.192.1', '20.62.200.9'] })),
      'firewall.rg.fw',
    );
    assert.deepEqual(plan.addresses, [
      '10.42.2.4/24 dev eth0',
      '20.62.192.1/32 dev eth1',
      '20.62.200.9/32 dev eth1',
    ]);
    assert.deepEqual(
      plan.routes.map(({ prefix, how }) => `${prefix} ${how}`),
      [
        ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '10.42.0.0/16'].map(
          range => `${range} via 10.42.2.1 dev eth0`,
        ),
        '0.0.0.0/0 via 169.254.1.1 dev eth1 onlink src 20.62.192.1',
      ],
    );
    assert.deepEqual([plan.settings, plan.rules, plan.nft], [{}, [], '']);
  });
});

describe('diffPlans', () => {
  const full = planFabric(hub());

  test('equal plans cost nothing', () => {
    assert.deepEqual(diffPlans(full, planFabric(hub())), {
      deleteNamespaces: [],
      createNamespaces: [],
      links: [],
      namespaces: [],
    });
  });

  test('a route table costs the routes of one subnet', () => {
    const steps = diffPlans(full, planFabric(hub({ userRoutes: [TO_FIREWALL] })));
    assert.deepEqual([steps.deleteNamespaces, steps.createNamespaces, steps.links], [[], [], []]);
    assert.deepEqual(
      steps.namespaces.map(({ name }) => name),
      ['router.rg.hub'],
    );
    const number = address('10.42.1.0');
    assert.deepEqual(steps.namespaces[0]?.add, [
      `route replace 0.0.0.0/0 via 10.42.2.4 dev 10.42.2.4 onlink table ${number}`,
    ]);
    assert.ok(steps.namespaces[0]?.remove.every(line => line.startsWith('route del blackhole ')));
  });

  test('a public address more keeps the link', () => {
    const steps = diffPlans(full, planFabric(hub({ publicAddresses: ['20.62.192.1', '20.62.192.2'] })));
    assert.deepEqual(steps.links, []);
    assert.deepEqual(
      steps.namespaces.map(({ name, remove, add }) => [name, remove.length, add.length]),
      [
        ['internet', 0, 1],
        ['firewall.rg.fw', 0, 1],
      ],
    );
  });

  test('namespaces that go take their links and addresses along', () => {
    const steps = diffPlans(full, planFabric(EMPTY));
    assert.deepEqual(steps.deleteNamespaces, [
      'visitor',
      'router.rg.hub',
      'edge.rg.hub',
      'firewall.rg.fw',
      'app',
      'db',
    ]);
    assert.deepEqual(
      steps.namespaces.flatMap(({ remove }) => remove).filter(line => line.startsWith('link')),
      [],
    );
  });

  test('a host of the same name elsewhere gets all its routes again', () => {
    const topology = hub();
    const hosts = topology.hosts.map(host =>
      host.name === 'app' ? { ...host, address: address('10.42.1.9') } : host,
    );
    const steps = diffPlans(full, planFabric({ ...topology, hosts }));
    const app = steps.namespaces.find(({ name }) => name === 'app');
    assert.deepEqual(app?.remove, ['link del dev eth0']);
    assert.deepEqual(app?.add, [
      'link set dev eth0 up',
      'address replace 10.42.1.9/24 dev eth0',
      'route replace 0.0.0.0/0 via 10.42.1.1 dev eth0 table main',
    ]);
  });

  test('from nothing, everything is made', () => {
    const steps = diffPlans(EMPTY_PLAN, full);
    assert.equal(steps.createNamespaces.length, full.namespaces.length);
    assert.equal(steps.links.length, full.links.length);
    assert.ok(steps.namespaces.every(({ remove }) => remove.length === 0));
  });
});
