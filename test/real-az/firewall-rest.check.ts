// Firewalls driven with the real Azure CLI by `az rest`, the way that needs no extension: rules are written, read and
// refused, a gateway that is slow or refuses shows up as a long-running operation, and deletion ends it all.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Run, Side, succeed, whyNoRealAz, words } from './real-az.ts';

const skip = whyNoRealAz() ?? false;
const RG = 'fw-rg';
const NETWORK = `/subscriptions/{subscriptionId}/resourceGroups/${RG}/providers/Microsoft.Network`;
const VERSION = 'api-version=2021-08-01';
const FIREWALL = `${NETWORK}/azureFirewalls/fw?${VERSION}`;
const LOCATION = '/subscriptions/{subscriptionId}/providers/Microsoft.Network';

type Json = Record<string, unknown>;

describe('firewalls by az rest', { skip }, () => {
  let side: Side;
  before(async () => {
    side = await Side.start();
    await side.register();
    await succeed(side.login(side.read('client-secret')));
  });
  after(() => side[Symbol.asyncDispose]());

  const az = (line: string): Promise<string> => succeed(side.real(words(line)));
  function rest(method: string, url: string, body?: unknown, ...more: string[]): Promise<Run> {
    const file = join(side.folder, 'body.json');
    if (body !== undefined) writeFileSync(file, JSON.stringify(body));
    const given = body === undefined ? [] : ['-b', `@${file}`];
    return side.real(['rest', '-m', method, '-u', url, ...given, ...more]);
  }
  const json = async (running: Promise<Run>): Promise<Json> => JSON.parse(await succeed(running));
  const propertiesOf = ({ properties }: Json): Json => properties as Json;

  test('the network, and a firewall with its IP configuration', async () => {
    await az(`group create -n ${RG} -l eastus`);
    await az(
      `network vnet create -g ${RG} -n vnet --address-prefixes 10.42.0.0/16 --subnet-name AzureFirewallSubnet --subnet-prefixes 10.42.2.0/24`,
    );
    await az(`network public-ip create -g ${RG} -n pip --sku Standard`);
    const plain = await json(rest('put', FIREWALL, firewall({})));
    assert.deepEqual(propertiesOf(plain).networkRuleCollections, []);
    const before = side.control.accepted();
    const configured = await json(rest('put', FIREWALL, firewall({ ipConfigurations: [ipConfiguration()] })));
    assert.equal(propertiesOf(configured).provisioningState, 'Succeeded');
    assert.ok(side.control.accepted() > before, 'the gateway got no program');
    const address = 'properties.ipConfigurations[0].properties.privateIPAddress';
    assert.equal(
      await succeed(rest('get', FIREWALL, undefined, '--query', address, '-o', 'tsv')),
      '10.42.2.4\n',
    );
  });

  test('rules of all three kinds, and the whole document written back', async () => {
    const written = await json(
      rest('put', FIREWALL, firewall({ ipConfigurations: [ipConfiguration()], ...rules() })),
    );
    const read = await json(rest('get', FIREWALL));
    assert.deepEqual(read, written);
    const again = await json(rest('put', FIREWALL, read));
    assert.deepEqual(withoutEtags(again), withoutEtags(read));
    const [address] = (propertiesOf(again).ipConfigurations as Json[]).map(propertiesOf);
    assert.equal(address?.privateIPAddress, '10.42.2.4');
    const list = await json(rest('get', `${LOCATION}/azureFirewalls?${VERSION}`));
    assert.deepEqual(list.value, [again]);
  });

  test('refusals: az prints the whole error and ends with 1, for what is not there with 1 or 3', async () => {
    const faults = firewall({ ipConfigurations: [ipConfiguration()], ...rules({ priority: 99 }) });
    const refused = await rest('put', FIREWALL, faults);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /priority/i);
    const missing = await rest('get', `${NETWORK}/azureFirewalls/none?${VERSION}`);
    assert.match(missing.stderr, /ResourceNotFound/);
    assert.equal(
      (
        await side.real(
          words(`resource show -g ${RG} -n none --resource-type Microsoft.Network/azureFirewalls`),
        )
      ).status,
      3,
    );
    assert.match((await rest('get', `${NETWORK}/azureFirewalls/fw`)).stderr, /MissingApiVersionParameter/);
    assert.match(
      (await side.real(words(`network public-ip delete -g ${RG} -n pip`))).stderr,
      /\(PublicIPAddressCannotBeDeleted\)/,
    );
  });

  test('FQDN tags and service tags', async () => {
    const url = `${LOCATION}/azureFirewallFqdnTags?${VERSION}`;
    const tags = await succeed(
      rest('get', url, undefined, '--query', 'value[].properties.fqdnTagName', '-o', 'tsv'),
    );
    assert.match(tags, /^AzureKubernetesService$/m);
    const list = 'network list-service-tags -l eastus --query values[].name -o tsv';
    assert.match(await az(list), /^AzureCloud\.eastus$/m);
  });

  test('a gateway that takes its time is waited for, one that refuses fails the operation', async () => {
    side.control.answerWith({ delayMs: 3500 });
    const slow = firewall({ ipConfigurations: [ipConfiguration()], ...rules({ port: '124' }) });
    const { stdout, stderr } = await rest('put', FIREWALL, slow, '--debug');
    assert.match(stdout, /"provisioningState": "Updating"/);
    const [, operation = ''] = /'Azure-AsyncOperation': '([^']+)'/i.exec(stderr) ?? [];
    assert.match(operation, /^https:\/\//);
    const wait = `resource wait -g ${RG} -n fw --resource-type Microsoft.Network/azureFirewalls --api-version 2021-08-01 --updated --interval 1 --timeout 20`;
    await az(wait);
    assert.equal((await json(rest('get', operation))).status, 'Succeeded');

    side.control.answerWith({ refusal: 'The gateway of this check refuses.' });
    const failing = firewall({ ipConfigurations: [ipConfiguration()], ...rules({ port: '125' }) });
    const failed = await rest('put', FIREWALL, failing, '--debug');
    const [, second = ''] = /'Azure-AsyncOperation': '([^']+)'/i.exec(failed.stderr) ?? [];
    const verdict = await json(rest('get', second || operation));
    assert.equal(verdict.status, 'Failed');
    assert.match(JSON.stringify(verdict.error), /The gateway of this check refuses\./);
    // A command that waits by itself prints what the gateway said.
    const tag = `resource tag -g ${RG} -n fw --resource-type Microsoft.Network/azureFirewalls --api-version 2021-08-01 --tags a=b`;
    const told = await side.real(words(tag));
    assert.equal(told.status, 1);
    assert.match(told.stderr, /^ERROR: \(AzureFirewallUpdateFailed\) The gateway of this check refuses\./);
    side.control.answerWith({});
  });

  test('the firewall and its group are deleted', async () => {
    await succeed(rest('delete', FIREWALL));
    assert.equal((await rest('get', FIREWALL)).status === 0, false);
    await az(`network public-ip delete -g ${RG} -n pip`);
    await az(`group delete -n ${RG} --yes --no-wait`);
    for (let tries = 0; (await az(`group exists -n ${RG}`)).trim() === 'true'; tries++) {
      assert.ok(tries < 10, 'the group is still there');
      await sleep(500);
    }
  });
});

