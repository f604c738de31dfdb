// The picture as the page knows it: items by kind, kept from the stream of changes without touching what stays.
import type {
  Item,
  Moment,
  NodeItem,
  PictureChange,
  PodItem,
  ServiceItem,
  SliceItem,
  TrafficItem,
} from '../../explain/picture/picture.ts';

export interface World extends Moment {
  /** By id. */
  readonly items: ReadonlyMap<string, Item>;
  readonly nodes: readonly NodeItem[];
  readonly services: readonly ServiceItem[];
  /** By name of the node; those on none are under the empty name. */
  readonly podsOfNode: ReadonlyMap<string, readonly PodItem[]>;
  /** By id of the Service. */
  readonly slicesOf: ReadonlyMap<string, readonly SliceItem[]>;
  /** By id of the Service. */
  readonly trafficOf: ReadonlyMap<string, TrafficItem>;
}

const collator = new Intl.Collator('en', { numeric: true });
/** node-2 before node-10. */
const byNumber = (a: NodeItem | ServiceItem, b: NodeItem | ServiceItem): number => collator.compare(a.id, b.id);
/** Of many: the collator would take longer than all the rest. */
const byId = (a: Item, b: Item): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export const emptyWorld: World = {
  revision: 0,
  time: 0,
  items: new Map(),
  nodes: [],
  services: [],
  podsOfNode: new Map(),
  slicesOf: new Map(),
  trafficOf: new Map(),
};

export function worldOf(items: Iterable<Item>, { revision, time }: Moment): World {
  return withChanges(emptyWorld, [{ set: [...items], gone: [], revision, time }]);
}

/** Lists of what did not change stay the same values, so that nothing is looked through or drawn anew for them. */
export function withChanges(world: World, changes: readonly PictureChange[]): World {
  const items = new Map(world.items);
  const touched = new Set<string>();
  let moment: Moment = world;
  for (const { set, gone, revision, time } of changes) {
    for (const id of gone) items.delete(id);
    for (const item of set) items.set(item.id, item);
    for (const id of [...gone, ...set.map((item) => item.id)]) touched.add(id);
    moment = { revision, time };
  }
  const left = [...touched].flatMap((id) => world.items.get(id) ?? []);
  const came = [...touched].flatMap((id) => items.get(id) ?? []);
  const of = <K extends Item['kind']>(kind: K): Difference<Extract<Item, { kind: K }>> => {
    const isOfKind = (item: Item): item is Extract<Item, { kind: K }> => item.kind === kind;
    return { left: left.filter(isOfKind), came: came.filter(isOfKind) };
  };
  return {
    revision: moment.revision,
    time: moment.time,
    items,
    nodes: listAfter(world.nodes, of('Node'), byNumber),
    services: listAfter(world.services, of('Service'), byNumber),
    podsOfNode: listsAfter(world.podsOfNode, of('Pod'), ({ node }) => node ?? ''),
    slicesOf: listsAfter(world.slicesOf, of('EndpointSlice'), ({ service }) => service),
    trafficOf: trafficAfter(world.trafficOf, of('Traffic')),
  };
}

/** Of one kind: an item that changed left as it was and came as it is. */
interface Difference<T> {
  readonly left: readonly T[];
  readonly came: readonly T[];
}

function listAfter<T extends Item>(
  before: readonly T[],
  { left, came }: Difference<T>,
  order: (a: T, b: T) => number,
): readonly T[] {
  if (left.length + came.length === 0) return before;
  const gone = new Set(left.map(({ id }) => id));
  return [...before.filter(({ id }) => !gone.has(id)), ...came].sort(order);
}

/** Only lists in which something came, changed or went are made anew; what has no key is in none. */
function listsAfter<T extends Item>(
  before: ReadonlyMap<string, readonly T[]>,
  { left, came }: Difference<T>,
  keyOf: (item: T) => string | undefined,
): ReadonlyMap<string, readonly T[]> {
  if (left.length + came.length === 0) return before;
  const [leftOf, cameTo] = [Map.groupBy(left, keyOf), Map.groupBy(came, keyOf)];
  const after = new Map(before);
  for (const key of new Set([...leftOf.keys(), ...cameTo.keys()])) {
    if (key === undefined) continue;
    const difference = { left: leftOf.get(key) ?? [], came: cameTo.get(key) ?? [] };
    const list = listAfter(before.get(key) ?? [], difference, byId);
    if (list.length > 0) after.set(key, list);
    else after.delete(key);
  }
  return after;
}

function trafficAfter(
  before: ReadonlyMap<string, TrafficItem>,
  { left, came }: Difference<TrafficItem>,
): ReadonlyMap<string, TrafficItem> {
  if (left.length + came.length === 0) return before;
  const serviceOf = ({ id }: TrafficItem) => id.replace('Traffic', 'Service');
  const after = new Map(before);
  for (const item of left) after.delete(serviceOf(item));
  for (const item of came) after.set(serviceOf(item), item);
  return after;
}
