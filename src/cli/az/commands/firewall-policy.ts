// az network firewall policy: the settings of a firewall policy. Its rules are in rule collection groups, which have
// commands of their own.

import { location, named, noWait, resourceGroup, tags } from '../arguments.ts';
import type { ArmObject } from '../arm.ts';
import { isRecord } from '../errors.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, isNullWord, propertiesOf, requireUpdate, updatedTags } from './fields.ts';
import { dnsSettings, privateRanges, threatIntelMode } from './shared-settings.ts';
import { deleteCommand, listCommand, showCommand } from './standard.ts';

const kind = { type: 'firewallPolicies', noun: 'firewall policy' };

const SNAT_SECTION = 'Snat Arguments';
const ALLOWLIST_SECTION = 'Threat Intel Allowlist Arguments';

const settings: readonly Argument[] = [
  { key: 'sku', flags: ['--sku'], choices: ['Basic', 'Premium', 'Standard'], help: 'Tier of the policy.' },
  { key: 'sql', flags: ['--sql'], kind: 'boolean', help: 'Let SQL connections be redirected.' },
  threatIntelMode,
  tags,
  ...dnsSettings,
  {
    key: 'autoLearn',
    flags: ['--learn-ranges', '--auto-learn-private-ranges'],
    choices: ['Disabled', 'Enabled'],
    help: 'Whether private ranges are learned by themselves.',
    section: SNAT_SECTION,
  },
  { ...privateRanges, section: SNAT_SECTION },
  {
    key: 'fqdns',
    flags: ['--fqdns'],
    kind: 'list',
    help: 'Space-separated FQDNs that threat intelligence never stops.',
    section: ALLOWLIST_SECTION,
  },
  {
    key: 'ipAddresses',
    flags: ['--ip-addresses'],
    kind: 'list',
    help: 'Space-separated IPv4 addresses that threat intelligence never stops.',
    section: ALLOWLIST_SECTION,
  },
];

const noTls = 'connections are never decrypted.';
const noIdps = 'there is no intrusion detection.';
const refused = {
  '--cert-name': noTls,
  '--key-vault-secret-id': noTls,
  '--identity': 'Postern has no identities.',
  '--explicit-proxy': 'clients reach the firewall by their route; there is no proxy to name.',
  '--idps-mode': noIdps,
  '--idps-profile': noIdps,
};

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a firewall policy.',
    arguments: [
      named('firewall policy'),
      resourceGroup,
      {
        key: 'basePolicy',
        flags: ['--base-policy'],
        help: 'Name or id of the parent, whose rules come first and cannot be overruled.',
      },
      location,
      noWait,
      ...settings,
    ],
    refused,
    examples: [
      'az network firewall policy create -g aks-egress-rg -n aks-egress-policy --enable-dns-proxy true --threat-intel-mode Deny',
      'az network firewall policy create -g aks-egress-rg -n team-policy --base-policy aks-egress-policy',
    ],
    async run({ arm, values }) {
      const group = values.text('resourceGroup');
      const parent = values.optional('basePolicy');
      // As Azure's CLI: servers alone say that the proxy is off.
      const enableProxy = values.boolean('enableDnsProxy') ?? (values.has('dnsServers') ? false : undefined);
      const body = given({
        location: await arm.locationFor(group, values.optional('location')),
        tags: values.tags(),
        properties: withSettings(
          parent ? { basePolicy: { id: arm.networkId(parent, group, kind.type) } } : {},
          values,
          enableProxy,
        ),
      });
      const path = arm.networkPath(group, kind.type, values.text('name'));
      return presentResource(await arm.put(path, body, { noWait: values.switch('noWait') }));
    },
  },
  deleteCommand(kind),
  listCommand(kind),
  showCommand({
    ...kind,
    showRefused: { '--expand': 'rules are shown by az network firewall policy rule-collection-group list.' },
  }),
  {
    name: 'update',
    summary: 'Change the settings of a firewall policy.',
    arguments: [named('firewall policy'), resourceGroup, noWait, ...settings, ...genericUpdate],
    refused: { ...refused, '--ids': 'name the policy with --name and --resource-group.' },
    examples: [
      'az network firewall policy update -g aks-egress-rg -n aks-egress-policy --threat-intel-mode Alert',
      'az network firewall policy update -g aks-egress-rg -n aks-egress-policy --add snat.privateRanges 192.0.2.0/24',
    ],
    async run({ arm, values }) {
      const newTags = values.tags();
      requireUpdate(
        values,
        { ...withSettings({}, values, values.boolean('enableDnsProxy')), ...given({ newTags }) },
        '--dns-servers, --enable-dns-proxy, --fqdns, --ip-addresses, --learn-ranges, --private-ranges, --sku, --sql, --tags, --threat-intel-mode',
      );
      const change = (policy: ArmObject): ArmObject => ({
        ...policy,
        ...updatedTags(policy, newTags),
        properties: withSettings(propertiesOf(policy), values, values.boolean('enableDnsProxy')),
      });
      const path = arm.networkPath(values.text('resourceGroup'), kind.type, values.text('name'));
      const options = { noWait: values.switch('noWait') };
      return presentResource(await arm.edit(path, thenUpdates(values, change), options));
    },
  },
];

/** The `properties` with what the command line gives; the rest of each part stays. */
function withSettings(before: ArmObject, values: Values, enableProxy: boolean | undefined): ArmObject {
  const parts = {
    dnsSettings: { enableProxy, servers: values.list('dnsServers') },
    sku: { tier: values.optional('sku') },
    snat: {
      autoLearnPrivateRanges: values.optional('autoLearn'),
      privateRanges: values.list('privateRanges'),
    },
    sql: { allowSqlRedirect: values.boolean('sql') },
    threatIntelWhitelist: { fqdns: values.list('fqdns'), ipAddresses: values.list('ipAddresses') },
  };
  const after: ArmObject = { ...before, ...given({ threatIntelMode: values.optional('threatIntelMode') }) };
  for (const [name, part] of Object.entries(parts)) {
    const changes = given(part);
    if (Object.keys(changes).length === 0) continue;
    const merged = { ...(isRecord(before[name]) ? before[name] : {}), ...changes };
    after[name] = Object.fromEntries(Object.entries(merged).filter(([, value]) => !isNullWord(value)));
  }
  return after;
}
