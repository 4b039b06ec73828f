// Postern's own `az` as a process against the real API: the sequence of commands that builds an egress firewall for
// a cluster, with what each must print so that the next one can follow.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RealApi } from './real-api.ts';

const RG = 'aks-egress-rg';
const FW = 'aks-egress-fw';
const VNET = 'aks-egress-vnet';
const TABLE = 'aks-egress-fwrt';
const PIP = 'aks-egress-fwpublicip';

/** Words of a command; single or double quotes keep spaces together. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

async function succeed(api: RealApi, line: string, https = false): Promise<string> {
  const { status, stdout, stderr } = await api.az(words(line), { https });
  assert.deepEqual({ line, status, stderr }, { line, status: 0, stderr: '' });
  return stdout;
}

describe('the sequence of the egress architecture', () => {
  let api: RealApi;
  let publicIp = '';
  before(async () => {
    api = await RealApi.start();
  });
  after(() => api[Symbol.asyncDispose]());

  const ok = (line: string, https = false): Promise<string> => succeed(api, line, https);
  const json = async (line: string): Promise<Record<string, unknown>> => JSON.parse(await ok(line));

  test('group and network', async () => {
    const group = await json(`group create --name ${RG} --location eastus`);
    assert.deepEqual(group.properties, { provisioningState: 'Succeeded' });
    const vnet = await ok(
      `network vnet create --resource-group ${RG} --name ${VNET} --location eastus --address-prefixes 10.42.0.0/16 --subnet-name aks-subnet --subnet-prefix 10.42.1.0/24 --query newVNet.subnets[].addressPrefix -o tsv`,
    );
    assert.equal(vnet, '10.42.1.0/24\n');
    const subnet = await json(
      `network vnet subnet create --resource-group ${RG} --vnet-name ${VNET} --name AzureFirewallSubnet --address-prefix 10.42.2.0/24`,
    );
    assert.equal(subnet.resourceGroup, RG);
  });

  test('public IP, extension, firewall and its IP configuration', async () => {
    await ok(`network public-ip create --resource-group ${RG} -n ${PIP} --location eastus --sku "Standard"`);
    assert.equal(await ok('extension add --name azure-firewall'), '');
    const firewall = await json(
      `network firewall create --resource-group ${RG} --name ${FW} --location eastus --enable-dns-proxy true`,
    );
    assert.deepEqual(firewall.additionalProperties, { 'Network.DNS.EnableProxy': 'true' });
    const configuration = await json(
      `network firewall ip-config create --resource-group ${RG} --firewall-name ${FW} --name aks-egress-fwconfig --public-ip-address ${PIP} --vnet-name ${VNET}`,
    );
    assert.equal(configuration.privateIPAddress, '10.42.2.4');
    publicIp = (await ok(`network public-ip show -g ${RG} -n ${PIP} --query "ipAddress" -o tsv`)).trim();
    assert.match(publicIp, /^\d+\.\d+\.\d+\.\d+$/);
    for (const spelling of ['privateIPAddress', 'privateIpAddress']) {
      const shown = `network firewall show -g ${RG} -n ${FW} --query "ipConfigurations[0].${spelling}" -o tsv`;
      assert.equal(await ok(shown), '10.42.2.4\n');
    }
  });

  test('route table and routes', async () => {
    await ok(`network route-table create -g ${RG} --location eastus --name ${TABLE}`);
    const route = `network route-table route create -g ${RG} --route-table-name ${TABLE}`;
    await ok(
      `${route} --name aks-egress-fwrn --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.4`,
    );
    await ok(
      `${route} --name aks-egress-fwinternet --address-prefix ${publicIp}/32 --next-hop-type Internet`,
    );
    const list = `network route-table route list -g ${RG} --route-table-name ${TABLE} --query [].name -o tsv`;
    assert.deepEqual((await ok(list)).trim().split('\n').sort(), [
      'aks-egress-fwinternet',
      'aks-egress-fwrn',
    ]);
  });

  const rule = `network firewall network-rule create --resource-group ${RG} --firewall-name ${FW} --collection-name 'aksfwnr' --source-addresses '*'`;

  test('rules', async () => {
    for (const rest of [
      "--name 'apiudp' --protocols 'UDP' --destination-addresses AzureCloud.eastus --destination-ports 1194 --action allow --priority 100",
      "--name 'apitcp' --protocols 'TCP' --destination-addresses AzureCloud.eastus --destination-ports 9000",
      "--name 'time' --protocols 'UDP' --destination-fqdns 'ntp.ubuntu.com' --destination-ports 123",
      "--name 'ghcr' --protocols 'TCP' --destination-fqdns ghcr.io pkg-containers.githubusercontent.com --destination-ports '443'",
      "--name 'docker' --protocols 'TCP' --destination-fqdns docker.io registry-1.docker.io production.cloudflare.docker.com --destination-ports '443'",
    ]) {
      await ok(`${rule} ${rest}`);
    }
    await ok(
      `network firewall application-rule create -g ${RG} -f ${FW} -c 'aksfwar' -n 'fqdn' --source-addresses '*' --protocols 'http=80' 'https=443' --fqdn-tags "AzureKubernetesService" --action allow --priority 100`,
    );
    await ok(
      `network firewall nat-rule create --collection-name exampleset --destination-addresses ${publicIp} --destination-ports 80 --firewall-name ${FW} --name inboundrule --protocols Any --resource-group ${RG} --source-addresses '*' --translated-port 80 --action Dnat --priority 100 --translated-address 10.42.1.50`,
    );
    const collection = await json(
      `network firewall network-rule collection show -g ${RG} -f ${FW} -c aksfwnr`,
    );
    assert.equal((collection.rules as unknown[]).length, 5);
    assert.equal(collection.priority, 100);
  });

  test('the route table is associated, over HTTPS as in the shell of the lab', async () => {
    const subnet = `--resource-group ${RG} --vnet-name ${VNET} --name aks-subnet`;
    const update = `network vnet subnet update ${subnet} --route-table ${TABLE} --query routeTable.id -o tsv`;
    assert.match(await ok(update, true), /routeTables\/aks-egress-fwrt\n$/);
    const id = await ok(`network vnet subnet show ${subnet} --query id -o tsv`, true);
    assert.match(id, /virtualNetworks\/aks-egress-vnet\/subnets\/aks-subnet\n$/);
  });

  test('rules added by eight processes at once all arrive', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `at-once-${index}`);
    const rest = '--protocols TCP --destination-addresses 10.9.0.0/16 --destination-ports 22';
    await Promise.all(names.map(name => ok(`${rule} --name ${name} ${rest}`)));
    const list = `network firewall network-rule list -g ${RG} -f ${FW} -c aksfwnr --query rules[].name -o tsv`;
    const found = (await ok(list)).split('\n');
    for (const name of names) assert.ok(found.includes(name), `${name} was lost`);
  });

  test('refusals of the server keep their code, and nothing else is on standard error', async () => {
    const cases: readonly (readonly [string, number, RegExp])[] = [
      [`network vnet show -g ${RG} -n none`, 3, /^\(ResourceNotFound\) /],
      ['group show -n none', 3, /^\(ResourceGroupNotFound\) /],
      [
        `network vnet subnet create -g ${RG} --vnet-name ${VNET} -n x --address-prefix 10.99.0.0/24`,
        1,
        /^\(\w+\) /,
      ],
      [
        `${rule} --name time --protocols UDP --destination-fqdns ntp.ubuntu.com --destination-ports 123`,
        1,
        /^\(\w+\) /,
      ],
      [`network public-ip delete -g ${RG} -n ${PIP}`, 1, /^\(\w+\) /],
    ];
    for (const [line, expected, pattern] of cases) {
      const { status, stdout, stderr } = await api.az(words(line));
      assert.deepEqual({ line, status, stdout }, { line, status: expected, stdout: '' });
      assert.match(stderr, pattern);
      const [, code] = /^\((\w+)\)/.exec(stderr) ?? [];
      assert.match(stderr, new RegExp(`\\nCode: ${code}\\nMessage: `));
    }
  });

  test('lists, tags and updates', async () => {
    const tags = await ok('network firewall list-fqdn-tags --query [].fqdnTagName -o tsv');
    assert.match(tags, /AzureKubernetesService/);
    const prefixes = await ok(
      `network list-service-tags --location eastus --query "values[?name=='AzureCloud.eastus'].properties.addressPrefixes[]" -o tsv`,
    );
    assert.match(prefixes, /^20\.42\.0\.0\/17\n/);
    const updated = await json(
      `network firewall update -g ${RG} -n ${FW} --threat-intel-mode deny --dns-servers 10.42.1.9 --tags team=net`,
    );
    assert.equal(updated.threatIntelMode, 'Deny');
    assert.deepEqual(updated.tags, { team: 'net' });
    assert.equal((updated.networkRuleCollections as unknown[]).length, 1);
    const servers = `network vnet update -g ${RG} -n ${VNET} --dns-servers 10.42.2.4 --query dhcpOptions.dnsServers`;
    assert.equal(await ok(`${servers} -o tsv`), '10.42.2.4\n');
    assert.match(
      await ok('network firewall list -o table'),
      /^Location +Name +ProvisioningState +ResourceGroup/,
    );
    const yaml = await ok(`network firewall show -g ${RG} -n ${FW} -o yaml`);
    assert.match(yaml, /^additionalProperties:\n {2}Network\.DNS\.EnableProxy: 'true'\n/);
  });

  test('the group is deleted after a yes, and not without', async () => {
    const refused = await api.az(words(`group delete --name ${RG}`));
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /--yes/);
    assert.equal(await ok(`group exists -n ${RG}`), 'true\n');
    const { status, stderr } = await api.az(words(`group delete --name ${RG}`), { input: 'y\n' });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.equal(await ok(`group exists -n ${RG}`), 'false\n');
    assert.equal((await api.az(words(`group delete --name ${RG} --yes`))).status, 3);
  });
});

test('a slow apply is waited for, and a failed one is an error', async () => {
  let state: 'Pending' | 'Failed' = 'Pending';
  const settle = async () =>
    state === 'Pending' ? { state } : { state, message: 'The gateway refused it.' };
  await using api = await RealApi.start({ settle, settleTimeoutMs: 10 });
  await succeed(api, `group create -n ${RG} -l eastus`);
  const subnet = '--subnet-name AzureFirewallSubnet --subnet-prefixes 10.0.2.0/24';
  await succeed(api, `network vnet create -g ${RG} -n ${VNET} ${subnet}`);
  await succeed(api, `network public-ip create -g ${RG} -n ${PIP}`);
  const create = `network firewall create -g ${RG} -n ${FW} --conf-name config --public-ip ${PIP} --vnet-name ${VNET}`;
  assert.equal(await succeed(api, `${create} --no-wait`), '');
  setTimeout(() => {
    state = 'Failed';
    // What the controller does when a gateway refuses a program.
    const { store } = api;
    const [firewall] = store.list({ type: 'Microsoft.Network/azureFirewalls' });
    assert.ok(firewall);
    const { document } = firewall;
    store.put({ ...document, properties: { ...document.properties, provisioningState: 'Failed' } });
  }, 800);
  const failed = await api.az(words(`network firewall update -g ${RG} -n ${FW} --threat-intel-mode Off`));
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^\(\w+\) .*The gateway refused it\./);
});

test('a wrong token is refused with the code of the API and status 1', async () => {
  await using api = await RealApi.start();
  api.writeToken('nonsense');
  const { status, stderr } = await api.az(['group', 'list']);
  assert.equal(status, 1);
  assert.match(stderr, /^\(\w*[Aa]uth\w*\) /);
});

test('a certificate that the CA did not sign is named as what it is', async () => {
  await using api = await RealApi.start();
  await using other = await RealApi.start();
  api.trustCaOf(other);
  const { status, stderr } = await api.az(['group', 'list'], { https: true });
  assert.equal(status, 1);
  assert.match(stderr, /^https:\/\/127\.0\.0\.1:\d+ shows a certificate that .*ca\.pem does not vouch for/);
});

test('a reader that leaves early is no error', async () => {
  await using api = await RealApi.start();
  await succeed(api, `group create -n ${RG} -l eastus`);
  const { status, stderr } = await api.pipeToNobody(['network', 'list-service-tags', '-l', 'eastus']);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

test("the project's own script of the sequence runs as it is", async () => {
  await using api = await RealApi.start();
  const path = new URL('../../examples/egress.sh', import.meta.url).pathname;
  const { status, stderr } = await api.script(path);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});
