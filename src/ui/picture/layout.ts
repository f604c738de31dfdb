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
  /** How many squares stand side by side, where pods are squares. */
  readonly perRow: number;
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
  /** Everything is drawn closer together, with fewer words. */
  readonly isDense: boolean;
  /** For how many rows of squares each node has room; 0 where pods are cards. */
  readonly rows: number;
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

/** Above so many nodes, or so many Services, all is drawn as small as can still be told apart. */
const mostRoomyNodes = 24;
const mostRoomyDoors = 60;

const door = { width: 220, height: 58, gap: 16 };
const smallDoor = { width: 168, height: 34, gap: 6 };
const denseDoor = { width: 104, height: 26, gap: 5 };
const slice = { width: 176, height: 46, gap: 12 };
const pod = { width: 214, height: 30, gap: 6 };
const cardStep = pod.height + pod.gap;
export const square = { size: 11, gap: 3 };
const squareStep = square.size + square.gap;
const machine = { title: 34, padding: 10, gap: 20, width: 234, perRow: 16 };
const denseMachine = { title: 24, padding: 6, gap: 8, width: 8 * squareStep + 10, perRow: 8 };
const columnGap = 110;
/** Where only the chosen door's lines are drawn: they need room for their share and no more. */
const crowdedGap = 64;
/** Width to height of the usual stage; what is crowded is laid out to fill it. */
const aspect = 1.35;
/** Ids of the boxes that are no node. */
export const nowhere = 'Node (none)';
export const elsewhere = 'Elsewhere';

/** `before` is what was drawn last: boxes stay where they are as long as their pods have room. */
export function layoutOf(world: World, selected: string | undefined, before?: Layout): Layout {
  const isGrouped = podCountOf(world) > mostPodCards;
  const isCrowded = world.services.length > mostOpenDoors;
  const isDense = isGrouped && (world.nodes.length > mostRoomyNodes || world.services.length > mostRoomyDoors);
  const groups = groupsOf(world);
  const machineSize = isDense ? denseMachine : machine;
  const doorSize = isDense ? denseDoor : isCrowded ? smallDoor : door;
  const rows = isGrouped ? rowsFor(groups, machineSize.perRow, before?.isDense === isDense ? before.rows : 0) : 0;
  const heights = groups.map(({ pods }) =>
    heightOf(isGrouped ? rows * squareStep : pods.length * cardStep, machineSize),
  );
  const isTall = !isCrowded && groups.length <= 4;
  const height = isTall ? Infinity : proportionedHeight(world.services.length, { doorSize, machineSize, heights });
  const doors = placeDoors(world.services, doorSize, height);
  const doorsEnd = Math.max(door.width, ...doors.map(({ x, width }) => x + width));
  const shown = isCrowded ? world.services.filter(({ id }) => id === selected) : world.services;
  const gap = isCrowded ? crowdedGap : columnGap;
  const slices = placeSlices(world, shown, doorsEnd + gap);
  const left = doorsEnd + gap + slice.width + gap;
  const { machines, pods, bottom } = placeMachines(groups, { isGrouped, size: machineSize, heights, height, left });
  return { isGrouped, isDense, rows, doors, slices, machines, pods, addresses: placeAddresses(slices, left, bottom) };
}

export function podCountOf({ podsOfNode }: World): number {
  return [...podsOfNode.values()].reduce((sum, pods) => sum + pods.length, 0);
}

type DoorSize = typeof door;
type MachineSize = typeof machine;

interface Sizes {
  readonly doorSize: DoorSize;
  readonly machineSize: MachineSize;
  readonly heights: readonly number[];
}

/** The height at which doors and machines, with the slices between them, have the proportions of the stage. */
function proportionedHeight(doorCount: number, { doorSize, machineSize, heights }: Sizes): number {
  const doorArea = doorCount * (doorSize.width + doorSize.gap) * (doorSize.height + doorSize.gap);
  const machineArea = sum(heights.map((height) => (height + machineSize.gap) * (machineSize.width + machineSize.gap)));
  const between = crowdedGap + slice.width + crowdedGap;
  const height = (between + Math.sqrt(between ** 2 + 4 * aspect * (doorArea + machineArea))) / (2 * aspect);
  return Math.max(height, ...heights);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function placeDoors(
  services: readonly ServiceItem[],
  { width, height, gap }: DoorSize,
  bottom: number,
): Layout['doors'] {
  const most = Math.max(1, Math.floor((bottom + gap) / (height + gap)));
  const perColumn = Math.ceil(services.length / Math.ceil(services.length / most));
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

type Group = Pick<MachineBox, 'id' | 'node' | 'title' | 'pods'>;

/** Nodes with their pods, and pods on no node that there is. */
function groupsOf(world: World): Group[] {
  const known = new Set(world.nodes.map(({ name }) => name));
  const lost = [...world.podsOfNode].flatMap(([name, pods]) => (known.has(name) ? [] : pods));
  return [
    ...world.nodes.map((node) => ({
      node,
      id: node.id,
      title: node.name,
      pods: world.podsOfNode.get(node.name) ?? [],
    })),
    ...(lost.length > 0 ? [{ node: undefined, id: nowhere, title: 'On no node', pods: lost }] : []),
  ];
}

/** All nodes have room for the pods of the fullest, and some to spare, so that a pod that comes or goes moves no box. */
function rowsFor(groups: readonly Group[], perRow: number, before: number): number {
  const needed = Math.ceil(Math.max(1, ...groups.map(({ pods }) => pods.length)) / perRow);
  return needed <= before && needed * 2 > before ? before : Math.ceil(needed * 1.2);
}

const heightOf = (inner: number, { title, padding }: MachineSize): number => title + Math.max(inner, 18) + padding;

interface Room {
  readonly isGrouped: boolean;
  readonly size: MachineSize;
  /** Of each group. */
  readonly heights: readonly number[];
  /** Of the picture, about. */
  readonly height: number;
  readonly left: number;
}

function placeMachines(groups: readonly Group[], { isGrouped, size, heights, height, left }: Room) {
  const { width, gap, title, padding, perRow } = size;
  const columns = Math.max(1, Math.ceil(sum(heights.map((one) => one + gap)) / (height + gap)));
  const bottoms = new Array<number>(columns).fill(0);
  const machines: MachineBox[] = [];
  const pods: PodBox[] = [];
  for (const [i, group] of groups.entries()) {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const [x, y] = [left + column * (width + gap), bottoms[column] ?? 0];
    machines.push({ ...group, x, y, width, height: heights[i] ?? 0, perRow });
    bottoms[column] = y + (heights[i] ?? 0) + gap;
    if (isGrouped) continue;
    for (const [k, one] of group.pods.entries()) {
      const top = y + title + k * cardStep;
      pods.push({ id: one.id, pod: one, x: x + padding, y: top, width: pod.width, height: pod.height });
    }
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
    y: top + i * cardStep,
    width: pod.width,
    height: pod.height,
  }));
}
