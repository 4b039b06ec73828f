// What the readers of src/model say to a document that is right but for one property that Postern does not have.

import { Faults, JsonReader } from '#arm/json-reader.ts';
import { application, faultsOf, firewall } from '#model/firewall-fixture.ts';
import { policy, policyFaults } from '#model/policy-fixture.ts';
import { readPublicIp } from '#model/public-ip.ts';
import { readSubnet, readVirtualNetwork } from '#model/virtual-network.ts';

/** A value that says more than "off", for a property of any kind. */
const SOMETHING = { mode: 'On', isEnabled: true, enableExplicitProxy: true, id: 'x' };

type Reader = (property: string) => readonly { readonly code: string; readonly message: string }[];

const READERS: Readonly<Record<string, Reader>> = {
  firewall: name => faultsOf(firewall({ [name]: SOMETHING })),
  'firewall, `additionalProperties`': name =>
    faultsOf(firewall({ additionalProperties: { [name]: 'true', 'Network.DNS.EnableProxy': 'true' } })),
  'firewall policy': name => {
    const [outer = '', inner] = name.split('.');
    if (inner === 'autoLearnPrivateRanges') return policyFaults(policy({ snat: { [inner]: 'Enabled' } }));
    if (inner !== undefined) return policyFaults(policy({ [outer]: { [inner]: true } }));
    const ofPolicy = ['identity', 'extendedLocation'].includes(name);
    return policyFaults(ofPolicy ? policy({}, { [name]: SOMETHING }) : policy({ [name]: SOMETHING }));
  },
  'application rule': name =>
    faultsOf(application({ [name]: name === 'terminateTLS' ? true : [{ name: 'x' }] })),
  'virtual network': name => read(reader => readVirtualNetwork(reader, undefined), nested(name)),
  subnet: name => read(reader => readSubnet(reader), { name: 's', properties: nested(name) }),
  'public IP address': name => read(reader => readPublicIp(reader), nested(name)),
};

/** `a.b` becomes `{a: {b: ...}}`. */
function nested(path: string): Record<string, unknown> {
  const [outer = '', inner] = path.split('.');
  return { [outer]: inner === undefined ? SOMETHING : { [inner]: SOMETHING } };
}

function read(reader: (json: JsonReader) => unknown, value: unknown) {
  const faults = new Faults();
  reader(new JsonReader(value, '', faults));
  return faults.list;
}

/** The message; undefined where nothing is refused by name. */
export function refusalOf({
  resource,
  property,
}: {
  resource: string;
  property: string;
}): string | undefined {
  const faults = READERS[resource]?.(property) ?? [];
  const name = property.includes('Network.') ? property : (property.split('.').at(-1) ?? '');
  return faults.find(({ code, message }) => code === 'UnsupportedProperty' && message.includes(`'${name}'`))
    ?.message;
}
