// The real Azure CLI logs in to a control plane and builds the network of the egress architecture, beside Postern's
// own `az` doing the same on another one: both must print the same and end alike, but for the differences that
// docs/real-az.md names, which are checked too. Run by `npm run test:real-az`.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Run, Side, whyNoRealAz, words } from './real-az.ts';

const skip = whyNoRealAz() ?? false;
const RG = 'aks-egress-rg';
const VNET = `-g ${RG} --vnet-name aks-egress-vnet`;
const TABLE = `-g ${RG} --route-table-name aks-egress-fwrt`;

describe('Azure CLI beside Postern’s own', { skip }, () => {
  const usersFolder = join(homedir(), '.azure');
  const hadUsersFolder = existsSync(usersFolder);
  let theirs: Side;
  let ours: Side;
  before(async () => {
    [theirs, ours] = await Promise.all([Side.start(), Side.start()]);
    await theirs.register();
  });
  after(async () => {
    await theirs[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
  });

  const both = async (line: string): Promise<[real: Run, own: Run]> =>
    await Promise.all([theirs.real(words(line)), ours.posterns(words(line))]);

  /** Runs the line with both and asserts that nobody could tell them apart. */
  async function same(line: string, status = 0): Promise<void> {
    const [real, own] = await both(line);
    assert.deepEqual({ line, status: real.status }, { line, status }, real.stderr);
    assert.deepEqual({ line, ...comparable(own) }, { line, ...comparable(real) });
  }

  test('login: a wrong secret is refused, the right one is taken', async () => {
    const refused = await theirs.login('wrong');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /The client secret is wrong; the file 'client-secret' in the state folder/);
    const { status, stdout, stderr } = await theirs.login(theirs.read('client-secret'));
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    const [subscription] = JSON.parse(stdout);
    assert.equal(subscription.name, 'Postern');
    assert.equal(subscription.state, 'Enabled');
  });

  for (const [title, lines] of Object.entries({
    'the network is built': [
      `group create --name ${RG} --location eastus`,
      `network vnet create --resource-group ${RG} --name aks-egress-vnet --location eastus --address-prefixes 10.42.0.0/16 --subnet-name aks-subnet --subnet-prefix 10.42.1.0/24`,
      `network vnet subnet create --resource-group ${RG} --vnet-name aks-egress-vnet --name AzureFirewallSubnet --address-prefix 10.42.2.0/24`,
      `network public-ip create --resource-group ${RG} -n aks-egress-fwpublicip --location eastus --sku Standard`,
      `network public-ip show --resource-group ${RG} --name aks-egress-fwpublicip --query ipAddress -o tsv`,
      `network route-table create --resource-group ${RG} --location eastus --name aks-egress-fwrt`,
      `network route-table route create --resource-group ${RG} --name aks-egress-fwrn --route-table-name aks-egress-fwrt --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.4`,
      `network route-table route create --resource-group ${RG} --name aks-egress-fwinternet --route-table-name aks-egress-fwrt --address-prefix 20.62.192.1/32 --next-hop-type Internet`,
      `network vnet subnet update --resource-group ${RG} --vnet-name aks-egress-vnet --name aks-subnet --route-table aks-egress-fwrt`,
      `network vnet subnet show --resource-group ${RG} --vnet-name aks-egress-vnet --name aks-subnet --query id -o tsv`,
    ],
    'what there is, in every format': [
      `group show -n ${RG} -o table`,
      'group list -o table',
      `group exists -n ${RG}`,
      'group exists -n none -o tsv',
      'account list -o table',
      "account list-locations --query '[?name==`eastus`]'",
      'network list-service-tags -l eastus --query values[0].{name:name,region:properties.region} -o table',
      `network vnet list -g ${RG}`,
      'network vnet list -o table',
      `network vnet show -g ${RG} -n aks-egress-vnet -o yaml`,
      `network vnet show -g ${RG} -n aks-egress-vnet -o table`,
      `network vnet subnet list ${VNET} -o table`,
      `network vnet subnet list ${VNET} -o tsv`,
      `network public-ip show -g ${RG} -n aks-egress-fwpublicip -o table`,
      'network public-ip list -o table',
      'network public-ip list -o tsv',
      `network route-table show -g ${RG} -n aks-egress-fwrt -o jsonc`,
      `network route-table list -g ${RG} -o table`,
      `network route-table route list ${TABLE} -o table`,
      `network route-table route show ${TABLE} -n aks-egress-fwrn -o tsv`,
      `network vnet show -g ${RG} -n aks-egress-vnet --query subnets[].[name,addressPrefix] -o tsv`,
      `network vnet show -g ${RG} -n aks-egress-vnet --query {b:name,a:location} -o table`,
      `network vnet show -g ${RG} -n aks-egress-vnet --query nothing`,
    ],
    'updates, and creating again': [
      `group update -n ${RG} --tags a=b c=`,
      `group create -n ${RG} -l eastus`,
      `network vnet update -g ${RG} -n aks-egress-vnet --dns-servers 10.42.2.4`,
      `network route-table update -g ${RG} -n aks-egress-fwrt --tags team=net cost=1`,
      `network route-table update -g ${RG} -n aks-egress-fwrt --tags cost=null owner=me`,
      `network route-table route create ${TABLE} -n other --address-prefix 10.9.0.0/16 --next-hop-type None`,
      `network route-table route update ${TABLE} -n other --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.5`,
      `network vnet subnet create ${VNET} -n third --address-prefixes 10.42.3.0/24 --no-wait`,
      `network vnet subnet update ${VNET} -n third --route-table aks-egress-fwrt`,
      `network vnet subnet update ${VNET} -n third --route-table null --query routeTable`,
      `network vnet update -g ${RG} -n aks-egress-vnet --set tags.a=b --add dhcpOptions.dnsServers 10.42.2.5 --remove dhcpOptions.dnsServers 0`,
      `network vnet update -g ${RG} -n aks-egress-vnet --set dhcpOptions.dnsServers[0]=10.42.2.6 tags.a=c`,
      `network vnet update -g ${RG} -n aks-egress-vnet --remove tags.a`,
      `network vnet update -g ${RG} -n aks-egress-vnet --remove dhcpOptions.dnsServers --add dhcp_options.dns_servers 10.42.2.4`,
      `network vnet subnet update ${VNET} -n third --set routeTable.id=/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/${RG}/providers/Microsoft.Network/routeTables/aks-egress-fwrt`,
      `network vnet subnet update ${VNET} -n third --remove routeTable`,
      `network vnet subnet delete ${VNET} -n third`,
      `network route-table route delete ${TABLE} -n other`,
    ],
  }))
    test(title, async () => {
      for (const line of lines) await same(line);
    });

  test('refusals: the same text and the same exit status', async () => {
    for (const [status, line] of [
      [3, 'group show -n none'],
      [3, 'group delete -n none --yes'],
      [3, `network vnet show -g ${RG} -n none`],
      [3, 'network vnet show -g none -n none'],
      [3, `network vnet subnet show ${VNET} -n none`],
      [3, `network public-ip show -g ${RG} -n none`],
      [3, `network route-table route show ${TABLE} -n none`],
      [3, 'network route-table list -g none'],
      [3, `network vnet subnet create -g ${RG} --vnet-name none -n x --address-prefixes 10.42.9.0/24`],
      [0, `network vnet delete -g ${RG} -n none`],
      [0, 'network route-table delete -g none -n none'],
      [3, 'network route-table delete -g none -n none --no-wait'],
      [1, `network route-table delete -g ${RG} -n aks-egress-fwrt`],
      [1, `network vnet subnet create ${VNET} -n x --address-prefixes 10.99.0.0/24`],
      [1, `network vnet subnet create ${VNET} -n x --address-prefixes nonsense`],
      [1, `network vnet subnet create ${VNET} -n x`],
      [1, `network vnet create -g ${RG} -n 'bad name'`],
      [
        1,
        `network route-table route create ${TABLE} -n x --address-prefix 0.0.0.0/0 --next-hop-type Internet`,
      ],
      [1, `network vnet subnet update ${VNET} -n aks-subnet --route-table none`],
      [1, `network vnet update -g ${RG} -n aks-egress-vnet --remove dhcpOptions.dnsServers 9`],
      [1, `network vnet update -g ${RG} -n aks-egress-vnet --set dhcpOptions.dnsServers[9]=10.42.2.4`],
      [1, `network vnet update -g ${RG} -n aks-egress-vnet --set subnets[name=none].id=x`],
      [1, `network vnet update -g ${RG} -n aks-egress-vnet --add dhcpOptions 3`],
      [1, `group create -n ${RG} -l westus`],
      [1, 'group create -n other -l nowhere'],
      [1, 'network list-service-tags -l nowhere'],
      [2, 'group show'],
      [
        2,
        `network route-table route create ${TABLE} -n x --address-prefix 1.0.0.0/8 --next-hop-type none-such`,
      ],
      [2, 'network vnet show -g a -n b --nonsense'],
      [2, 'network nonsense'],
      [2, `network vnet show -g ${RG} -n aks-egress-vnet --query '[bad'`],
    ] as const)
      await same(line, status);
  });

  test('lists are as short as was asked for', async () => {
    const names = async (line: string) => (await theirs.real(words(`${line} --query [].name -o tsv`))).stdout;
    await theirs.real(words('group create -n tagged -l eastus --tags team=net'));
    assert.equal(await names('group list --tag team=net'), 'tagged\n');
    assert.equal(
      await names(`resource list -g ${RG} --resource-type Microsoft.Network/routeTables`),
      'aks-egress-fwrt\n',
    );
    assert.equal(await names(`resource list -n aks-egress-vnet`), 'aks-egress-vnet\n');
    assert.equal(await names('resource list -g tagged'), '');
  });

  test('the differences that are documented', async () => {
    const table = await both(
      `network vnet create -g ${RG} -n extra --address-prefixes 10.50.0.0/16 -o table`,
    );
    assert.equal(table[0].stdout, '\n');
    assert.match(table[1].stdout, /^EnableDdosProtection /);
    const nothing = await both(`network vnet update -g ${RG} -n extra`);
    assert.deepEqual(statuses(nothing), [0, 2]);
    const unnamed = await both(`network vnet show -g ${RG}`);
    assert.deepEqual(statuses(unnamed), [1, 2]);
    const unasked = await both(`group delete -n ${RG}`);
    assert.deepEqual(statuses(unasked), [1, 1]);
    for (const { stderr } of unasked) assert.match(stderr, /Use --yes/);
    const route = `network route-table route update ${TABLE} -n aks-egress-fwrn`;
    const [kept, cleared] = await both(`${route} --next-hop-type Internet`);
    assert.match(kept.stderr, /InvalidRouteNextHopIpAddress/);
    assert.equal(cleared.status, 0, cleared.stderr);
    const [dynamic, standard] = await both(`network public-ip create -g ${RG} -n plain`);
    assert.match(dynamic.stderr, /\(StandardSkuPublicIPAddressMustBeStatic\) .* --sku Standard/);
    assert.equal(standard.status, 0, standard.stderr);
  });

  test('the group is deleted, waited for or not', async () => {
    await same('group create -n second -l eastus');
    await same('group delete -n second --yes --no-wait');
    await same(`group delete --name ${RG} --yes`);
    await same(`group exists -n ${RG}`);
    await same('group exists -n second');
  });

  test('the folder of the user’s own Azure CLI was left alone', () => {
    assert.equal(existsSync(usersFolder), hadUsersFolder);
  });
});

function statuses(runs: readonly Run[]): (number | null)[] {
  return runs.map(({ status }) => status);
}

/** Without what may differ: random ids, etags, the name of who logged in, and how Azure's CLI decorates errors. */
function comparable({ status, stdout, stderr }: Run): Run {
  const isUsage = status === 2;
  const lines = stderr
    .split('\n')
    .filter(line => !line.startsWith('WARNING: '))
    .map(line => line.replace(/^ERROR: /, ''));
  return {
    status,
    stdout: stdout
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, 'UUID')
      .replaceAll(/W\/\\?"[0-9a-f-]{36}\\?"/g, 'ETAG'),
    // After the first line of a usage error each gives advice of its own.
    stderr: (isUsage ? lines.slice(0, 1) : lines).join('\n').trim(),
  };
}
