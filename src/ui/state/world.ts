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

export const emptyWorld: World = worldOf([], { revision: 0, time: 0 });

export function worldOf(items: Iterable<Item>, { revision, time }: Moment): World {
  return index(new Map([...items].map((item) => [item.id, item])), { revision, time });
}

/** Lists of what did not change stay the same values, so that nothing is drawn anew for them. */
export function withChanges(world: World, changes: readonly PictureChange[]): World {
  const items = new Map(world.items);
  let moment: Moment = world;
  for (const { set, gone, revision, time } of changes) {
    for (const id of gone) items.delete(id);
    for (const item of set) items.set(item.id, item);
    moment = { revision, time };
  }
  return index(items, moment, world);
}

function index(items: ReadonlyMap<string, Item>, { revision, time }: Moment, before?: World): World {
  const all = [...items.values()];
  const of = <K extends Item['kind']>(kind: K) =>
    all.filter((item): item is Extract<Item, { kind: K }> => item.kind === kind).sort(byId);
  const slices = of('EndpointSlice').filter(({ service }) => service !== undefined);
  return {
    revision,
    time,
    items,
    nodes: kept(of('Node').sort(byNumber), before?.nodes),
    services: kept(of('Service').sort(byNumber), before?.services),
    podsOfNode: keptLists(
      Map.groupBy(of('Pod'), ({ node }) => node ?? ''),
      before?.podsOfNode,
    ),
    slicesOf: keptLists(
      Map.groupBy(slices, ({ service }) => service ?? ''),
      before?.slicesOf,
    ),
    trafficOf: new Map(of('Traffic').map((item) => [item.id.replace('Traffic', 'Service'), item])),
  };
}

function kept<T>(now: readonly T[], before: readonly T[] | undefined): readonly T[] {
  return before && before.length === now.length && before.every((item, i) => item === now[i]) ? before : now;
}

function keptLists<T>(
  now: ReadonlyMap<string, readonly T[]>,
  before: ReadonlyMap<string, readonly T[]> | undefined,
): ReadonlyMap<string, readonly T[]> {
  return new Map([...now].map(([key, list]) => [key, kept(list, before?.get(key))]));
}
