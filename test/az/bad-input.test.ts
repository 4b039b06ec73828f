// Bad input, typed: each row is refused with its code, names the field that is wrong, and leaves every resource as it was.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RealApi } from './real-api.ts';

const GROUP = 'bad-rg';
const VERSION = 'api-version=2024-05-01';
const ANY = '--source-addresses *';
const NETWORK = `firewall network-rule create -f fw --collection-name new --name r --priority 500 --action Allow ${ANY}`;
const APPLICATION = `firewall application-rule create -f fw --collection-name new --name r --priority 500 --action Allow ${ANY}`;
const NAT = `firewall nat-rule create -f fw --collection-name new --name r --priority 500 --action Dnat ${ANY}`;
const TO = '--protocols TCP --destination-addresses 192.0.2.1';
const IN_RULE = 'fw --collection-name taken';

/** What is typed after `az network`, the exit status, the code, and the field or value that the message names. */
type Row = readonly [line: string, status: number, code: string, names: RegExp];

const ROWS: readonly Row[] = [
  // Subnets and addresses.
  [
    'vnet subnet create --vnet-name vnet -n x --address-prefixes 10.43.0.0/24',
    1,
    'NetcfgSubnetRangeOutsideVnet',
    /'x'.*10\.43\.0\.0\/24/,
  ],
  [
    'vnet subnet create --vnet-name vnet -n x --address-prefixes 10.42.1.128/25',
    1,
    'NetcfgSubnetRangesOverlap',
    /'x'.*'apps'/,
  ],
  ['vnet subnet create --vnet-name vnet -n x --address-prefixes 10.42.9.0/33', 1, '\\w+', /10\.42\.9\.0\/33/],
  ['vnet create -n bad_name- --address-prefixes 10.9.0.0/16', 1, '\\w+', /bad_name-/],
  [
    'firewall ip-config create -f other -n c --public-ip-address free --vnet-name small',
    1,
    'AzureFirewallSubnetTooSmall',
    /\/27.*\/26/,
  ],
  [
    'firewall ip-config create -f other -n c --public-ip-address free --vnet-name none',
    1,
    'InvalidResourceReference',
    /AzureFirewallSubnet/,
  ],
  [
    'firewall ip-config create -f other -n c --public-ip-address used --vnet-name vnet',
    1,
    '\\w+',
    /used|AzureFirewallSubnet/,
  ],
  // Collections: priority, action, names.
  [
    `${NETWORK.replace('500', '99')} ${TO} --destination-ports 80`,
    1,
    'AzureFirewallRuleCollectionInvalidPriority',
    /priority 99/,
  ],
  [
    `${NETWORK.replace('500', '65001')} ${TO} --destination-ports 80`,
    1,
    'AzureFirewallRuleCollectionInvalidPriority',
    /priority 65001/,
  ],
  [
    `${NETWORK.replace('500', '100')} ${TO} --destination-ports 80`,
    1,
    'AzureFirewallRuleCollectionDuplicatePriority',
    /'taken'/,
  ],
  [
    `${NETWORK.replace('--collection-name new', '--collection-name new-')} ${TO} --destination-ports 80`,
    1,
    '\\w+',
    /'new-'/,
  ],
  [
    `${NETWORK.replace('--name r', `--name ${'long'.repeat(65)}`)} ${TO} --destination-ports 80`,
    1,
    '\\w+',
    /'(long)+'.*256/,
  ],
  [
    `firewall network-rule create -f ${IN_RULE} --name r ${ANY} ${TO} --destination-ports 80`,
    1,
    '\\w+',
    /'r'/,
  ],
  // Addresses, names and tags.
  [
    `${NETWORK} --protocols TCP --destination-addresses example.org --destination-ports 80`,
    1,
    'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
    /example\.org.*destinationFqdns/,
  ],
  [
    `${NETWORK} --protocols TCP --destination-addresses NoSuchTag --destination-ports 80`,
    1,
    'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
    /NoSuchTag/,
  ],
  [
    `${NETWORK} --protocols TCP --destination-addresses 10.0.0.0/40 --destination-ports 80`,
    1,
    'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
    /10\.0\.0\.0\/40/,
  ],
  [
    `${NETWORK} --protocols TCP --destination-addresses 10.0.0.9-10.0.0.1 --destination-ports 80`,
    1,
    'AzureFirewallRuleInvalidIpAddressOrRangeFormat',
    /10\.0\.0\.9-10\.0\.0\.1/,
  ],
  [
    `${NETWORK} --protocols TCP --destination-fqdns *.example.org --destination-ports 80`,
    1,
    'AzureFirewallRuleInvalidFqdn',
    /destinationFqdns/,
  ],
  [
    `${NETWORK} ${TO} --destination-ports 70000`,
    1,
    'AzureFirewallRuleInvalidPortOrRangeFormat',
    /70000.*destinationPorts/,
  ],
  [`${NETWORK} ${TO} --destination-ports 90-80`, 1, 'AzureFirewallRuleInvalidPortOrRangeFormat', /90-80/],
  [
    `${NETWORK.replace(ANY, '--source-ip-groups none')} ${TO} --destination-ports 80`,
    1,
    'InvalidResourceReference',
    /sourceIpGroups/,
  ],
  [
    `${APPLICATION} --protocols http=80 --target-fqdns a.*.org`,
    1,
    'AzureFirewallRuleInvalidFqdn',
    /a\.\*\.org.*targetFqdns/,
  ],
  [
    `${APPLICATION} --protocols http=80 --fqdn-tags NoSuchTag`,
    1,
    'AzureFirewallRuleInvalidFqdnTag',
    /NoSuchTag.*fqdnTags/,
  ],
  [
    `${APPLICATION} --protocols http=64001 --target-fqdns a.org`,
    1,
    'AzureFirewallRuleInvalidPortOrRangeFormat',
    /64001/,
  ],
  [`${APPLICATION} --protocols mysql=3306 --target-fqdns a.org`, 1, '\\w+', /Mysql/],
  ['firewall create -n new --firewall-policy p', 1, 'InvalidResourceReference', /firewallPolicies\/p/],
  ['firewall policy create -n p --base-policy none', 1, '\\w+', /firewallPolicies\/none/],
  ['firewall policy create -n p --private-ranges 10.0.0.0/33', 1, '\\w+', /10\.0\.0\.0\/33/],
  // NAT.
  [
    `${NAT} --protocols TCP --destination-addresses 192.0.2.1 --destination-ports 80 --translated-address 10.42.1.9 --translated-port 80`,
    1,
    'AzureFirewallRuleInvalidDnatDestinationAddress',
    /192\.0\.2\.1/,
  ],
  [
    `${NAT} --protocols TCP --destination-addresses PUBLIC --destination-ports 64000 --translated-address 10.42.1.9 --translated-port 80`,
    1,
    'AzureFirewallRuleInvalidDnatPortOrRangeFormat',
    /64000/,
  ],
  [
    `${NAT} --protocols TCP --destination-addresses PUBLIC --destination-ports 80 --translated-port 80`,
    1,
    'AzureFirewallRuleInvalidDnatTranslation',
    /translatedAddress.*translatedFqdn/,
  ],
  [
    `${NAT} --protocols TCP --destination-addresses PUBLIC --destination-ports 80 --translated-address 10.42.1.9 --translated-fqdn a.org --translated-port 80`,
    1,
    'AzureFirewallRuleInvalidDnatTranslation',
    /both/,
  ],
  // What is in use.
  ['public-ip delete -n used', 1, 'PublicIPAddressCannotBeDeleted', /used/],
  [
    'vnet subnet delete --vnet-name vnet -n AzureFirewallSubnet',
    1,
    'InUseSubnetCannotBeDeleted',
    /AzureFirewallSubnet/,
  ],
  ['vnet delete -n vnet', 1, 'InUseSubnetCannotBeDeleted', /AzureFirewallSubnet/],
  ['route-table delete -n rt', 1, 'InUseRouteTableCannotBeDeleted', /apps/],
  ['ip-group delete -n office --yes', 1, 'IpGroup\\w+', /office/],
  ['firewall ip-config delete -f fw -n config', 1, '\\w+', /second/],
  // Routes.
  [
    'route-table route create --route-table-name rt -n x --address-prefix 10.0.0.0/8 --next-hop-type VirtualAppliance',
    1,
    '\\w+',
    /nextHopIpAddress/,
  ],
  [
    'route-table route create --route-table-name rt -n x --address-prefix 10.0.0.0/99 --next-hop-type Internet',
    1,
    '\\w+',
    /10\.0\.0\.0\/99/,
  ],
];

