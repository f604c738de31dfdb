// Thresholds of eviction, as `--eviction-hard` gives them, and which of them are met: pure.
import { compareQuantities, parseQuantity, type Quantity, quantityOf } from '../../apimachinery/quantity.ts';
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
  const found: Threshold[] = [];
  for (const part of text.split(',').filter((p) => p !== '')) {
    const [name = '', value] = part.split('<');
    const signal = signals.find((known) => known === name.trim());
    if (!signal || value === undefined) return `${JSON.stringify(part)} is no threshold of ${signals.join(', ')}`;
    const amount = amountOf(value.trim(), 1);
    if (amount === undefined) return `${JSON.stringify(value)} is neither an amount nor a percentage`;
    if (/^(0|100)%$/.test(value.trim())) continue;
    if (!value.includes('%') && amount.nano <= 0n) return `${JSON.stringify(value)} is not above 0`;
    found.push({ signal, text: value.trim() });
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

/** The thresholds that are met, memory first. */
export function shortages(thresholds: readonly Threshold[], { memory, disk, processes }: MachineUsage): Shortage[] {
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
    .flatMap(({ signal, text }): Shortage[] => {
      const { capacity } = observed[signal];
      const resource = resources[signal];
      const threshold = amountOf(text, capacity) ?? quantityOf(0);
      const available = quantityOf(observed[signal].available, resource === 'inodes' ? 'DecimalSI' : 'BinarySI');
      // A file system without a count of inodes has none to run out of.
      if (capacity === 0 || compareQuantities(available, threshold) >= 0) return [];
      return [{ resource, threshold, available }];
    })
    .sort((a, b) => Number(b.resource === 'memory') - Number(a.resource === 'memory'));
}
