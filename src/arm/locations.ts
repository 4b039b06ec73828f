// Names of Azure's public regions (az account list-locations, 2025), by which a location in a request is checked.
// `East US` and `eastus` are the same region; the second is what answers carry.

const REGIONS = `
  East US|East US 2|Central US|North Central US|South Central US|West US|West US 2|West US 3|West Central US
  Canada Central|Canada East|Brazil South|Brazil Southeast|Mexico Central|Chile Central
  North Europe|West Europe|UK South|UK West|France Central|France South|Germany West Central|Germany North
  Switzerland North|Switzerland West|Norway East|Norway West|Sweden Central|Sweden South|Poland Central
  Italy North|Spain Central|Austria East
  UAE North|UAE Central|Qatar Central|Israel Central|South Africa North|South Africa West
  East Asia|Southeast Asia|Japan East|Japan West|Korea Central|Korea South|Central India|South India|West India
  Jio India Central|Jio India West|Australia East|Australia Southeast|Australia Central|Australia Central 2
  New Zealand North|Indonesia Central|Malaysia West|Taiwan North
`;

/** Display names by name: `eastus` to `East US`. */
export const LOCATIONS: ReadonlyMap<string, string> = new Map(
  REGIONS.split(/[|\n]/)
    .map(name => name.trim())
    .filter(name => name !== '')
    .map(name => [normalizeLocation(name), name]),
);

export function normalizeLocation(text: string): string {
  return text.replaceAll(' ', '').toLowerCase();
}
