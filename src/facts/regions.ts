// Azure's service-tag file shortens some regions (`AzureCloud.norwaye`) and turns others round (`centralfrance`), and
// not in all tags alike (`ApiManagement.FranceCentral`). People write the location that the rest of Azure knows.

/** The file's spelling and the location's. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['brazilne', 'brazilnortheast'],
  ['brazilse', 'brazilsoutheast'],
  ['centralfrance', 'francecentral'],
  ['chilec', 'chilecentral'],
  ['germanyn', 'germanynorth'],
  ['germanywc', 'germanywestcentral'],
  ['norwaye', 'norwayeast'],
  ['norwayw', 'norwaywest'],
  ['southfrance', 'francesouth'],
  ['switzerlandn', 'switzerlandnorth'],
  ['switzerlandw', 'switzerlandwest'],
];

const OTHER_SPELLING = new Map(
  PAIRS.flatMap(([file, location]) => [[file, location] as const, [location, file] as const]),
);
const LOCATION_OF = new Map(PAIRS);

/** `AzureCloud.norwayeast` for `azurecloud.norwaye` and the reverse, lower case; undefined if there is only one. */
export function otherSpelling(tagName: string): string | undefined {
  const lower = tagName.toLowerCase();
  const dot = lower.lastIndexOf('.');
  const other = dot < 0 ? undefined : OTHER_SPELLING.get(lower.slice(dot + 1));
  return other && `${lower.slice(0, dot)}.${other}`;
}

/** The location that Azure's other services call this region. */
export function locationOf(region: string): string {
  return LOCATION_OF.get(region) ?? region;
}
