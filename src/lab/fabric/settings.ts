// The kernel's settings in each kind of namespace. A firewall's belong to its gateway, as on any machine it runs on.

import type { NamespaceRole } from './plan.ts';

const ROUTING = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  // Nobody is told of a shorter way: in Azure every packet passes the fabric.
  'net/ipv4/conf/all/send_redirects': '0',
  'net/ipv4/conf/default/send_redirects': '0',
};

const IPV4_ONLY = {
  'net/ipv6/conf/all/disable_ipv6': '1',
  'net/ipv6/conf/default/disable_ipv6': '1',
};

const HOST = {
  'net/ipv4/conf/all/accept_redirects': '0',
  'net/ipv4/conf/default/accept_redirects': '0',
};

export function settingsOf(role: NamespaceRole): Readonly<Record<string, string>> {
  switch (role) {
    case 'router':
      return {
        ...ROUTING,
        ...IPV4_ONLY,
        'net/ipv4/conf/all/proxy_arp': '1',
        'net/ipv4/conf/default/proxy_arp': '1',
      };
    case 'edge':
      return { ...ROUTING, ...IPV4_ONLY };
    case 'internet':
      return { ...ROUTING, ...IPV4_ONLY, 'net/core/somaxconn': '16384' };
    case 'workstation':
      return { ...HOST, ...IPV4_ONLY };
    case 'host':
      return { ...HOST, 'net/core/somaxconn': '16384' };
    case 'firewall':
      return {};
  }
}
