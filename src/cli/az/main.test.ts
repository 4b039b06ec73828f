// Commands as a user types them, against a control plane in memory: results, errors, questions, help.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, failure, lastWrite, ok, runWith, SUBSCRIPTION, words } from './testing.ts';

describe('results', () => {
  test('vnet create and public-ip create print under a key of their own', async () => {
    await using harness = await AzHarness.create();
    const vnet = (await ok(harness, 'network vnet create -g rg -n v -l eastus')) as {
      newVNet: Record<string, unknown>;
    };
    assert.deepEqual(vnet.newVNet.addressSpace, { addressPrefixes: ['10.0.0.0/16'] });
    assert.equal(vnet.newVNet.resourceGroup, 'rg');
    const address = await ok(
      harness,
      'network public-ip create -g rg -n p -l eastus --query publicIp.ipAddress',
    );
    assert.equal(address, '20.51.99.7');
  });

  test('group exists prints true or false', async () => {
    await using harness = await AzHarness.create();
    assert.equal(await ok(harness, 'group exists -n rg'), false);
    await ok(harness, 'group create -n rg -l eastus');
    assert.equal(await ok(harness, 'group exists -n rg'), true);
  });

  test('group list as a table', async () => {
    await using harness = await AzHarness.create();
    await ok(harness, 'group create -n rg -l eastus');
    const { stdout } = await harness.az(words('group list -o table'));
    assert.equal(
      stdout,
      'Name    Location    Status\n------  ----------  ---------\nrg      eastus      Succeeded\n',
    );
  });

  test('lists of one group and of all groups', async () => {
    await using harness = await AzHarness.create();
    for (const group of ['a', 'b'])
      await ok(harness, `network route-table create -g ${group} -n t-${group} -l eastus`);
    assert.deepEqual(await ok(harness, 'network route-table list -g a --query [].name'), ['t-a']);
    assert.deepEqual(await ok(harness, 'network route-table list --query [].name'), ['t-a', 't-b']);
  });

  test('--no-wait prints nothing', async () => {
    await using harness = await AzHarness.create();
    assert.equal(await ok(harness, 'network vnet create -g rg -n v -l eastus --no-wait'), undefined);
  });

  test('commands that need no control plane run without one', async () => {
    for (const line of [
      'extension add --name azure-firewall',
      'version',
      '--version',
      'extension list -o table',
    ]) {
      const { status, stderr } = await runWith(words(line), { env: { POSTERN_STATE: '/nonexistent' } });
      assert.deepEqual({ line, status, stderr }, { line, status: 0, stderr: '' });
    }
    const other = await runWith(words('extension add -n aks-preview'));
    assert.equal(other.status, 1);
  });

  test('account show describes the subscription', async () => {
    await using harness = await AzHarness.create();
    assert.equal(await ok(harness, 'account show --query id'), SUBSCRIPTION);
    assert.equal(
      await ok(harness, `account show --query tenantId --subscription ${SUBSCRIPTION}`),
      'a-tenant',
    );
    assert.equal((await harness.az(words('account show --subscription other'))).status, 1);
  });

  test('rest sends what it is told', async () => {
    await using harness = await AzHarness.create();
    const uri = '/subscriptions/{subscriptionId}/resourcegroups/rg?api-version=2021-04-01';
    await harness.az(['rest', '-m', 'put', '-u', uri, '-b', '{"location":"eastus"}']);
    assert.deepEqual(lastWrite(harness).body, { location: 'eastus' });
    assert.equal((await harness.az(['rest', '-u', uri.replace('rg?', 'none?')])).status, 3);
  });
});

