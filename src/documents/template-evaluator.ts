// What an expression of a template comes to: the functions that ask about the deployment (`parameters`, `variables`,
// `resourceId`, `copyIndex`, ...), loops over properties, and lambdas; the computing ones are in template-functions.ts. What only
// Azure can answer is refused by name with the reason, never guessed.

import {
  type Expression,
  expressionIn,
  parseExpression,
  plainText,
  TemplateError,
} from './template-expression.ts';
import {
  asBoolean,
  asList,
  asNumber,
  asText,
  isJsonObject,
  MOST_ITEMS,
  memberOf,
  shown,
  TEMPLATE_FUNCTIONS,
  type TemplateFunction,
} from './template-functions.ts';
import {
  providerPath,
  resourceGroup,
  resourceId,
  subscriptionResourceId,
  type TemplateSite,
} from './template-ids.ts';
import { STEP, sizeOf, type TemplateWork } from './template-work.ts';

export interface TemplateScope {
  readonly site: TemplateSite;
  /** Both throw `TemplateError` for what has no value. */
  parameter(name: string): unknown;
  variable(name: string): unknown;
  /** The template's own functions; undefined if there is no such one. */
  userFunction(
    name: string,
    args: readonly unknown[],
    calls: number,
  ): { readonly value: unknown } | undefined;
  /** The deployment inside the template that an id or a symbolic name means; undefined if there is none. */
  deployment(reference: string): { readonly value: unknown } | undefined;
  /** How many deployments are around the template. */
  readonly depth: number;
  /** Loops that are running, by name in lower case; the last one is the innermost. */
  readonly loops: ReadonlyMap<string, number>;
  /** Variables of lambdas around the expression. */
  readonly lambda: ReadonlyMap<string, unknown>;
  /** How many functions of the template's own are around the expression. */
  readonly calls: number;
  readonly work: TemplateWork;
}

/** Functions that only Azure can answer, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  uniquestring: 'Azure computes it by a hash that it does not publish',
  guid: 'Azure computes it by a hash that it does not publish',
  newguid: 'it is another one at every deployment',
  utcnow: 'it is another one at every deployment',
  reference: 'it asks Azure at deployment',
  references: 'it asks Azure at deployment',
  getsecret: 'it asks Azure at deployment',
  pickzones: 'it asks Azure at deployment',
  environment: 'it depends on the cloud of the deployment',
  tenant: 'it depends on who deploys',
  deployer: 'it depends on who deploys',
  deployment: 'it depends on how the template is deployed',
  managementgroup: 'it depends on where the template is deployed',
};

/** Deeper nesting than any template needs; it ends definitions that go round in circles. */
const DEEPEST = 200;

/** A value of the template with every expression in it evaluated. Faults are collected by path; their places become null. */
export function evaluateTree(
  value: unknown,
  scope: TemplateScope,
  fault: (path: readonly (string | number)[], message: string) => void,
  path: readonly (string | number)[] = [],
): unknown {
  try {
    scope.work.spend(STEP);
    if (typeof value === 'string') return evaluateText(value, scope);
    return scope.work.weigh(evaluateParts(value, scope, fault, path));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    fault(path, error.message);
    return null;
  }
}

function evaluateParts(
  value: unknown,
  scope: TemplateScope,
  fault: (path: readonly (string | number)[], message: string) => void,
  path: readonly (string | number)[],
): unknown {
  if (Array.isArray(value))
    return value.map((item, index) => evaluateTree(item, scope, fault, [...path, index]));
  if (!isJsonObject(value)) return value;
  const members: [string, unknown][] = [];
  for (const [key, member] of Object.entries(value)) {
    if (key === 'copy' && isPropertyLoops(member)) {
      for (const [index, loop] of member.entries())
        members.push([loop.name, runLoop(loop, scope, fault, [...path, 'copy', index])]);
      continue;
    }
    const name = expressionIn(key) === undefined ? key : evaluateTree(key, scope, fault, [...path, key]);
    members.push([String(name), evaluateTree(member, scope, fault, [...path, key])]);
  }
  return Object.fromEntries(members);
}

