// From one plan to the next as commands, only for what differs. Commands that take away come first and may find the
// thing already gone with its link; commands that add state what shall be and must succeed.

import type { FabricPlan, LinkEnd, LinkPlan, NamespacePlan, PlannedRoute } from './plan.ts';

export interface NamespaceSteps {
  readonly name: string;
  /** Lines for `ip -batch`. */
  readonly remove: readonly string[];
  readonly add: readonly string[];
  /** Empty: nothing to do. */
  readonly nft: string;
}

export interface FabricSteps {
  readonly deleteNamespaces: readonly string[];
  readonly createNamespaces: readonly NamespacePlan[];
  /** Lines for `ip -batch` outside any namespace: pairs of links. */
  readonly links: readonly string[];
  readonly namespaces: readonly NamespaceSteps[];
}

export const EMPTY_PLAN: FabricPlan = { namespaces: [], links: [] };

export function diffPlans(before: FabricPlan, after: FabricPlan): FabricSteps {
  const old = new Map(before.namespaces.map(plan => [plan.name, plan]));
  const wanted = new Set(after.namespaces.map(({ name }) => name));
  const oldLinks = new Map(before.links.map(link => [keyOf(link), link]));
  const newLinks = new Map(after.links.map(link => [keyOf(link), link]));
  const survives = ({ a, b }: LinkPlan) => wanted.has(a.namespace) && wanted.has(b.namespace);
  const gone = [...oldLinks].filter(([key]) => !newLinks.has(key)).map(([, link]) => link);
  const made = [...newLinks].filter(([key]) => !oldLinks.has(key)).map(([, link]) => link);

  const namespaces = after.namespaces.map((plan): NamespaceSteps => {
    const cut = gone.filter(link => survives(link) && link.a.namespace === plan.name);
    const previous = withoutDevices(
      old.get(plan.name),
      gone.flatMap(({ a, b }) => [a, b]).filter(({ namespace }) => namespace === plan.name),
    );
    const started = made.flatMap(({ a, b }) => [a, b]).filter(({ namespace }) => namespace === plan.name);
    const routes = minus(plan.routes, previous?.routes, describe);
    const targets = new Set(plan.routes.map(targetOf));
    const staleRoutes = minus(previous?.routes ?? [], plan.routes, describe);
    return {
      name: plan.name,
      remove: [
        ...minus(previous?.rules ?? [], plan.rules).map(rule => `rule del ${rule}`),
        // One that is only changed is replaced in one step below.
        ...staleRoutes
          .filter(route => !targets.has(targetOf(route)))
          .map(route => `route del ${routeArguments(route)}`),
        ...minus(previous?.addresses ?? [], plan.addresses).map(address => `address del ${address}`),
        ...cut.map(({ a }) => `link del dev ${a.device}`),
      ],
      add: [
        ...(previous ? [] : ['link set lo up']),
        ...started.map(({ device }) => `link set dev ${device} up`),
        ...minus(plan.neighbours, previous?.neighbours).map(text => `ntable change name arp_cache ${text}`),
        ...minus(plan.addresses, previous?.addresses).map(address => `address replace ${address}`),
        ...routes.map(route => `route replace ${routeArguments(route)}`),
        ...minus(plan.rules, previous?.rules).map(rule => `rule add ${rule}`),
      ],
      nft: plan.nft === (previous?.nft ?? '') ? '' : plan.nft,
    };
  });
  return {
    deleteNamespaces: before.namespaces.map(({ name }) => name).filter(name => !wanted.has(name)),
    createNamespaces: after.namespaces.filter(({ name }) => !old.has(name)),
    links: made.map(
      ({ a, b }) =>
        `link add name ${a.device} netns ${a.namespace} type veth peer name ${b.device} netns ${b.namespace}`,
    ),
    namespaces: namespaces.filter(steps => steps.remove.length + steps.add.length > 0 || steps.nft !== ''),
  };
}

/** The plan without these namespaces and their links: what is left when they had to be given up. */
export function withoutNamespaces(plan: FabricPlan, names: ReadonlySet<string>): FabricPlan {
  return {
    namespaces: plan.namespaces.filter(({ name }) => !names.has(name)),
    links: plan.links.filter(({ a, b }) => !names.has(a.namespace) && !names.has(b.namespace)),
  };
}

/** What the kernel has left of a namespace after these links went; rules stay without their device. */
function withoutDevices(
  plan: NamespacePlan | undefined,
  ends: readonly LinkEnd[],
): NamespacePlan | undefined {
  if (!plan || ends.length === 0) return plan;
  const devices = ends.map(({ device }) => `dev ${device} `);
  const stands = (text: string) => !devices.some(device => `${text} `.includes(device));
  return {
    ...plan,
    addresses: plan.addresses.filter(stands),
    neighbours: plan.neighbours.filter(stands),
    routes: plan.routes.filter(({ how }) => stands(how)),
  };
}

function keyOf({ a, b }: LinkPlan): string {
  return `${a.namespace} ${a.device} ${b.namespace} ${b.device}`;
}

function targetOf({ prefix, table }: PlannedRoute): string {
  return `${prefix} ${table}`;
}

function describe(route: PlannedRoute): string {
  return `${route.type} ${targetOf(route)} ${route.how}`;
}

function routeArguments({ type, prefix, how, table }: PlannedRoute): string {
  return [type, prefix, how, `table ${table}`].filter(word => word !== '').join(' ');
}

function minus<T>(
  list: readonly T[],
  other: readonly T[] = [],
  key: (item: T) => string = String,
): readonly T[] {
  const known = new Set(other.map(key));
  return list.filter(item => !known.has(key(item)));
}
