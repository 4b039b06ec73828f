// The settings that a firewall and a firewall policy both have, by the same flags.

import type { Argument } from '../spec.ts';

const DNS_SECTION = 'DNS Arguments';

export const threatIntelMode: Argument = {
  key: 'threatIntelMode',
  flags: ['--threat-intel-mode'],
  choices: ['Alert', 'Deny', 'Off'],
  help: 'What threat intelligence does with a match.',
};

export const privateRanges: Argument = {
  key: 'privateRanges',
  flags: ['--private-ranges'],
  kind: 'list',
  help: 'Space-separated destinations that see the real source address: addresses, prefixes, IANAPrivateRanges.',
};

export const dnsSettings: readonly Argument[] = [
  {
    key: 'dnsServers',
    flags: ['--dns-servers'],
    kind: 'list',
    help: 'Space-separated addresses of the DNS servers that the firewall asks. "" is Azure DNS.',
    section: DNS_SECTION,
  },
  {
    key: 'enableDnsProxy',
    flags: ['--enable-dns-proxy'],
    kind: 'boolean',
    help: 'Answer DNS on port 53 of the private address of the firewall.',
    section: DNS_SECTION,
  },
];
