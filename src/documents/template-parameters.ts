// Values for a template's parameters: files as `az deployment group create --parameters` takes them, and `KEY=VALUE`. Pure.

import { isObject } from '#arm/json-reader.ts';

/** Exactly one of the three. */
export interface GivenParameter {
  readonly value?: unknown;
  /** From a command line: what type it is says the template. */
  readonly text?: string;
  /** Why there is no value although the parameter is named. */
  readonly refused?: string;
}

/** The schema of a file that holds nothing but values. */
export function isParameterFile(value: unknown): boolean {
  return (
    isObject(value) && typeof value.$schema === 'string' && /deploymentParameters\.json/i.test(value.$schema)
  );
}

/** `KEY=VALUE`; undefined for what must be a file. */
export function parseGivenParameter(text: string): readonly [string, GivenParameter] | undefined {
  const match = /^([A-Za-z_][\w-]*)=(.*)$/s.exec(text);
  return match ? [match[1] ?? '', { text: match[2] ?? '' }] : undefined;
}

/** The values of a parameter file, with or without the wrapping that names its schema. Throws for what is none. */
export function parametersInFile(value: unknown): [string, GivenParameter][] {
  const members = isObject(value) && isObject(value.parameters) ? value.parameters : value;
  if (!isObject(members))
    throw new Error('expected a parameter file: {"parameters": {"NAME": {"value": ...}}}');
  return Object.entries(members)
    .filter(([name]) => members !== value || (name !== '$schema' && name !== 'contentVersion'))
    .map(([name, member]) => {
      if (isObject(member) && 'value' in member) return [name, { value: member.value }];
      if (isObject(member) && 'reference' in member)
        return [name, { refused: 'its value is in a key vault; give it: --parameters' }];
      throw new Error(`'${name}' must be {"value": ...}`);
    });
}
