// The parameters, variables and own functions of a template, evaluated when something asks for them, so that a template with a
// secret nobody gave can still be read where the secret says nothing about a firewall.

import { pathOf } from './json-text.ts';
import { evaluateTree, type TemplateScope } from './template-evaluator.ts';
import { TemplateError } from './template-expression.ts';
import { isJsonObject, memberOf, shown } from './template-functions.ts';
import type { TemplateSite } from './template-ids.ts';
import type { GivenParameter } from './template-parameters.ts';
import { TemplateExhausted, type TemplateWork } from './template-work.ts';

/** Definitions that need each other; far above what people write, far below what the stack bears. */
const DEEPEST = 200;

/** Azure lets a function of a template call no other. */
const DEEPEST_CALLS = 50;

type JsonObject = Readonly<Record<string, unknown>>;

export interface TemplateValues {
  readonly template: JsonObject;
  readonly site: TemplateSite;
  /** By name in lower case. */
  readonly given: ReadonlyMap<string, GivenParameter>;
  readonly work: TemplateWork;
}

export function scopeOf({ template, site, given, work }: TemplateValues): TemplateScope {
  const parameters = objectIn(template.parameters);
  const variables = objectIn(template.variables);
  const known = new Map<string, unknown>();
  const running = new Set<string>();
  const once = (key: string, what: string, make: () => unknown): unknown => {
    if (known.has(key)) return known.get(key);
    if (running.has(key)) throw new TemplateError(`${what} is defined by itself`);
    if (running.size >= DEEPEST) throw new TemplateError(`${what} is defined by more than ${DEEPEST} others`);
    running.add(key);
    try {
      const value = make();
      known.set(key, value);
      return value;
    } finally {
      running.delete(key);
    }
  };
  const scope: TemplateScope = {
    site,
    loops: new Map(),
    lambda: new Map(),
    calls: 0,
    work,
    parameter: name => {
      const declared = memberOf(parameters, name)?.value;
      if (!isJsonObject(declared)) throw new TemplateError(`the template has no parameter '${name}'`);
      return once(`p ${name.toLowerCase()}`, `parameter '${name}'`, () =>
        parameterValue(name, declared, given.get(name.toLowerCase()), value => strictly(value, scope)),
      );
    },
    variable: name => {
      return once(`v ${name.toLowerCase()}`, `variable '${name}'`, () =>
        inContext(`variable '${name}'`, () => variableValue(variables, name, scope)),
      );
    },
    deployment: () => undefined,
    depth: 0,
    userFunction: (name, args, calls) => runUserFunction(template, name, args, { ...scope, calls }),
  };
  return scope;
}

function parameterValue(
  name: string,
  declared: JsonObject,
  given: GivenParameter | undefined,
  evaluate: (value: unknown) => unknown,
): unknown {
  if (given?.refused !== undefined) throw new TemplateError(`parameter '${name}': ${given.refused}`);
  // The file of parameters beside the portal's export has null for each: its default value counts.
  if (given === undefined || given.value === null) {
    // An export of the portal writes null where there is none.
    if (declared.defaultValue !== undefined && (declared.defaultValue !== null || declared.nullable === true))
      return inContext(`parameter '${name}'`, () => evaluate(declared.defaultValue));
    if (declared.nullable === true) return null;
    throw new TemplateError(
      `parameter '${name}' has no value; give one: --parameters ${name}=VALUE or --parameters FILE`,
    );
  }
  const type = typeof declared.type === 'string' ? declared.type.toLowerCase() : '';
  const value = given.text === undefined ? given.value : typedValue(name, type, given.text);
  if (!fitsType(value, type)) throw new TemplateError(`parameter '${name}': ${shown(value)} is no ${type}`);
  if (
    Array.isArray(declared.allowedValues) &&
    !Array.isArray(value) &&
    !declared.allowedValues.includes(value)
  )
    throw new TemplateError(
      `parameter '${name}': ${shown(value)} is none of ${declared.allowedValues.map(shown).join(', ')}`,
    );
  return value;
}

function typedValue(name: string, type: string, text: string): unknown {
  if (type === 'string' || type === 'securestring') return text;
  if (type === 'bool' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A type that is defined elsewhere (`$ref`) may be a string.
    if (type === '') return text;
    throw new TemplateError(`parameter '${name}': '${text}' is no ${type}, written as JSON`);
  }
}

/** Types that are defined elsewhere (`$ref`) are not checked. */
function fitsType(value: unknown, type: string): boolean {
  switch (type) {
    case 'string':
    case 'securestring':
      return typeof value === 'string';
    case 'int':
      return Number.isInteger(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    case 'object':
    case 'secureobject':
      return isJsonObject(value);
    default:
      return true;
  }
}

/** A variable may be made by a loop: `"copy": [{"name": ..., "count": ..., "input": ...}]`. */
function variableValue(variables: JsonObject, name: string, scope: TemplateScope): unknown {
  const declared = memberOf(variables, name);
  if (declared) return strictly(declared.value, scope);
  const loops = Array.isArray(variables.copy) ? (variables.copy as unknown[]) : [];
  const loop = loops.find(
    candidate => isJsonObject(candidate) && String(candidate.name).toLowerCase() === name.toLowerCase(),
  );
  if (!isJsonObject(loop)) throw new TemplateError('the template has no such variable');
  return (strictly({ copy: [loop] }, scope) as JsonObject)[String(loop.name)];
}

function strictly(value: unknown, scope: TemplateScope): unknown {
  return evaluateTree(value, scope, (path, message) => {
    const at = path.reduce<string>(pathOf, '');
    throw new TemplateError(at === '' ? message : `${at}: ${message}`);
  });
}

function inContext<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateError)
      throw new TemplateError(`${what}: ${error.message}`, { cause: error });
    throw error;
  }
}

function runUserFunction(
  template: JsonObject,
  name: string,
  args: readonly unknown[],
  scope: TemplateScope,
): { readonly value: unknown } | undefined {
  const [namespace = '', member] = name.split('.');
  if (member === undefined) return undefined;
  if (scope.calls >= DEEPEST_CALLS)
    throw new TemplateExhausted(
      `the function '${name}' of the template stands in calls of others deeper than ${DEEPEST_CALLS} levels`,
    );
  const spaces = (Array.isArray(template.functions) ? (template.functions as unknown[]) : []).filter(
    isJsonObject,
  );
  const space = spaces.find(
    candidate => String(candidate.namespace).toLowerCase() === namespace.toLowerCase(),
  );
  const declared = space && memberOf(objectIn(space.members), member)?.value;
  if (!isJsonObject(declared) || !isJsonObject(declared.output)) return undefined;
  const names = (Array.isArray(declared.parameters) ? (declared.parameters as unknown[]) : []).map(
    parameter => (isJsonObject(parameter) ? String(parameter.name).toLowerCase() : ''),
  );
  const { value } = declared.output;
  return {
    value: inContext(name, () =>
      strictly(value, {
        ...scope,
        loops: new Map(),
        lambda: new Map(),
        calls: scope.calls + 1,
        // A function sees its own parameters and nothing else of the template.
        parameter: asked => {
          const index = names.indexOf(asked.toLowerCase());
          if (index < 0 || index >= args.length) throw new TemplateError(`it has no parameter '${asked}'`);
          return args[index];
        },
        variable: asked => {
          throw new TemplateError(`a function cannot use variable '${asked}'`);
        },
      }),
    ),
  };
}

function objectIn(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
