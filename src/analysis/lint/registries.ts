// Image registries that send their clients on to other hosts: a pull needs all of them. Only what the registries document.

import { matchesFqdn, parseFqdnPattern } from '#net/fqdn.ts';
import { aboutRule, type LintContext } from './context.ts';
import { listed } from './coverage-findings.ts';
import type { LintFinding } from './finding.ts';
import { holdsPort } from './internet.ts';
import type { PlacedRule } from './written-rules.ts';

interface Registry {
  readonly title: string;
  /** Who is allowed one of these wants to pull. */
  readonly hosts: readonly string[];
  /** What a pull needs; of each list one is enough. */
  readonly needs: readonly (readonly string[])[];
  readonly source: string;
}

const REGISTRIES: readonly Registry[] = [
  {
    title: 'Docker Hub',
    hosts: ['registry-1.docker.io', 'docker.io', 'index.docker.io'],
    needs: [
      ['registry-1.docker.io'],
      ['auth.docker.io'],
      ['production.cloudflare.docker.com'],
      ['production.cloudfront.docker.com'],
      ['docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com'],
    ],
    source: 'https://docs.docker.com/desktop/setup/allow-list/',
  },
  {
    title: "GitHub's registry",
    hosts: ['ghcr.io'],
    needs: [['pkg-containers.githubusercontent.com']],
    source: 'https://docs.github.com/actions/reference/runners/self-hosted-runners',
  },
  {
    title: "Microsoft's registry",
    hosts: ['mcr.microsoft.com'],
    needs: [['*.data.mcr.microsoft.com']],
    source: 'https://learn.microsoft.com/azure/aks/outbound-rules-control-egress',
  },
  {
    title: 'Quay',
    hosts: ['quay.io'],
    needs: [['cdn.quay.io'], ['cdn01.quay.io'], ['cdn02.quay.io'], ['cdn03.quay.io']],
    source: 'https://docs.redhat.com/documentation/openshift_container_platform, configuring your firewall',
  },
];

/** Judged by what the rules write: whether an earlier rule denies is what other checks are for. */
export function checkRegistries({ rules }: LintContext): LintFinding[] {
  const allowing = rules.filter(rule => rule.action === 'Allow' && isForTls(rule));
  const named = allowing.filter(rule => writes(rule).length > 0);
  return REGISTRIES.flatMap(({ title, hosts, needs, source }) => {
    const first = named.find(rule => writes(rule).some(name => hosts.includes(name)));
    if (!first) return [];
    const missing = needs
      .filter(list => !list.some(host => allowing.some(rule => allows(rule, host))))
      .flat();
    if (missing.length === 0) return [];
    const others = named.filter(rule => rule !== first && writes(rule).some(name => hosts.includes(name)));
    return [
      aboutRule('registry-incomplete', first, {
        reason: `It allows ${listed(writes(first).filter(name => hosts.includes(name)))} of ${title}, whose clients also need ${listed(missing, 5)}: pulls can fail.`,
        fix: `Allow ${missing.join(', ')} as well, by an application rule (${source}).`,
        related: others.map(({ ref }) => ref),
      }),
    ];
  });
}

function isForTls(rule: PlacedRule): boolean {
  if (rule.pass === 'network')
    return (
      rule.rule.protocols.some(protocol => protocol === 'TCP' || protocol === 'Any') &&
      holdsPort(rule.rule.destinationPorts, 443)
    );
  if (rule.pass !== 'application') return false;
  const { protocols } = rule.rule;
  return (
    protocols.length === 0 || protocols.some(({ protocol, port }) => protocol === 'Https' && port === 443)
  );
}

/** Plain names only: a wildcard is not a wish for one registry. */
function writes(rule: PlacedRule): string[] {
  if (rule.pass === 'network') return [...rule.rule.destinationFqdns];
  if (rule.pass !== 'application') return [];
  return rule.rule.targetFqdns.flatMap(pattern => (pattern.kind === 'exact' ? [pattern.name] : []));
}

function allows(rule: PlacedRule, host: string): boolean {
  if (rule.pass === 'network')
    return (
      rule.rule.destinationFqdns.includes(host) ||
      rule.rule.destinations.ranges.some(({ first, last }) => first <= 0x01000000 && last >= 0xdfffffff)
    );
  if (rule.pass !== 'application') return false;
  const wanted = parseFqdnPattern(host);
  // What stands for any name below a wildcard.
  const witness = wanted?.kind === 'suffix' ? `~${wanted.suffix}` : host;
  return (
    rule.rule.targetFqdns.some(pattern => matchesFqdn(pattern, witness)) ||
    // The tag holds Microsoft's registry.
    (rule.rule.fqdnTags.includes('AzureKubernetesService') && host.endsWith('mcr.microsoft.com'))
  );
}
