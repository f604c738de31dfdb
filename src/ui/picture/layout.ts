// What is where: doors to the left, slices in the middle, nodes with their pods to the right. Pure.
import type { NodeItem, PodItem, ServiceItem, SliceItem } from '../../explain/picture/picture.ts';
import type { World } from '../state/world.ts';

export interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface MachineBox extends Box {
  /** Undefined for pods on no node, and for addresses that are nowhere in the cluster. */
  readonly node: NodeItem | undefined;
  readonly title: string;
  readonly pods: readonly PodItem[];
}

export interface PodBox extends Box {
  readonly pod: PodItem;
}

export interface AddressBox extends Box {
  readonly address: string;
}

export interface Layout {
  /** Pods are squares of a grid in their node, not cards of their own. */
  readonly isGrouped: boolean;
  readonly doors: readonly (Box & { readonly service: ServiceItem })[];
  readonly slices: readonly (Box & { readonly slice: SliceItem })[];
  readonly machines: readonly MachineBox[];
  /** Empty when grouped. */
  readonly pods: readonly PodBox[];
  /** Endpoints that are neither pods nor nodes. */
  readonly addresses: readonly AddressBox[];
}

/** Above so many pods they are drawn as squares. */
export const mostPodCards = 60;
/** Above so many Services only the chosen one's slices are drawn. */
export const mostOpenDoors = 8;

const door = { width: 220, height: 58, gap: 16 };
const smallDoor = { width: 168, height: 34, gap: 6, perColumn: 25 };
const slice = { width: 176, height: 46, gap: 12 };
const pod = { width: 214, height: 30, gap: 6 };
export const square = { size: 11, gap: 3, perRow: 16 };
const machine = { title: 34, padding: 10, gap: 20, width: 234 };
const columnGap = 110;
/** Ids of the boxes that are no node. */
export const nowhere = 'Node (none)';
export const elsewhere = 'Elsewhere';

export function layoutOf(world: World, selected: string | undefined): Layout {
  const podCount = [...world.podsOfNode.values()].reduce((sum, pods) => sum + pods.length, 0);
  const isGrouped = podCount > mostPodCards;
  const isCrowded = world.services.length > mostOpenDoors;
  const doors = isCrowded ? smallDoors(world.services) : bigDoors(world.services);
  const doorsEnd = Math.max(door.width, ...doors.map(({ x, width }) => x + width));
  const shown = isCrowded ? world.services.filter(({ id }) => id === selected) : world.services;
  const slices = placeSlices(world, shown, doorsEnd + columnGap);
  const machinesAt = doorsEnd + columnGap + slice.width + columnGap;
  const { machines, pods, bottom } = placeMachines(world, isGrouped, machinesAt);
  return { isGrouped, doors, slices, machines, pods, addresses: placeAddresses(slices, machinesAt, bottom) };
}

function bigDoors(services: readonly ServiceItem[]) {
  const { width, height, gap } = door;
  return services.map((service, i) => ({ id: service.id, service, x: 0, y: i * (height + gap), width, height }));
}

function smallDoors(services: readonly ServiceItem[]) {
  const { width, height, gap, perColumn } = smallDoor;
  return services.map((service, i) => ({
    id: service.id,
    service,
    x: Math.floor(i / perColumn) * (width + gap),
    y: (i % perColumn) * (height + gap),
    width,
    height,
  }));
}

function placeSlices(world: World, services: readonly ServiceItem[], x: number): Layout['slices'] {
  const all = services.flatMap(({ id }) => world.slicesOf.get(id) ?? []);
  const { width, height, gap } = slice;
  return all.map((one, i) => ({ id: one.id, slice: one, x, y: i * (height + gap), width, height }));
}

function placeMachines(world: World, isGrouped: boolean, left: number) {
  const { title, padding, gap, width } = machine;
  const groups: { node: NodeItem | undefined; id: string; title: string; pods: readonly PodItem[] }[] = world.nodes.map(
    (node) => ({ node, id: node.id, title: node.name, pods: world.podsOfNode.get(node.name) ?? [] }),
  );
  const known = new Set(world.nodes.map(({ name }) => name));
  const lost = [...world.podsOfNode].flatMap(([name, pods]) => (known.has(name) ? [] : pods));
  if (lost.length > 0) groups.push({ node: undefined, id: nowhere, title: 'On no node', pods: lost });
  const columns = groups.length <= 4 ? 1 : Math.ceil(Math.sqrt(groups.length / 2));
  const bottoms = new Array<number>(columns).fill(0);
  const machines: MachineBox[] = [];
  const pods: PodBox[] = [];
  for (const group of groups) {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const [x, y] = [left + column * (width + gap), bottoms[column] ?? 0];
    const inner = isGrouped
      ? Math.ceil(group.pods.length / square.perRow) * (square.size + square.gap)
      : group.pods.length * (pod.height + pod.gap);
    const height = title + Math.max(inner, 18) + padding;
    machines.push({ ...group, x, y, width, height });
    if (!isGrouped) {
      for (const [i, one] of group.pods.entries()) {
        const top = y + title + i * (pod.height + pod.gap);
        pods.push({ id: one.id, pod: one, x: x + padding, y: top, width: pod.width, height: pod.height });
      }
    }
    bottoms[column] = y + height + gap;
  }
  return { machines, pods, bottom: Math.max(...bottoms) };
}

function placeAddresses(slices: Layout['slices'], x: number, top: number): AddressBox[] {
  const outside = new Set(
    slices.flatMap(({ slice: { endpoints } }) =>
      endpoints.flatMap(({ target, node, address }) => (target === undefined && node === undefined ? [address] : [])),
    ),
  );
  return [...outside].map((address, i) => ({
    id: `${elsewhere} ${address}`,
    address,
    x: x + machine.padding,
    y: top + i * (pod.height + pod.gap),
    width: pod.width,
    height: pod.height,
  }));
}
