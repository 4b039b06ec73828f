// Azure's numbers, each as src/model/limits.ts has it. A limit without a proof here does not compile.

import { AZURE_LIMITS, RULE_NAME_LENGTH } from '#model/limits.ts';
import { type Proof, proofLink, table } from './feature.ts';

type LimitName = keyof typeof AZURE_LIMITS;

const proof = (file: string, title: string): Proof => ({ file, title });

const COUNTS = 'src/model/limits.test.ts';

export const LIMIT_PROOFS: Readonly<Record<LimitName, Proof>> = {
  priority: proof('src/model/rule-collection-group.test.ts', 'priorities run from 100 to 65000'),
  applicationPort: proof(
    'src/model/rule-collection-group.test.ts',
    'ports end at 64000 in application rules and at 63999 in NAT rules',
  ),
  natPort: proof(
    'src/model/rule-collection-group.test.ts',
    'ports end at 64000 in application rules and at 63999 in NAT rules',
  ),
  collectionNameLength: proof(
    'src/model/firewall-faults.test.ts',
    'a collection has a name, a priority from 100 to 65000 and an action',
  ),
  firewallNameLength: proof('src/model/firewall-faults.test.ts', 'firewall name'),
  publicIps: proof(COUNTS, '250 public IPs'),
  publicIpsAndNatDestinations: proof(COUNTS, '250 public IPs and NAT destinations'),
  ruleCollections: proof(COUNTS, '2,000 rule collections'),
  groupsPerPolicy: proof(
    'src/compiler/resolve-policy.test.ts',
    'limits count what all policies of the chain come to',
  ),
  groupBytes: proof('src/model/rule-collection-group.test.ts', 'a group has at most 2 MB'),
  ipGroups: proof(COUNTS, '200 IP groups, by id in any case'),
  ipGroupEntries: proof(COUNTS, 'an IP group has at most 5,000 entries'),
  dnsServers: proof('src/model/firewall-policy.test.ts', 'sixteen DNS servers'),
  networkFqdns: proof(COUNTS, '1,000 network FQDNs are advice'),
  sourcesTimesDestinations: proof(
    COUNTS,
    '20,000 pairs of source and destination are advice, counted with and without ports',
  ),
};

const number = (value: number) => value.toLocaleString('en-US');
/** Ports and priorities are written without commas. */
const bound = (value: number) => (value > 65535 ? number(value) : `${value}`);
/** Links of sources are shown by the name of their page. */
const source = (text: string) =>
  text.replaceAll(
    /https:\/\/learn\.microsoft\.com\/azure\/\S*?([^/\s;:#]+)(#[^\s;:]*)?(?=[\s;:]|$)/g,
    link => `[${link.replace(/#.*/, '').replace(/^.*\//, '')}](${link})`,
  );

export function limitsTable(): string {
  const rows = Object.entries(AZURE_LIMITS).map(([name, limit]) => {
    const advised = 'advised' in limit && limit.advised;
    return [
      limit.what,
      'most' in limit ? number(limit.most) : `${limit.first} to ${limit.last}`,
      advised ? 'a warning' : 'refused',
      'otherwise' in limit
        ? `${limit.otherwise.first} to ${bound(limit.otherwise.last)}`
        : advised
          ? 'no warning'
          : 'no limit',
      source(limit.source),
      proofLink(LIMIT_PROOFS[name as LimitName]),
    ];
  });
  return table(
    ['Limit', 'Value', 'Beyond it', 'With `--no-azure-limits`', 'Source', 'Proof'],
    [
      ...rows,
      [
        'Characters in the name of a rule',
        number(RULE_NAME_LENGTH),
        'refused',
        'the same: the bound is ours, log lines carry these names',
        'Azure states none',
        proofLink(proof('src/model/firewall-rule-faults.test.ts', 'rule name of 257 characters')),
      ],
    ],
  );
}
