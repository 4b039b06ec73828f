// Run by the doctor in a network namespace of its own: asks the kernel for what the data plane asks it for.

import { SystemNetlink } from '#netlink/kernel-netlink.ts';

const netlink = new SystemNetlink();
netlink.tableExists('postern');
netlink.listByMark(0x10000000, 0xf0000000);
const reader = await netlink.openLog(
  1,
  () => {},
  error => {
    throw error;
  },
);
await reader.close();
netlink.close();