/** Refused by `az` itself, status 2, with words instead of a code. */
const USAGE: readonly (readonly [line: string, names: RegExp])[] = [
  [
    `firewall network-rule create -f fw --collection-name new --name r ${ANY} ${TO} --destination-ports 80`,
    /--priority and --action/,
  ],
  [
    `firewall network-rule create -f fw --collection-name new --name r --priority 500 ${ANY} ${TO} --destination-ports 80`,
    /--action/,
  ],
  [
    `firewall network-rule create -f ${IN_RULE} --name s --priority 500 --action Allow ${ANY} ${TO} --destination-ports 80`,
    /--priority|--action/,
  ],
  [
    'firewall network-rule create -f fw --collection-name new --name r',
    /--destination-ports.*--protocols|--protocols.*--destination-ports/,
  ],
  ['firewall update -n fw --threat-intel-mode Sometimes', /--threat-intel-mode/],
  ['firewall update -n fw --enable-dns-proxy perhaps', /--enable-dns-proxy/],
  ['firewall create -n fw --virtual-hub h', /--virtual-hub/],
  ['firewall policy create -n p --idps-mode Alert', /--idps-mode/],
  ['firewall policy rule-collection-group create --policy-name p -n g', /--priority/],
  ['firewall create -n fw --zonez 1', /--zonez/],
  ['firewal list', /firewal/],
];

