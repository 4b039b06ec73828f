// Firewalls in the API. The model judges rules and settings; here the references are checked, read-only values kept
// over PUTs that lack them, and the members added that clients rely on.

import { formatEtag } from '#arm/etag.ts';
import { type Faults, isObject, type Json } from '#arm/json-reader.ts';
import { formatResourceId, parentOfId, parseResourceId, sameId } from '#arm/resource-id.ts';
import { FIREWALL_TYPE, parseAzureFirewall } from '#model/firewall.ts';
import { CODES } from '#model/firewall-codes.ts';
import { FIREWALL_POLICY_TYPE } from '#model/firewall-policy.ts';
import { PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import {
  FIREWALL_SUBNET,
  firstUsableAddress,
  type Subnet,
  toVirtualNetwork,
} from '#model/virtual-network.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import type { ArmDocument, ResourceStore, StoredResource } from '#store/resource-store.ts';
import { lookupOf } from './model-lookup.ts';
import { policyIdOf } from './policy-graph.ts';
import { tierFits, tierOf } from './policy-tiers.ts';
import {
  configurationsInSubnet,
  configurationsWithPublicIp,
  hasDataPath,
  ipConfigurationsOf,
  isOfType,
} from './references.ts';
import { objectsOf, writtenProperties } from './request-body.ts';
import { invalidReference, type KindContext, type ResourceKind } from './resource-kind.ts';
import { faultsOfWrite } from './whole-policies.ts';

const COLLECTIONS = ['networkRuleCollections', 'applicationRuleCollections', 'natRuleCollections'] as const;

/** Azure Firewall needs room for its instances (learn.microsoft.com/azure/firewall/firewall-faq, 2025). */
const LONGEST_FIREWALL_PREFIX = 26;

export const firewalls: ResourceKind = {
  type: FIREWALL_TYPE,
  deletionRank: 0,

  read({ envelope, body, reader, before }, context) {
    const { diagnostics } = parseAzureFirewall({ ...body, name: envelope.name }, lookupOf(context));
    if (diagnostics) reader.faults.addAll(diagnostics);
    const zones = reader.texts('zones');
    const properties = writtenProperties(body, ['ipGroups']);
    const policyId = policyIdOf({ ...envelope, properties });
    const policy = policyId === undefined ? undefined : context.store.get(policyId)?.document;
    const document: ArmDocument = {
      ...envelope,
      ...(zones === undefined || zones.length === 0 ? {} : { zones }),
      properties: {
        threatIntelMode: 'Alert',
        additionalProperties: {},
        ...properties,
        ...(policy === undefined ? {} : { firewallPolicy: { id: policy.id } }),
        sku: {
          name: 'AZFW_VNet',
          tier: 'Standard',
          ...(isObject(properties.sku) ? properties.sku : skuBeside(body)),
        },
        ...Object.fromEntries(COLLECTIONS.map(name => [name, storedCollections(properties[name])])),
      },
    };
    const ipConfigurations = storedConfigurations(document, before, context.store);
    return {
      ...document,
      properties: {
        ...document.properties,
        ipConfigurations,
        // Without an IP configuration there is nothing to apply; otherwise the controller says when it is.
        provisioningState: ipConfigurations.length === 0 ? 'Succeeded' : 'Updating',
      },
    };
  },

  check(after, _before, faults, context) {
    checkPolicy(after, faults, context);
    ipConfigurationsOf(after).forEach(({ name, subnetId, publicIpId }, index, all) => {
      const path = `properties.ipConfigurations[${index}].properties`;
      if (subnetId !== undefined) checkSubnet(after, name, subnetId, `${path}.subnet`, faults, context.store);
      if (publicIpId === undefined) return;
      checkPublicIp(after, name, publicIpId, `${path}.publicIPAddress`, faults, context.store);
      const twin = all.find(
        (other, at) => at < index && other.publicIpId && sameId(other.publicIpId, publicIpId),
      );
      if (twin) faults.list.push(publicIpInUse(`${path}.publicIPAddress`, after.id, publicIpId, twin.id));
    });
    if (faults.list.length === 0 && policyIdOf(after) !== undefined && hasDataPath(after))
      faults.addAll(faultsOfWrite(after, [after], context));
  },

  showProperties(resource) {
    return showFirewallProperties(resource);
  },

  blockDeletion: () => undefined,

  affectedFirewalls: () => [],
};

/** Exported templates have the SKU beside the properties, where the model accepts it too. */
function skuBeside(body: Json): Json {
  return isObject(body.sku) ? body.sku : {};
}

/** What clients send back of what the service added is not stored: ids, etags, states. */
function storedCollections(value: unknown): unknown[] {
  return objectsOf(value).map(({ id: _id, etag: _etag, type: _type, properties, ...rest }) => {
    const { provisioningState: _state, ...inner } = isObject(properties) ? properties : {};
    return { ...rest, properties: inner };
  });
}

/** References in their canonical spelling; the private address is kept, or is the first usable one of the subnet. */
function storedConfigurations(
  document: ArmDocument,
  before: ArmDocument | undefined,
  store: ResourceStore,
): unknown[] {
  const earlier = before ? ipConfigurationsOf(before) : [];
  return ipConfigurationsOf(document).map(({ name, subnetId, publicIpId }) => {
    const old = earlier.find(candidate => candidate.name.toLowerCase() === name.toLowerCase());
    const subnet = subnetId === undefined ? undefined : findSubnet(store, subnetId)?.subnet;
    const kept =
      old?.subnetId && subnetId && sameId(old.subnetId, subnetId) ? old.privateIPAddress : undefined;
    const privateIPAddress = kept ?? (subnet && formatIpv4(firstUsableAddress(subnet.prefix)));
    return {
      name: old?.name ?? name,
      properties: {
        ...(privateIPAddress === undefined ? {} : { privateIPAddress }),
        ...(subnetId === undefined ? {} : { subnet: { id: subnet?.id ?? subnetId } }),
        ...(publicIpId === undefined
          ? {}
          : { publicIPAddress: { id: store.get(publicIpId)?.document.id ?? publicIpId } }),
      },
    };
  });
}

/** A policy may stand in another group and region than its firewalls; its tier must fit theirs. */
function checkPolicy(firewall: ArmDocument, faults: Faults, { store }: KindContext): void {
  const id = policyIdOf(firewall);
  if (id === undefined) return;
  const target = 'properties.firewallPolicy';
  const policy = store.get(id)?.document;
  if (!policy || !isOfType(policy, FIREWALL_POLICY_TYPE)) {
    faults.add(
      'InvalidResourceReference',
      target,
      `The firewall policy ${id}, which firewall '${firewall.name}' refers to, was not found.`,
    );
    return;
  }
  const [tier, policyTier] = [tierOf(firewall), tierOf(policy)];
  if (!tierFits(policyTier, tier))
    faults.add(
      CODES.policyTier,
      target,
      `Policy ${policy.id} has the tier ${policyTier}, which a firewall of tier ${tier} cannot run. A Standard policy fits Standard and Premium firewalls, the others their own tier only.`,
    );
}

function findSubnet(store: ResourceStore, id: string): { network: ArmDocument; subnet: Subnet } | undefined {
  const parsed = parseResourceId(id);
  const parent = parsed && parentOfId(parsed);
  const network = parent && store.get(formatResourceId(parent))?.document;
  const subnet = network && toVirtualNetwork(network).subnets.find(candidate => sameId(candidate.id, id));
  return network && subnet ? { network, subnet } : undefined;
}

function checkSubnet(
  firewall: ArmDocument,
  configuration: string,
  id: string,
  target: string,
  faults: Faults,
  store: ResourceStore,
): void {
  const referrer = `IP configuration '${configuration}'`;
  const name = id.split('/').at(-1) ?? '';
  if (name.toLowerCase() !== FIREWALL_SUBNET.toLowerCase()) {
    faults.add(
      'SubnetNameMustBeAzureFirewallSubnet',
      target,
      `${referrer} names the subnet '${name}'. Azure Firewall can only be created in a subnet called '${FIREWALL_SUBNET}'.`,
    );
    return;
  }
  const found = findSubnet(store, id);
  if (!found || found.network.location !== firewall.location) {
    faults.list.push(invalidReference(target, id, referrer));
    return;
  }
  if (found.subnet.prefix.length > LONGEST_FIREWALL_PREFIX)
    faults.add(
      'AzureFirewallSubnetTooSmall',
      target,
      `The subnet ${id} has the prefix length /${found.subnet.prefix.length}; a firewall needs /${LONGEST_FIREWALL_PREFIX} or larger.`,
    );
  const other = configurationsInSubnet(store, id).find(user => !belongsTo(user.id, firewall.id));
  if (other)
    faults.add(
      'AzureFirewallSubnetInUse',
      target,
      `The subnet ${id} has a firewall already: ${other.id}. One subnet holds one.`,
    );
}

function checkPublicIp(
  firewall: ArmDocument,
  configuration: string,
  id: string,
  target: string,
  faults: Faults,
  store: ResourceStore,
): void {
  const document = store.get(id)?.document;
  if (!document || !isOfType(document, PUBLIC_IP_TYPE) || document.location !== firewall.location) {
    faults.list.push(invalidReference(target, id, `IP configuration '${configuration}'`));
    return;
  }
  if (document.sku?.name !== undefined && document.sku.name !== 'Standard')
    faults.add(
      'AzureFirewallPublicIPAddressMustBeStandardSku',
      target,
      `The public IP address ${id} has the SKU ${document.sku.name}; a firewall takes Standard.`,
    );
  const other = configurationsWithPublicIp(store, id).find(user => !belongsTo(user.id, firewall.id));
  if (other) faults.list.push(publicIpInUse(target, firewall.id, id, other.id));
}

function publicIpInUse(target: string, firewallId: string, id: string, userId: string) {
  const message = `Resource ${firewallId} refers to the public IP address ${id}, which is already allocated to ${userId}.`;
  return { code: 'PublicIPAddressInUse', target, message };
}

function belongsTo(configurationId: string, firewallId: string): boolean {
  return configurationId.toLowerCase().startsWith(`${firewallId.toLowerCase()}/`);
}

function showFirewallProperties({ document, revision }: StoredResource): Json {
  const etag = formatEtag(revision);
  const { properties } = document;
  const provisioningState = properties.provisioningState ?? 'Succeeded';
  const show = (list: unknown, word: string, type: string | undefined, extra: Json = {}): Json[] =>
    objectsOf(list).map(item => ({
      ...item,
      id: `${document.id}/${word}/${item.name}`,
      etag,
      ...(type === undefined ? {} : { type }),
      properties: { ...(isObject(item.properties) ? item.properties : {}), ...extra, provisioningState },
    }));
  const configurationType = `${FIREWALL_TYPE}/azureFirewallIpConfigurations`;
  return {
    sku: { name: 'AZFW_VNet', tier: 'Standard' },
    threatIntelMode: 'Alert',
    additionalProperties: {},
    ...properties,
    ipConfigurations: show(properties.ipConfigurations, 'azureFirewallIpConfigurations', configurationType, {
      privateIPAllocationMethod: 'Dynamic',
    }),
    ...Object.fromEntries(COLLECTIONS.map(name => [name, show(properties[name], name, undefined)])),
  };
}
