// az network: what stands beside the groups.

import { location } from '../arguments.ts';
import { normalizeLocation } from '../arm.ts';
import { presentAsIs } from '../present.ts';
import type { Command } from '../spec.ts';

export const commands: readonly Command[] = [
  {
    name: 'list-service-tags',
    summary: 'List the service tags and their prefixes.',
    arguments: [
      { ...location, required: true, help: 'Any Azure region; the tags of all regions are listed.' },
    ],
    examples: [
      'az network list-service-tags -l eastus --query "values[?name==\'AzureCloud.eastus\'].properties.addressPrefixes[]" -o tsv',
    ],
    async run({ arm, values }) {
      const region = normalizeLocation(values.text('location'));
      return presentAsIs(await arm.get(arm.networkPath(undefined, 'locations', region, 'serviceTags')));
    },
  },
];
