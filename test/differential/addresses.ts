// How the three machines of the kernel test are joined, and the packets that mark the end of a burst. Pure.

import { addressOf } from './world.ts';

export const MAC = {
  client: '02:00:00:00:01:02',
  gatewayInside: '02:00:00:00:01:01',
  gatewayOutside: '02:00:00:00:02:01',
  server: '02:00:00:00:02:02',
} as const;

export const LINK = {
  client: '172.31.255.2',
  gatewayInside: '172.31.255.1',
  gatewayOutside: '10.254.1.1',
  server: '10.254.1.2',
} as const;

/** Source ports of our own packets; those of real connections lie above. */
export const FIRST_PORT = 20_000;
export const LAST_PORT = 31_999;

export const macBytes = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');

/**
 * A sentinel leaves after a burst on the same way; when it has arrived, what has not arrived was not let through. Two clauses
 * that no random rule comes near are put before those of every program (harness.ts).
 */
export const SENTINEL = {
  source: addressOf('10.42.255.254'),
  outsideSource: addressOf('198.18.0.254'),
  outside: addressOf('10.250.250.250'),
  inside: addressOf('10.42.255.250'),
  /** Public port that leads to `inside`, and the one that leads to `outside`. */
  toInsidePort: 65_001,
  toOutsidePort: 65_002,
} as const;

/** The kernel hands over log messages by the hundred. */
export const LOG_BATCH = 100;