/** Throws `TemplateError`; texts that are no expression come back as they are. */
export function evaluateText(text: string, scope: TemplateScope): unknown {
  const inside = expressionIn(text);
  return inside === undefined ? plainText(text) : evaluate(parseExpression(inside), scope);
}

interface PropertyLoop {
  readonly name: string;
  readonly count: unknown;
  readonly input: unknown;
}

function isPropertyLoops(value: unknown): value is readonly PropertyLoop[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      loop => isJsonObject(loop) && typeof loop.name === 'string' && 'count' in loop && 'input' in loop,
    )
  );
}

function runLoop(
  { name, count, input }: PropertyLoop,
  scope: TemplateScope,
  fault: (path: readonly (string | number)[], message: string) => void,
  path: readonly (string | number)[],
): unknown {
  try {
    return inLoop(name, loopCount(count, scope), scope).map(inner =>
      evaluateTree(input, inner, fault, [...path, 'input']),
    );
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    fault([...path, 'count'], error.message);
    return null;
  }
}

export function loopCount(count: unknown, scope: TemplateScope): number {
  const number = asNumber(typeof count === 'string' ? evaluateText(count, scope) : count);
  if (number < 0 || number > MOST_ITEMS)
    throw new TemplateError(`a loop cannot run ${number} times; at most ${MOST_ITEMS}`);
  scope.work.spend(number * STEP);
  return number;
}

/** The scopes of the rounds of a loop. */
export function inLoop(name: string, count: number, scope: TemplateScope): TemplateScope[] {
  const others = [...scope.loops].filter(([other]) => other !== name.toLowerCase());
  return Array.from({ length: count }, (_, index) => ({
    ...scope,
    loops: new Map([...others, [name.toLowerCase(), index] as const]),
  }));
}

function evaluate(expression: Expression, scope: TemplateScope, depth = 0): unknown {
  scope.work.spend(STEP);
  if (depth > DEEPEST) throw new TemplateError('the expression is nested too deeply');
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'member':
    case 'index': {
      const object = evaluate(expression.of, scope, depth + 1);
      if (isLocationOfGroup(expression) && scope.site.location === undefined)
        throw new TemplateError('resourceGroup().location is not known; give it: --location NAME');
      const step = expression.kind === 'member' ? expression.name : evaluate(expression.at, scope, depth + 1);
      return stepInto(object, step, expression.safe);
    }
    case 'call':
      return call(expression, scope, depth);
  }
}

function isLocationOfGroup(expression: Expression): boolean {
  return (
    expression.kind === 'member' &&
    expression.name.toLowerCase() === 'location' &&
    expression.of.kind === 'call' &&
    expression.of.name.toLowerCase() === 'resourcegroup'
  );
}

function stepInto(object: unknown, step: unknown, safe: boolean): unknown {
  if (safe && object === null) return null;
  const found =
    isJsonObject(object) && typeof step === 'string'
      ? memberOf(object, step)
      : Array.isArray(object) && typeof step === 'number' && step >= 0 && step < object.length
        ? { value: object[step] as unknown }
        : undefined;
  if (found) return found.value;
  if (safe) return null;
  throw new TemplateError(`${shown(object)} has no member ${shown(step)}`);
}

