// What an AKS cluster must reach, by cloud and feature: destinations, ports and conditions, without sentences of anybody. The
// file is JSON with one need a line, so that a change of it can be read. Pure.

import { BadFactsFile } from './compact-file.ts';

const FORMAT = 'postern-aks-outbound-1';

export const AKS_CLOUDS = ['AzureCloud', 'AzureChinaCloud', 'AzureUSGovernment'] as const;
export type AksCloud = (typeof AKS_CLOUDS)[number];

/** In a name or service tag: the cluster's region. */
export const AKS_REGION = '{region}';
/** Destinations that only the cluster's owner knows. */
export const API_SERVER = '{api-server}';
export const DNS_SERVER = '{dns-server}';

/** When a need does not arise. */
export type AksException =
  | 'private-cluster'
  /** The tunnel is konnectivity's, as in clusters of today. */
  | 'konnectivity'
  /** Nodes created after March 2021. */
  | 'newer-nodes';

export interface AksNeed {
  /** `core`, or what brings the need. */
  readonly feature: string;
  /** A name or pattern; a service tag; `*`, `{api-server}` or `{dns-server}`. */
  readonly kind: 'fqdn' | 'serviceTag' | 'address';
  readonly destination: string;
  readonly protocol: 'Http' | 'Https' | 'TCP' | 'UDP';
  readonly port: number;
  readonly purpose: string;
  /** False: recommended, or needed by some only. */
  readonly required: boolean;
  /** Needs of one feature with the same word are alternatives: one is enough. */
  readonly oneOf?: string;
  readonly notFor?: readonly AksException[];
}

export interface AksOutbound {
  readonly origin: string;
  readonly date: string;
  readonly clouds: Readonly<Record<AksCloud, readonly AksNeed[]>>;
}

export function printAksOutbound({ origin, date, clouds }: AksOutbound): string {
  const lists = AKS_CLOUDS.map(
    cloud => `${JSON.stringify(cloud)}: [\n${clouds[cloud].map(need => JSON.stringify(need)).join(',\n')}\n]`,
  );
  return `{\n"format": ${JSON.stringify(FORMAT)},\n"origin": ${JSON.stringify(origin)},\n"date": ${JSON.stringify(date)},\n"clouds": {\n${lists.join(',\n')}\n}\n}\n`;
}

/** Throws `BadFactsFile`. */
export function parseAksOutbound(text: string): AksOutbound {
  let value: AksOutbound & { readonly format: string };
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BadFactsFile('it is not JSON', { cause });
  }
  if (value.format !== FORMAT) throw new BadFactsFile(`its format is ${value.format}, not ${FORMAT}`);
  const { origin, date, clouds } = value;
  return { origin, date, clouds };
}

/** The features of a cloud beyond `core`, in order. */
export function aksFeatures({ clouds }: AksOutbound, cloud: AksCloud): string[] {
  return [...new Set(clouds[cloud].map(({ feature }) => feature))].filter(feature => feature !== 'core');
}