describe('errors', () => {
  test('an error of the server is (Code) Message with its lines and nothing else', async () => {
    await using harness = await AzHarness.create();
    harness.api.hook = () => failure(400, { code: 'InvalidResourceName', message: 'No such name.' });
    const { status, stdout, stderr } = await harness.az(words('group create -n rg -l eastus'));
    assert.deepEqual([status, stdout], [1, '']);
    assert.equal(
      stderr,
      '(InvalidResourceName) No such name.\nCode: InvalidResourceName\nMessage: No such name.\n',
    );
  });

  test('404 is status 3', async () => {
    await using harness = await AzHarness.create();
    const { status, stderr } = await harness.az(words('network vnet show -g rg -n none'));
    assert.equal(status, 3);
    assert.match(
      stderr,
      /^\(ResourceNotFound\) The resource 'none' was not found\.\nCode: ResourceNotFound\n/,
    );
  });

  const usage: readonly (readonly [string, RegExp])[] = [
    [
      'group create',
      /^the following arguments are required: --location\/-l, --name\/-n\/--resource-group\/-g\n/,
    ],
    [
      'network firewal list',
      /^'firewal' is misspelled or not recognized by the system\.\nDid you mean 'firewall'\?/,
    ],
    ['network firewall crate', /Did you mean 'create'\?/],
    ['aks create -n x', /^'az aks' is not supported by Postern: /],
    ['network firewall create -g rg -n fw --virtual-hub h', /^--virtual-hub is not supported by Postern: /],
    ['network vnet list --query [', /^argument --query: invalid jmespath_type value: '\['\n/],
    ['network vnet list -o xml', /'xml' is not a valid value for '--output'\./],
    ['--nonsense', /^unrecognized arguments: --nonsense\n/],
  ];
  for (const [line, message] of usage) {
    test(`usage: az ${line}`, async () => {
      const { status, stdout, stderr } = await runWith(words(line), {
        env: { POSTERN_STATE: '/nonexistent' },
      });
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }

  test('no control plane: where it was looked for and how to start one', async () => {
    const { status, stderr } = await runWith(words('group list'), { env: { POSTERN_STATE: '/nonexistent' } });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^No control plane found in \/nonexistent\/labs\/postern or \/nonexistent\/router\.\nStart one: postern lab up/,
    );
    const named = await runWith(words('group list'), { env: { POSTERN_API_JSON: '/nonexistent/api.json' } });
    assert.match(named.stderr, /^No control plane found: POSTERN_API_JSON names \/nonexistent\/api\.json/);
  });

  test('a control plane that is gone', async () => {
    const harness = await AzHarness.create();
    const { env } = harness;
    const keep = await harness.az(words('group list'));
    assert.equal(keep.status, 0);
    await harness[Symbol.asyncDispose]();
    const { status, stderr } = await runWith(words('group list'), { env });
    assert.equal(status, 1);
    assert.match(stderr, /No control plane found/);
  });
});

describe('questions', () => {
  const cases: readonly (readonly [string, string | undefined, number, boolean])[] = [
    ['y', 'y\n', 0, true],
    ['yes in capitals', 'YES\n', 0, true],
    ['yes after nonsense', 'what\nyes\n', 0, true],
    ['y without a line end', 'y', 0, true],
    ['n', 'n\n', 1, false],
    ['the end of input', undefined, 1, false],
  ];
  for (const [title, input, expected, deletes] of cases) {
    test(title, async () => {
      await using harness = await AzHarness.create();
      const { status, stderr } = await harness.az(
        words('group delete -n rg'),
        input === undefined ? {} : { input },
      );
      assert.equal(status, expected);
      assert.equal(harness.api.seen.length > 0, deletes);
      if (expected) assert.match(stderr, /^Operation cancelled/);
      if (input === undefined) assert.match(stderr, /--yes/);
    });
  }
});

describe('help', () => {
  test('every group and every command has help, and every command of a group is in it', async () => {
    const { groups } = await import('./commands/index.ts');
    const { commandsOf } = await import('./tree.ts');
    for (const { path } of [{ path: '' }, ...groups]) {
      const group = await runWith([...path.split(' ').filter(Boolean), '--help']);
      assert.equal(group.status, 0);
      for (const command of await commandsOf(path)) {
        assert.ok(group.stdout.includes(`    ${command.name} `), `${path} does not list ${command.name}`);
        const help = await runWith([...path.split(' ').filter(Boolean), command.name, '-h']);
        assert.equal(help.status, 0);
        assert.match(help.stdout, /^\nCommand\n {4}az /);
        for (const { flags } of command.arguments) assert.ok(help.stdout.includes(flags[0]));
        // Generic updates are one value together: their order counts.
        const own = command.arguments.filter(({ kind }) => kind !== 'actions');
        assert.equal(new Set(own.map(({ key }) => key)).size, own.length);
      }
    }
  });

  test('az alone lists the groups', async () => {
    const { status, stdout } = await runWith([]);
    assert.equal(status, 0);
    assert.match(stdout, /Subgroups:\n {4}account {3}: /);
  });
});