describe('bad input', () => {
  let api: RealApi;
  let publicIp = '';

  const az = (line: string) =>
    api.az(['network', ...line.replace('PUBLIC', publicIp).split(' '), '-g', GROUP]);
  /** Every resource with its etag. */
  const everything = () => JSON.stringify(api.store.list().map(({ document }) => document));

  before(async () => {
    api = await RealApi.start();
    assert.equal((await api.az(['group', 'create', '-n', GROUP, '-l', 'eastus'])).status, 0);
    for (const line of [
      'vnet create -n vnet --address-prefixes 10.42.0.0/16 --subnet-name apps --subnet-prefix 10.42.1.0/24',
      'vnet subnet create --vnet-name vnet -n AzureFirewallSubnet --address-prefix 10.42.2.0/26',
      'vnet create -n small --address-prefixes 10.50.0.0/16 --subnet-name AzureFirewallSubnet --subnet-prefix 10.50.0.0/27',
      'vnet create -n none --address-prefixes 10.51.0.0/16 --subnet-name FirewallSubnet --subnet-prefix 10.51.0.0/26',
      'public-ip create -n used --sku Standard',
      'public-ip create -n more --sku Standard',
      'public-ip create -n free --sku Standard',
      'ip-group create -n office --ip-addresses 10.42.1.0/24',
      'route-table create -n rt',
      'vnet subnet update --vnet-name vnet -n apps --route-table rt',
      'firewall create -n fw --enable-dns-proxy',
      'firewall create -n other',
      'firewall ip-config create -f fw -n config --public-ip-address used --vnet-name vnet',
      'firewall ip-config create -f fw -n second --public-ip-address more',
      `firewall network-rule create -f ${IN_RULE} --name r --priority 100 --action Allow --source-ip-groups office ${TO} --destination-ports 80`,
    ]) {
      const { status, stderr } = await az(line);
      assert.deepEqual({ line, status, stderr }, { line, status: 0, stderr: '' });
    }
    publicIp = (await az('public-ip show -n used --query ipAddress -o tsv')).stdout.trim();
  });
  after(() => api[Symbol.asyncDispose]());

  for (const [line, expected, code, names] of ROWS) {
    test(`az network ${line}`, async () => {
      const before = everything();
      const { status, stdout, stderr } = await az(line);
      assert.deepEqual({ status, stdout }, { status: expected, stdout: '' }, stderr);
      assert.match(stderr, new RegExp(`^\\(${code}\\) `));
      assert.match(stderr, names);
      assert.equal(everything(), before, 'something was applied');
    });
  }

  for (const [line, names] of USAGE) {
    test(`az network ${line}`, async () => {
      const before = everything();
      const { status, stdout, stderr } = await az(line);
      assert.deepEqual({ status, stdout }, { status: 2, stdout: '' }, stderr);
      assert.match(stderr, names);
      assert.equal(everything(), before, 'something was applied');
    });
  }

  interface Sent {
    readonly path?: string;
    readonly body?: string;
    readonly token?: string;
  }
  /** A request as no decent client sends it, over the real socket. */
  const send = ({ path = `${ID}?${VERSION}`, body, token }: Sent) =>
    new Promise<{ status: number; code: string }>((resolve, reject) => {
      const asked = request(
        {
          socketPath: join(api.folder, 'api.sock'),
          method: body === undefined ? 'GET' : 'PUT',
          path,
          headers: {
            ...(token === ''
              ? {}
              : {
                  authorization: `Bearer ${token ?? readFileSync(join(api.folder, 'token'), 'utf8').trim()}`,
                }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
        },
        async response => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          const { error } = JSON.parse(Buffer.concat(chunks).toString()) as { error: { code: string } };
          resolve({ status: response.statusCode ?? 0, code: error.code });
        },
      );
      asked.on('error', reject);
      asked.end(body);
    });
  const SUBSCRIPTION = '/subscriptions/00000000-0000-4000-8000-000000000001';
  const ID = `${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.Network/azureFirewalls/fw`;
  const requests: readonly (readonly [title: string, sent: Sent, status: number, code: RegExp])[] = [
    ['no api-version', { path: ID }, 400, /^MissingApiVersionParameter$/],
    [
      'an api-version that is no date',
      { path: `${ID}?api-version=soon` },
      400,
      /^InvalidApiVersionParameter$/,
    ],
    [
      'a type that there is not',
      { path: `${ID.replace('azureFirewalls', 'bastionHosts')}?${VERSION}` },
      404,
      /^InvalidResourceType$/,
    ],
    [
      'a namespace that there is not',
      { path: `${ID.replace('Network', 'Netwrk')}?${VERSION}` },
      400,
      /^NoRegisteredProviderFound$/,
    ],
    ['broken JSON', { body: '{"location": "eastus"' }, 400, /^Invalid/],
    ['JSON that is no object', { body: '[]' }, 400, /^Invalid/],
    [
      'a body beyond the bound',
      { body: JSON.stringify({ location: 'x'.repeat(5 * 1024 * 1024) }) },
      413,
      /^RequestTooLarge$/,
    ],
    ['no token', { token: '' }, 401, /^AuthenticationFailed$/],
    ['a token that is none', { token: 'a.b.c' }, 401, /^InvalidAuthenticationToken/],
  ];
  for (const [title, sent, status, code] of requests) {
    test(`over HTTP: ${title}`, async () => {
      const before = everything();
      const answer = await send(sent);
      assert.equal(answer.status, status, answer.code);
      assert.match(answer.code, code);
      assert.equal(everything(), before);
    });
  }
});
