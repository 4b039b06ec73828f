// Fully qualified domain names and the wildcards Azure Firewall knows. Names are held lower-case and
// without the trailing dot. `*` is legal only at the left end and means anything at all, across dots
// (https://learn.microsoft.com/azure/firewall/firewall-faq).

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

export function normalizeFqdn(text: string): string {
  const name = text.trim().toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** A plain name without wildcard, at most 253 characters (RFC 1035 section 2.3.4). */
export function parseFqdn(text: string): string | undefined {
  const name = normalizeFqdn(text);
  if (name.length === 0 || name.length > 253) return undefined;
  return name.split('.').every(label => LABEL.test(label)) ? name : undefined;
}

/**
 * A name with at most one `*`, at its very left: `*`, `*.example.org` (not `example.org`) or
 * `*example.org` (`badexample.org` too). `suffix` is what the name must end with.
 * Published FQDN tags hold wildcards elsewhere (`gr-Prod-*.cloudapp.net`): for those, `parseTagPattern`.
 */
export type FqdnPattern =
  | { readonly kind: 'exact'; readonly name: string }
  | { readonly kind: 'suffix'; readonly suffix: string }
  | { readonly kind: 'inner'; readonly prefix: string; readonly suffix: string };

export function parseFqdnPattern(text: string): FqdnPattern | undefined {
  const pattern = normalizeFqdn(text);
  if (!pattern.startsWith('*')) {
    const name = parseFqdn(pattern);
    return name === undefined ? undefined : { kind: 'exact', name };
  }
  const suffix = pattern.slice(1);
  // `*.` would lose its dot and mean everything.
  if (suffix === '') return text.trim() === '*' ? { kind: 'suffix', suffix } : undefined;
  // A second dot at the end would be taken for the one that a full name may have.
  if (suffix.endsWith('.') || parseFqdn(`x${suffix}`) === undefined) return undefined;
  return { kind: 'suffix', suffix };
}

/** As `parseFqdnPattern`, and one `*` anywhere in the name, which published FQDN tags use. */
export function parseTagPattern(text: string): FqdnPattern | undefined {
  const pattern = normalizeFqdn(text);
  const star = pattern.indexOf('*');
  if (star <= 0) return parseFqdnPattern(text);
  if (pattern.indexOf('*', star + 1) >= 0 || parseFqdn(pattern.replace('*', 'x')) === undefined)
    return undefined;
  return { kind: 'inner', prefix: pattern.slice(0, star), suffix: pattern.slice(star + 1) };
}

export function formatFqdnPattern(pattern: FqdnPattern): string {
  switch (pattern.kind) {
    case 'exact':
      return pattern.name;
    case 'suffix':
      return `*${pattern.suffix}`;
    case 'inner':
      return `${pattern.prefix}*${pattern.suffix}`;
  }
}

/** `name` must be normalized. A wildcard stands for at least one character, except in `*` and `*name`. */
export function matchesFqdn(pattern: FqdnPattern, name: string): boolean {
  switch (pattern.kind) {
    case 'exact':
      return name === pattern.name;
    case 'suffix':
      return (
        name.endsWith(pattern.suffix) &&
        (name.length > pattern.suffix.length || !pattern.suffix.startsWith('.'))
      );
    case 'inner':
      return (
        name.length >= pattern.prefix.length + pattern.suffix.length &&
        name.startsWith(pattern.prefix) &&
        name.endsWith(pattern.suffix)
      );
  }
}
