// A router whose firewall follows a policy with a parent, from files as `az network firewall policy ... show` prints them, and
// whose owner has changed how rules are read.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from '../support/lab.ts';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { firewall, POLICY_ID, policy, policyGroup, publicIp } from './printed-rules.ts';
import { DNS, NODE, RouterNet, UP, WEB } from './router-net.ts';

const SERVER = '93.184.2.9';
const unavailable = await namespacesUnavailable();

describe('a router with a policy', { skip: unavailable ?? false }, () => {
  let router: RouterNet;

  before(async () => {
    router = await RouterNet.open();
    router.write('ip.json', publicIp('ip', '52.186.0.4'));
    router.write('firewall.json', {
      ...firewall({}),
      additionalProperties: {},
      firewallPolicy: { id: POLICY_ID },
    });
    router.write('base.json', policy('base'));
    router.write('policy.json', {
      ...policy('team'),
      basePolicy: { id: policy('base').id, resourceGroup: 'rg' },
    });
    router.write('base-groups.json', [
      policyGroup('base', 'P', 500, [collection('deny', 'Deny', 60000, ['9001'])]),
    ]);
    router.write('groups.json', [teamGroup(['9000', '9001'])]);
    await router.up([...UP, '--infrastructure-fqdns', 'one.example.com', '--bind-network-fqdns']);
    await router.net.start('web', [NODE, join(ROOT, 'test/router/web-server.ts'), '8080'], 'ready');
  });
  after(async () => {
    await router?.close();
  });

  const teamGroup = (ports: readonly string[]) =>
    policyGroup('team', 'C', 100, [
      collection('allow', 'Allow', 100, ports),
      {
        ruleCollectionType: 'FirewallPolicyNatRuleCollection',
        name: 'nat',
        priority: 200,
        action: { type: 'DNAT' },
        rules: [
          {
            ruleType: 'NatRule',
            name: 'web',
            ipProtocols: ['TCP'],
            sourceAddresses: ['*'],
            // The address of the files, which the router's own interface stands for.
            destinationAddresses: ['10.42.2.4'],
            destinationPorts: ['82'],
            translatedAddress: WEB,
            translatedPort: '8080',
          },
        ],
      },
    ]);

  it('obeys the rules of parent and child', async () => {
    assert.equal(await router.echo(SERVER, 9000), 'hello');
    assert.equal(await router.echo(SERVER, 9001), '', 'the parent denies it');
    await router.logged(
      ({ Policy, RuleCollectionGroup, Action, DestinationPort }) =>
        Policy === 'base' && RuleCollectionGroup === 'P' && Action === 'Deny' && DestinationPort === 9001,
      'denial by the parent',
    );
  });

  it('translates what comes to its private address', async () => {
    const { stdout } = await router.curl('node', `http://${DNS}:82/`);
    assert.equal(stdout.trim(), DNS, 'the host behind sees the firewall');
  });

  it('opens the names of the infrastructure, which status tells', async () => {
    assert.equal(await router.https('one.example.com', '93.184.1.1'), 200);
    assert.equal(await router.https('two.example.com', '93.184.1.2'), 0);
    const { stdout, status } = await router.postern(['status']);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^Options +--bind-network-fqdns --infrastructure-fqdns one\.example\.com$/m);
  });

  it('a changed group is in force', async () => {
    router.write('groups.json', [teamGroup(['9002'])]);
    for (
      let waited = 0;
      waited < 5000 && (await router.echo(SERVER, 9002, { timeoutMs: 300 })) === '';
      waited += 300
    );
    assert.equal(await router.echo(SERVER, 9002), 'hello');
    assert.equal(await router.echo(SERVER, 9000, { timeoutMs: 500 }), '');
  });

  it('a group that no rule of Azure allows keeps the last good rules', async () => {
    router.write('groups.json', [teamGroup(['70000'])]);
    for (let waited = 0; waited < 50 && !/70000/.test(router.complaints); waited += 1)
      await new Promise(resolve => setTimeout(resolve, 100));
    assert.match(router.complaints, /ruleCollectionGroups\/C .*70000/);
    assert.equal(await router.echo(SERVER, 9002), 'hello');
  });
});

function collection(name: string, type: 'Allow' | 'Deny', priority: number, ports: readonly string[]) {
  return {
    ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
    name,
    priority,
    action: { type },
    rules: [
      {
        ruleType: 'NetworkRule',
        name,
        ipProtocols: ['TCP'],
        sourceAddresses: ['10.42.0.0/16'],
        destinationAddresses: [SERVER],
        destinationPorts: ports,
      },
    ],
  };
}
