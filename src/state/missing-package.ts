// Why something cannot be done where Postern is installed without its optional packages, and what brings them. The library and
// whatever reads files do without: what they import is among the dependencies that every installation has.

const BRINGS = 'npm install --include=optional brings them, on Linux.';

/** The error of an `import` in words. Undefined for errors of any other kind. */
export function missingPackage(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  const name = /'([^']+)'/.exec(error.message)?.[1];
  if (error.code === 'ERR_MODULE_NOT_FOUND')
    return /^Cannot find package /.test(error.message)
      ? `the package '${name}' is not installed. Labs and gateways need Postern's optional packages: ${BRINGS}`
      : undefined;
  if (error.code === 'ERR_UNKNOWN_BUILTIN_MODULE')
    return `it needs Node 24, one of Postern's optional packages, and this is Node ${process.versions.node}: ${BRINGS}`;
  return undefined;
}
