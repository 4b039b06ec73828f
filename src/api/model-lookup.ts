// What the model asks of everything else while it reads a document: tags as they are now, resources as they are stored,
// and whether Azure's limits hold.

import { idKey } from '#arm/resource-id.ts';
import type { FirewallLookup } from '#model/firewall.ts';
import { IP_GROUP_TYPE } from '#model/ip-group.ts';
import { addressOfPublicIp, PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import { policyOptionsOf } from './options.ts';
import { isOfType } from './references.ts';
import type { KindContext } from './resource-kind.ts';

export function lookupOf({ store, options }: KindContext): FirewallLookup {
  const facts = options.facts();
  const ipGroups = new Map<string, boolean>();
  return {
    azureLimits: policyOptionsOf(options).azureLimits,
    serviceTagName: name => facts.serviceTagName(name),
    fqdnTagName: name => facts.fqdnTagName(name),
    hasIpGroup: id => {
      const known = ipGroups.get(idKey(id)) ?? isOfType(store.get(id)?.document, IP_GROUP_TYPE);
      ipGroups.set(idKey(id), known);
      return known;
    },
    publicAddressOf: id => {
      const document = store.get(id)?.document;
      return document && isOfType(document, PUBLIC_IP_TYPE) ? addressOfPublicIp(document) : undefined;
    },
  };
}
