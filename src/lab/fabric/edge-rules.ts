// Default outbound access of a VNet: its hosts' packets leave with one public address that nobody chose and nothing can
// be sent to (https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access).

/** An nft script that replaces the table as a whole. */
export function edgeRules(outside: string, address: string): string {
  return `add table ip edge
flush table ip edge
table ip edge {
  chain unasked {
    type filter hook prerouting priority filter; policy accept;
    iifname "${outside}" ct state { new, invalid } drop
  }
  chain outbound {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${outside}" snat to ${address}
  }
}
`;
}
