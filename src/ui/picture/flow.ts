// From a layout and its lines to what the graph library draws. Values that say the same as before stay the same values.
import type { Edge } from '@xyflow/react';
import type { World } from '../state/world.ts';
import type { Box, Common, Mark } from './boxes.tsx';
import type { Layout, Box as Place } from './layout.ts';
import { type Line, lostOf, outside } from './lines.ts';

export interface Scene {
  readonly world: World;
  readonly layout: Layout;
  readonly lines: readonly Line[];
  readonly selected: string | undefined;
  /** By id; of a plan. */
  readonly marks: ReadonlyMap<string, Mark>;
  /** Where the step of a trace that is looked at happens. */
  readonly here: string | undefined;
  readonly onSelect: (id: string) => void;
}

export function boxesOf(scene: Scene, focus: ReadonlySet<string> | undefined): Box[] {
  const { world, layout, selected, marks, lines, here, onSelect } = scene;
  const isSmall = layout.doors.some(({ height }) => height < 40);
  const common = (id: string): Common => ({
    isDim: focus !== undefined && !focus.has(id),
    mark: marks.get(id) ?? '',
    isHere: id === here,
  });
  const chosen = layout.isGrouped && selected !== undefined ? chosenPods(world, selected) : undefined;
  const boxes: Box[] = [
    ...layout.machines.map(({ node, title, pods, perRow, ...place }) => ({
      ...at(place),
      zIndex: -1,
      type: 'machine' as const,
      data: {
        ...common(place.id),
        node,
        title,
        pods,
        perRow,
        isGrid: layout.isGrouped,
        isDense: layout.isDense,
        chosen,
        isDim: common(place.id).isDim && !layout.isGrouped,
      },
    })),
    ...layout.doors.map(({ service, ...place }) => ({
      ...at(place),
      type: 'door' as const,
      data: {
        ...common(place.id),
        service,
        isSelected: service.id === selected,
        isSmall,
        lost: lostOf(service, world),
        onSelect,
      },
    })),
    ...layout.slices.map(({ slice, ...place }) => ({
      ...at(place),
      type: 'slice' as const,
      data: { ...common(place.id), slice },
    })),
    ...layout.pods.map(({ pod, ...place }) => ({
      ...at(place),
      type: 'pod' as const,
      data: { ...common(place.id), pod },
    })),
    ...layout.addresses.map(({ address, ...place }) => ({
      ...at(place),
      type: 'address' as const,
      data: { ...common(place.id), address },
    })),
  ];
  if (lines.some(({ from, to }) => from === outside || to === outside)) {
    const place = { id: outside, x: -260, y: 0, width: 150, height: 30 };
    boxes.push({ ...at(place), type: 'address', data: { ...common(outside), address: 'Outside' } });
  }
  return boxes;
}

/** With `measured`, the graph library does not measure a box again each time that something in it changes. */
function at({ id, x, y, width, height }: Place) {
  const fixed = { draggable: false, selectable: false, focusable: false };
  return { id, position: { x, y }, width, height, measured: { width, height }, ...fixed };
}

function chosenPods(world: World, selected: string): ReadonlySet<string> {
  const slices = world.slicesOf.get(selected) ?? [];
  return new Set(slices.flatMap(({ endpoints }) => endpoints.flatMap(({ target }) => target ?? [])));
}

/** What belongs to the choice or the trace; undefined where nothing is chosen. */
export function focusOf(
  { lines, selected }: Pick<Scene, 'lines' | 'selected'>,
  isTraced: boolean,
): ReadonlySet<string> | undefined {
  if (isTraced) return new Set(lines.flatMap(({ from, to }) => [from, to]));
  if (selected === undefined) return undefined;
  const focus = new Set([selected]);
  // Lines come in the order of the way, so that what hangs on a slice follows it.
  for (const { from, to } of lines) if (focus.has(from)) focus.add(to);
  return focus;
}

export function edgesOf(lines: readonly Line[], focus: ReadonlySet<string> | undefined, boxes: readonly Box[]): Edge[] {
  const left = new Map(boxes.map(({ id, position }) => [id, position.x]));
  return lines.map(({ id, from, to, label, kind }) => ({
    id,
    ...sidesOf(left.get(from) ?? 0, left.get(to) ?? 0),
    source: from,
    target: to,
    label,
    type: 'share',
    className: `line line-${kind}${focus !== undefined && !(focus.has(from) && focus.has(to)) ? ' dim' : ''}`,
    focusable: false,
    ...(kind === 'go' || kind === 'back' || kind === 'fail' ? { zIndex: 10, animated: kind !== 'fail' } : {}),
  }));
}

/** Boxes whose left sides are nearer than this are one below the other. */
const column = 40;

/** Lines leave a box towards the other, and between boxes of one column they go around on the right. */
function sidesOf(from: number, to: number) {
  const isSameColumn = Math.abs(from - to) < column;
  const isLeftward = from > to && !isSameColumn;
  return {
    sourceHandle: isLeftward ? 'out-left' : 'out-right',
    targetHandle: isLeftward || isSameColumn ? 'in-right' : 'in-left',
  };
}

/** Keeps of `before` what says the same, so that only what differs is drawn anew. */
export function keepSame<T extends Box | Edge>(before: ReadonlyMap<string, T>, now: readonly T[]): T[] {
  return now.map((one) => {
    const old = before.get(one.id);
    return old && isSame(old, one) ? old : one;
  });
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isSameField(a[key], b[key], key));
}

/** Items and lists of them keep their identity in the world; what is built here is looked into. */
function isSameField(a: unknown, b: unknown, key: string): boolean {
  if (key === 'data' || key === 'position' || key === 'measured') return isSame(a, b);
  if (a instanceof Set && b instanceof Set) return a.size === b.size && [...a].every((one) => b.has(one));
  return Object.is(a, b);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Set);
}
