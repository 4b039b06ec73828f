// Why a command cannot start where Postern is installed without its optional packages, and what brings them. The offline
// commands do without: what they import is among the dependencies that every installation has.

/** Undefined for errors of any other kind. */
export function missingPackage(error: unknown, command: string): string | undefined {
  const lack = lackOf(error);
  if (lack === undefined) return undefined;
  return `postern ${command}: ${lack}. Only offline commands do without Postern's optional packages: npm install --include=optional brings them, on Linux.`;
}

function lackOf(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  const name = /'([^']+)'/.exec(error.message)?.[1];
  if (error.code === 'ERR_MODULE_NOT_FOUND')
    return /^Cannot find package /.test(error.message) ? `the package '${name}' is not installed` : undefined;
  if (error.code === 'ERR_UNKNOWN_BUILTIN_MODULE')
    return `it needs Node 24, and this is Node ${process.versions.node}`;
  return undefined;
}
