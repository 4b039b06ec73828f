// How the user runs Postern, for hints that are to be typed: `postern` where it is on the path, else what was typed, such
// as `bin/postern`. bin/postern tells it, and children of a command inherit it.

export function commandName(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const name = env.POSTERN_COMMAND || 'postern';
  return /^[\w./~+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
