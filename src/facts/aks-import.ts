// Restates a list of AKS requirements, as collected from Microsoft's article, in the form that is shipped: destinations, ports
// and conditions are taken, sentences are not; what a destination is for is said here in words of our own. Pure.

import {
  AKS_CLOUDS,
  AKS_REGION,
  type AksException,
  type AksNeed,
  type AksOutbound,
  API_SERVER,
  DNS_SERVER,
} from './aks-outbound.ts';
import { BadFactsFile } from './compact-file.ts';

interface Entry {
  readonly fqdn?: string;
  readonly serviceTag?: string;
  readonly ip?: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS' | 'TCP' | 'UDP';
  readonly feature: string;
  readonly required: boolean;
  readonly oneOf?: string;
  readonly note?: string;
}

/** The first that fits counts. */
const PURPOSES: readonly (readonly [RegExp, string])[] = [
  [/ (1194|9000|22)$/, 'the tunnel through which the control plane reaches the nodes'],
  [/ 123$/, 'the time of Linux nodes'],
  [/ 53$/, 'names, where the network has DNS servers of its own'],
  [/\{api-server\} 443$/, 'pods that call the API server by its address'],
  [/\.(hcp|tun)\./, 'what nodes say to their API server'],
  [/\.data\.mcr\.|mcr-msedge/, 'the layers of images in the Microsoft registry'],
  [/mcr\./, 'images of the Microsoft registry'],
  [/^management\./, 'the Azure management API'],
  [/^login\./, 'sign-in with Microsoft Entra'],
  [/packages\.microsoft\.com/, 'packages of Microsoft for Linux'],
  [/azk8s\.cn|acs-mirror|packages\.aks/, 'Kubernetes and CNI binaries of new nodes'],
  [/ubuntu\.com/, 'security updates of Ubuntu nodes'],
  [/nvidia|download\.docker\.com/, 'drivers of GPU nodes'],
  [/onegetcdn|go\.microsoft|mp\.microsoft|msftconnecttest|windowsupdate/, 'Windows nodes'],
  [/vault\./, 'secrets in Key Vault'],
  [/\.ods\./, 'what agents send to Log Analytics'],
  [/\.oms\./, 'sign-on of agents to Log Analytics'],
  [/cloud\.defender/, 'security events of Defender'],
  [/^AzureMonitor/, 'all of Azure Monitor'],
  [/dc\.services\.visualstudio/, 'telemetry of the add-on'],
  [/applicationinsights/, 'Application Insights'],
  [/handler\.control\.monitor/, 'data collection rules'],
  [/ingest\.monitor|\.monitoring\.azure/, 'metrics and logs of containers'],
  [/policy\./, 'definitions and results of Azure Policy'],
  [/kubernetesconfiguration/, 'configuration of extensions'],
  [/arcmktplaceprod/, 'images of Marketplace extensions'],
  [/msftcloudes|microsoftmetrics/, 'metrics of extension agents'],
  [/marketplaceapi/, 'metering of Marketplace extensions'],
];

const ADDRESSES: Readonly<Record<string, string>> = {
  '*': '*',
  '<API_SERVER_PUBLIC_IP>': API_SERVER,
  '<CUSTOM_DNS_IP>': DNS_SERVER,
};

export function readAksRequirements(
  file: unknown,
  { origin, date }: { readonly origin: string; readonly date: string },
): AksOutbound {
  const { clouds } = file as { readonly clouds: Readonly<Record<string, readonly Entry[]>> };
  const read = AKS_CLOUDS.map(cloud => [cloud, (clouds[cloud] ?? []).flatMap(toNeed)] as const);
  return { origin, date, clouds: Object.fromEntries(read) as unknown as AksOutbound['clouds'] };
}

function toNeed(entry: Entry): AksNeed[] {
  // The prefixes of a region are what its service tag stands for.
  if (entry.ip === '<REGION_CIDRS>') return [];
  const { port, feature, required, oneOf, note = '' } = entry;
  const target = destinationOf(entry);
  const place = `${target.destination} ${port}`;
  const purpose = PURPOSES.find(([pattern]) => pattern.test(place))?.[1];
  if (purpose === undefined) throw new BadFactsFile(`nothing says what ${place} is for`);
  const notFor = exceptionsIn(note, target.destination);
  const words = { HTTP: 'Http', HTTPS: 'Https', TCP: 'TCP', UDP: 'UDP' } as const;
  return [
    {
      ...{ feature, ...target, protocol: words[entry.protocol], port, purpose, required },
      ...(oneOf !== undefined && { oneOf }),
      ...(notFor.length > 0 && { notFor }),
    },
  ];
}

function destinationOf({ fqdn, serviceTag, ip }: Entry): Pick<AksNeed, 'kind' | 'destination'> {
  const fill = (text: string) => text.replace(/<(location|region|cluster-region-name)>/i, AKS_REGION);
  if (serviceTag !== undefined) return { kind: 'serviceTag', destination: fill(serviceTag) };
  if (fqdn !== undefined)
    // The article prints the suffix alone; no vault has that name.
    return { kind: 'fqdn', destination: fqdn === 'vault.azure.net' ? '*.vault.azure.net' : fill(fqdn) };
  const destination = ADDRESSES[ip ?? ''];
  if (destination === undefined) throw new BadFactsFile(`'${ip}' is no destination`);
  return { kind: 'address', destination };
}

function exceptionsIn(note: string, destination: string): AksException[] {
  const exceptions: AksException[] = [];
  if (/private cluster/.test(note) && destination !== DNS_SERVER) exceptions.push('private-cluster');
  if (/konnectivity/.test(note)) exceptions.push('konnectivity');
  if (/March 2021/.test(note)) exceptions.push('newer-nodes');
  return exceptions;
}
