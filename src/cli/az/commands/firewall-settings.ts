// The settings of a firewall that create and update share: their arguments, what is refused, and where each stands in the
// document. Settings that Azure keeps among `additionalProperties` as strings (DNS, private ranges) are written as Azure's
// CLI writes them.

import { tags } from '../arguments.ts';
import type { Arm, ArmObject } from '../arm.ts';
import { AzError, isRecord } from '../errors.ts';
import type { Argument, Values } from '../spec.ts';
import { given, isNothing } from './fields.ts';
import { dnsSettings, privateRanges, threatIntelMode } from './shared-settings.ts';

export const settings: readonly Argument[] = [
  {
    key: 'firewallPolicy',
    flags: ['--firewall-policy', '--policy'],
    help: 'Name or id of the firewall policy that the firewall follows. "" takes it away.',
  },
  threatIntelMode,
  privateRanges,
  ...dnsSettings,
  tags,
];

const noExplicitProxy = 'clients reach the firewall by their route; there is no proxy to name.';
const noScaling = 'the gateway takes what the machine has.';
export const refused = {
  '--virtual-hub': 'there are no virtual hubs.',
  '--vhub': 'there are no virtual hubs.',
  '--public-ip-count': 'there are no virtual hubs; use az network firewall ip-config create.',
  '--count': 'there are no virtual hubs; use az network firewall ip-config create.',
  '--public-ips': 'there are no virtual hubs; use az network firewall ip-config delete.',
  '--allow-active-ftp': 'FTP is not followed into its data connections.',
  '--enable-fat-flow-logging': 'every decision is logged already.',
  '--fat-flow-logging': 'every decision is logged already.',
  '--enable-udp-log-optimization': 'every decision is logged already.',
  '--udp-log-optimization': 'every decision is logged already.',
  '--enable-dnstap-logging': 'DNS questions are logged already.',
  '--enable-explicit-proxy': noExplicitProxy,
  '--enable-pac-file': noExplicitProxy,
  '--http-port': noExplicitProxy,
  '--https-port': noExplicitProxy,
  '--pac-file': noExplicitProxy,
  '--pac-file-port': noExplicitProxy,
  '--max-capacity': noScaling,
  '--min-capacity': noScaling,
  '--route-server-id': 'there is no route server.',
  '--edge-zone': 'there are no edge zones.',
  '--m-conf-name': 'the firewall is managed from outside its data path.',
  '--m-public-ip': 'the firewall is managed from outside its data path.',
  '--ids': 'name the firewall with --name and --resource-group.',
};

/** The id that the command line names, empty where the policy is taken away. DNS settings are the policy's then. */
export function policyId(arm: Arm, values: Values): string | undefined {
  const given = values.optional('firewallPolicy');
  if (given === undefined) return undefined;
  if (isNothing(given)) return '';
  if (values.boolean('enableDnsProxy') || values.list('dnsServers')?.length) {
    throw new AzError(
      'usage error: firewall policy and dns settings cannot co-exist.',
      1,
      'The policy has its own: az network firewall policy update --enable-dns-proxy --dns-servers',
    );
  }
  return arm.networkId(given, values.text('resourceGroup'), 'firewallPolicies');
}

export function withPolicy(properties: ArmObject, policy: string | undefined): ArmObject {
  if (policy === undefined) return properties;
  const { firewallPolicy: _, ...others } = properties;
  return policy === '' ? others : { ...others, firewallPolicy: { id: policy } };
}

/** The strings that the command line gives; an empty one means that the setting goes back to its default. */
export function additionalProperties(values: Values): Record<string, string> {
  const proxy = values.boolean('enableDnsProxy');
  return given({
    'Network.DNS.EnableProxy': proxy === undefined ? undefined : String(proxy),
    'Network.DNS.Servers': values.list('dnsServers')?.join(','),
    'Network.SNAT.PrivateRanges': values.list('privateRanges')?.join(', '),
  }) as Record<string, string>;
}

/** The firewall's `properties` with some of the strings replaced, and the empty ones taken away. */
export function withAdditionalProperties(
  properties: ArmObject,
  changes: Readonly<Record<string, string>>,
): ArmObject {
  const before = isRecord(properties.additionalProperties) ? properties.additionalProperties : {};
  const after = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== '');
  return { ...properties, additionalProperties: Object.fromEntries(after) };
}
