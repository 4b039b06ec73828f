// What can be done without a running gateway: load rules that forward nothing before there is a network, and remove
// what a killed gateway left behind.

import type { NftRunner } from '#nft/runner.ts';
import type { GatewayInterfaces } from '../data-plane.ts';
import { type HostSettings, removeRoutingRule } from './host-settings.ts';
import { Ruleset } from './ruleset.ts';

/** Nobody listens here: a proxied connection is reset, but nothing is handed to the proxy before there are rules. */
const NO_PROXY_PORT = 1;

export async function installClosed(runner: NftRunner, interfaces: GatewayInterfaces): Promise<void> {
  await new Ruleset(runner, () => {}).install({ interfaces, proxyPort: NO_PROXY_PORT });
}

/** The machine stops forwarding for us before the rules go. */
export async function removeLeftovers(runner: NftRunner, settings: HostSettings): Promise<void> {
  await settings.restore();
  await removeRoutingRule();
  await new Ruleset(runner, () => {}).remove();
}