function call(
  { name, args }: Extract<Expression, { kind: 'call' }>,
  scope: TemplateScope,
  depth: number,
): unknown {
  const lower = name.toLowerCase();
  const value = (index: number): unknown => {
    const arg = args[index];
    if (!arg) throw new TemplateError(`${name} lacks its ${index + 1}. argument`);
    return evaluate(arg, scope, depth + 1);
  };
  const all = (): unknown[] => args.map(arg => evaluate(arg, scope, depth + 1));
  switch (lower) {
    case 'parameters':
      return scope.parameter(asText(value(0)));
    case 'variables':
      return scope.variable(asText(value(0)));
    // These three look only at what they need.
    case 'if':
      return asBoolean(value(0)) ? value(1) : value(2);
    case 'and':
      return args.every((_, index) => asBoolean(value(index)));
    case 'or':
      return args.some((_, index) => asBoolean(value(index)));
    case 'copyindex':
      return copyIndex(all(), scope);
    case 'lambdavariables': {
      const variable = asText(value(0));
      if (!scope.lambda.has(variable)) throw new TemplateError(`there is no lambda variable '${variable}'`);
      return scope.lambda.get(variable);
    }
    case 'map':
    case 'filter': {
      const run = lambdaOf(name, args[1], scope, depth);
      const list = asList(value(0));
      scope.work.spend(list.length * STEP);
      return lower === 'map'
        ? scope.work.weigh(list.map(run))
        : list.filter((item, index) => asBoolean(run(item, index)));
    }
    case 'reference': {
      const deployment = scope.deployment(asText(value(0)));
      if (deployment) return deployment.value;
      break;
    }
    case 'resourceid':
      return resourceId(all(), scope.site);
    case 'subscriptionresourceid':
      return subscriptionResourceId(all(), scope.site);
    case 'extensionresourceid': {
      const [scopeId, ...rest] = all().map(asText);
      return `${scopeId}${providerPath(rest)}`;
    }
    case 'resourcegroup':
      return resourceGroup(scope.site);
    case 'subscription':
      return {
        id: `/subscriptions/${scope.site.subscriptionId}`,
        subscriptionId: scope.site.subscriptionId,
      };
  }
  const run = TEMPLATE_FUNCTIONS.get(lower);
  if (run) return named(name, () => compute(lower, run, all(), scope.work));
  const own = scope.userFunction(name, name.includes('.') ? all() : [], scope.calls);
  if (own) return own.value;
  const reason = lower.startsWith('list') ? 'it asks Azure at deployment' : REFUSED[lower];
  throw new TemplateError(
    reason === undefined
      ? `the function '${name}' is not supported; write its value instead`
      : `the function '${name}' cannot be evaluated: ${reason}; write its value instead`,
  );
}

/** Functions that walk their values to the bottom; the others look at the top of them. */
const WALKING: ReadonlySet<string> = new Set(['equals', 'contains', 'indexof', 'lastindexof']);

function compute(name: string, run: TemplateFunction, args: readonly unknown[], work: TemplateWork): unknown {
  // To look through a value takes less than to make one.
  for (const arg of args) work.spend(sizeOf(arg) / 4);
  if (WALKING.has(name)) work.spendOnBoth(args[0], args[1]);
  const result = run(...args);
  work.spend(sizeOf(result));
  return work.weigh(result);
}

/** Faults of a function begin with its name. */
function named(name: string, run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateError)
      throw new TemplateError(`${name}: ${error.message}`, { cause: error });
    // What no string, list or call can be as large as.
    if (error instanceof RangeError)
      throw new TemplateError(`${name}: the result is too large`, { cause: error });
    throw error;
  }
}

function lambdaOf(
  name: string,
  expression: Expression | undefined,
  scope: TemplateScope,
  depth: number,
): (item: unknown, index: number) => unknown {
  if (expression?.kind !== 'call' || expression.name.toLowerCase() !== 'lambda')
    throw new TemplateError(`${name} takes a lambda as its second argument`);
  const names = expression.args.slice(0, -1).map(arg => asText(evaluate(arg, scope, depth + 1)));
  const body = expression.args.at(-1) as Expression;
  return (item, index) => {
    const given = [item, index];
    const lambda = new Map([...scope.lambda, ...names.map((key, at) => [key, given[at]] as const)]);
    return evaluate(body, { ...scope, lambda }, depth + 1);
  };
}

function copyIndex(args: readonly unknown[], { loops }: TemplateScope): number {
  const [first] = args;
  const name = typeof first === 'string' ? first : undefined;
  const offset = args[name === undefined ? 0 : 1] ?? 0;
  const index = name === undefined ? [...loops.values()].at(-1) : loops.get(name.toLowerCase());
  if (index === undefined)
    throw new TemplateError(
      name === undefined ? 'copyIndex stands outside a loop' : `copyIndex: no loop '${name}' is running here`,
    );
  return index + asNumber(offset);
}
