// From documents to what they mean: a firewall with classic rules, a firewall with a policy, or a policy alone, together with
// everything they refer to, become one `ResolvedPolicy`. The control plane, the library and the offline commands all come
// through here, so that what is tested is what runs. Pure.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import type { Facts } from '#facts/facts.ts';
import type { PublicIp, ResolvedPolicy } from '#ir/policy.ts';
import type { Diagnostic } from '#ir/program.ts';
import { parseAzureFirewall } from '#model/firewall.ts';
import { IP_GROUP_TYPE, rangesOfIpGroup } from '#model/ip-group.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { addressOfPublicIp, PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import { lowerFirewall } from './lower-firewall.ts';

/** What tags stand for; `Facts` fits. */
export type TagFacts = Pick<Facts, 'serviceTag' | 'serviceTagName' | 'fqdnTag' | 'fqdnTagName'>;

export interface ResolveContext {
  readonly facts: TagFacts;
  readonly options: PolicyOptions;
}

export type Resolution =
  | {
      readonly policy: ResolvedPolicy;
      /** What does not stop the policy and its owner should know, such as DNS settings that a child does not inherit. */
      readonly warnings: readonly Diagnostic[];
      readonly faults?: undefined;
    }
  | {
      readonly policy?: undefined;
      /** All of them, each with the path in its document; `target` begins with the name of the resource where there are several. */
      readonly faults: readonly [Diagnostic, ...Diagnostic[]];
    };

/** `subject` is a firewall or a firewall policy. References that `documents` does not hold are faults, each by its id. */
export function resolvePolicy(
  subject: ArmDocument,
  documents: Documents,
  { facts, options }: ResolveContext,
): Resolution {
  void options;
  const typed = (id: string, type: string): ArmDocument | undefined => {
    const document = documents.get(id);
    return document?.type.toLowerCase() === type.toLowerCase() ? document : undefined;
  };
  const publicAddress = (id: string): PublicIp | undefined => {
    const document = typed(id, PUBLIC_IP_TYPE);
    const address = document && addressOfPublicIp(document);
    return document && address !== undefined ? { name: document.name, address } : undefined;
  };
  const parsed = parseAzureFirewall(subject, {
    serviceTagName: name => facts.serviceTagName(name),
    fqdnTagName: name => facts.fqdnTagName(name),
    hasIpGroup: id => typed(id, IP_GROUP_TYPE) !== undefined,
    publicAddressOf: id => publicAddress(id)?.address,
  });
  if (!parsed.firewall) return { faults: parsed.diagnostics };
  const { firewall } = parsed;
  const publicIps = firewall.ipConfigurations.map(({ publicIpId }) => publicAddress(publicIpId));
  const policy = lowerFirewall(
    { ...firewall, id: subject.id },
    {
      facts,
      ipGroups: id => {
        const group = typed(id, IP_GROUP_TYPE);
        return group && rangesOfIpGroup(group);
      },
      privateAddress: privateAddressOf(subject),
      publicIps: publicIps.filter(ip => ip !== undefined),
    },
  );
  return { policy, warnings: [] };
}

function privateAddressOf({ properties }: ArmDocument): number {
  const [first] = (properties.ipConfigurations ?? []) as { properties?: { privateIPAddress?: string } }[];
  return parseIpv4(first?.properties?.privateIPAddress ?? '') ?? 0;
}