function firewall(properties: Json): Json {
  return {
    location: 'eastus',
    properties: { additionalProperties: { 'Network.DNS.EnableProxy': 'true' }, ...properties },
  };
}

/** Every write changes them. */
function withoutEtags(document: Json): unknown {
  return JSON.parse(JSON.stringify(document, (key, value) => (key === 'etag' ? undefined : value)));
}

function ipConfiguration(): Json {
  const network = `/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/${RG}/providers/Microsoft.Network`;
  return {
    name: 'config',
    properties: {
      subnet: { id: `${network}/virtualNetworks/vnet/subnets/AzureFirewallSubnet` },
      publicIPAddress: { id: `${network}/publicIPAddresses/pip` },
    },
  };
}

function rules({ priority = 100, port = '123' } = {}): Json {
  const collection = (action: string, rule: Json): Json[] => [
    {
      name: 'collection',
      properties: {
        priority,
        action: { type: action },
        rules: [{ name: 'rule', sourceAddresses: ['*'], ...rule }],
      },
    },
  ];
  return {
    networkRuleCollections: collection('Allow', {
      protocols: ['UDP'],
      destinationFqdns: ['ntp.ubuntu.com'],
      destinationPorts: [port],
    }),
    applicationRuleCollections: collection('Allow', {
      protocols: [
        { protocolType: 'Http', port: 80 },
        { protocolType: 'Https', port: 443 },
      ],
      fqdnTags: ['AzureKubernetesService'],
    }),
    natRuleCollections: collection('Dnat', {
      protocols: ['TCP'],
      destinationAddresses: ['20.62.192.1'],
      destinationPorts: ['80'],
      translatedAddress: '10.42.1.50',
      translatedPort: '80',
    }),
  };
}
