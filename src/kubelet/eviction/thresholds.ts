// Thresholds of eviction, as `--eviction-hard` and its like give them, and which of them are met: pure.
import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  type Quantity,
  quantityOf,
} from '../../apimachinery/quantity.ts';
import type { MachineUsage } from '../stats/machine.ts';

const signals = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const;

/** Upstream's names of what is looked at. Images and pods share one file system here, so imagefs is nodefs. */
export type Signal = (typeof signals)[number];

export interface Threshold {
  readonly signal: Signal;
  /** As it was given: `100Mi` or `10%`. */
  readonly text: string;
  /** Of a soft one: milliseconds for which less must be left before a pod is evicted. */
  readonly grace?: number;
  /** How much more than it must be left, once pods are evicted for it, before that is over: `500Mi` or `5%`. */
  readonly reclaim?: string;
}

/**
 * Nodes of `portico up` share the disk of a machine that is used for other things, so what must be free is little, where
 * upstream's default is a tenth of the disk.
 */
export const defaultThresholds = 'memory.available<100Mi,nodefs.available<500Mi,nodefs.inodesFree<1%';

/**
 * Reads `memory.available<100Mi,nodefs.available<10%`; a string says what is wrong. Empty text is no threshold, nor are `0%` and
 * `100%`, as upstream has it.
 */
export function parseThresholds(text: string): readonly Threshold[] | string {
  const parts = parseBySignal(text, '<');
  if (typeof parts === 'string') return parts;
  const found: Threshold[] = [];
  for (const [signal, value] of parts) {
    const amount = amountOf(value, 1);
    if (amount === undefined) return `${JSON.stringify(value)} is neither an amount nor a percentage`;
    if (/^(0|100)%$/.test(value)) continue;
    if (!value.includes('%') && amount.nano <= 0n) return `${JSON.stringify(value)} is not above 0`;
    found.push({ signal, text: value });
  }
  return found;
}

/** Reads `memory.available=500Mi,nodefs.available=5%`; a string says what is wrong. */
export function parseReclaims(text: string): ReadonlyMap<Signal, string> | string {
  const parts = parseBySignal(text, '=');
  if (typeof parts === 'string') return parts;
  for (const value of parts.values()) {
    const amount = amountOf(value, 1);
    if (amount === undefined) return `${JSON.stringify(value)} is neither an amount nor a percentage`;
    if (amount.nano < 0n || /^0+(\.0+)?%$/.test(value)) return `${JSON.stringify(value)} is not above 0`;
  }
  return parts;
}

/** Reads `SIGNAL=VALUE,…`, or what else stands between the two; of two values for one signal the latter counts. */
export function parseBySignal(text: string, separator: '<' | '='): ReadonlyMap<Signal, string> | string {
  const found = new Map<Signal, string>();
  for (const part of text.split(',').filter((p) => p !== '')) {
    const [name = '', value] = part.split(separator);
    const signal = signals.find((known) => known === name.trim());
    if (!signal || value === undefined) return `${JSON.stringify(part)} is no threshold of ${signals.join(', ')}`;
    found.set(signal, value.trim());
  }
  return found;
}

/** Of the capacity where it is a percentage, which upstream reckons in single precision. */
function amountOf(text: string, capacity: number): Quantity | undefined {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) {
    const fraction = Math.fround(Math.fround(Number(percent)) / 100);
    return Number(percent) <= 100 ? quantityOf(Math.trunc(capacity * fraction), 'BinarySI') : undefined;
  }
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}

/** What must stay free of a capacity: 0 without a threshold. */
export function keptFree(thresholds: readonly Threshold[], signal: Signal, capacity: number): Quantity {
  const { text = '0' } = thresholds.find((threshold) => threshold.signal === signal) ?? {};
  return amountOf(text, capacity) ?? quantityOf(0);
}

export type Resource = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';

export interface Shortage {
  readonly resource: Resource;
  /** What is met. */
  readonly by: Threshold;
  /** Bytes, inodes or processes. */
  readonly threshold: Quantity;
  readonly available: Quantity;
}

const resources: Readonly<Record<Signal, Resource>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'imagefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.inodesFree': 'inodes',
  'pid.available': 'pids',
};

/** Whether it is a disk that runs short: room can be made by removing what is not used. */
export const isOfDisk = (resource: Resource): boolean => resource === 'ephemeral-storage' || resource === 'inodes';

/** The thresholds that are met, memory first; those that `reclaim` has are met until more is left than they say. */
export function shortages(
  thresholds: readonly Threshold[],
  { memory, disk, processes }: MachineUsage,
  reclaim: readonly Threshold[] = [],
): Shortage[] {
  const inodes = { available: disk.inodesFree, capacity: disk.inodes };
  const observed: Readonly<Record<Signal, { readonly available: number; readonly capacity: number }>> = {
    'memory.available': memory,
    'nodefs.available': disk,
    'imagefs.available': disk,
    'nodefs.inodesFree': inodes,
    'imagefs.inodesFree': inodes,
    'pid.available': processes,
  };
  return thresholds
    .flatMap((by): Shortage[] => {
      const { signal, text } = by;
      const { capacity } = observed[signal];
      const resource = resources[signal];
      const threshold = amountOf(text, capacity) ?? quantityOf(0);
      const available = quantityOf(observed[signal].available, resource === 'inodes' ? 'DecimalSI' : 'BinarySI');
      // A file system without a count of inodes has none to run out of.
      if (capacity === 0) return [];
      const more = reclaim.includes(by) ? amountOf(by.reclaim ?? '0', capacity) : undefined;
      if (compareQuantities(available, more ? addQuantities(threshold, more) : threshold) >= 0) return [];
      return [{ resource, by, threshold, available }];
    })
    .sort((a, b) => Number(b.resource === 'memory') - Number(a.resource === 'memory'));
}
