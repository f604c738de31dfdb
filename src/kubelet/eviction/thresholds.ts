// Thresholds of eviction, as `--eviction-hard` gives them, and which of them are met: pure.
import { parseQuantity, quantityValue } from '../../apimachinery/quantity.ts';
import type { MachineUsage } from '../stats/machine.ts';

/** Upstream's names of what is looked at. Images and pods share one file system here, so imagefs is nodefs. */
export type Signal = 'memory.available' | 'nodefs.available' | 'nodefs.inodesFree' | 'imagefs.available';

const signals: readonly Signal[] = ['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available'];

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

/** Reads `memory.available<100Mi,nodefs.available<10%`; a string says what is wrong. Empty text is no threshold. */
export function parseThresholds(text: string): readonly Threshold[] | string {
  const found: Threshold[] = [];
  for (const part of text.split(',').filter((p) => p !== '')) {
    const [name = '', value] = part.split('<');
    const signal = signals.find((known) => known === name.trim());
    if (!signal || value === undefined) return `${JSON.stringify(part)} is no threshold of ${signals.join(', ')}`;
    if (amountOf(value.trim(), 1) === undefined)
      return `${JSON.stringify(value)} is neither an amount nor a percentage`;
    found.push({ signal, text: value.trim() });
  }
  return found;
}

function amountOf(text: string, capacity: number): number | undefined {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) return Number(percent) <= 100 ? (capacity * Number(percent)) / 100 : undefined;
  try {
    return quantityValue(parseQuantity(text));
  } catch {
    return undefined;
  }
}

export type Resource = 'memory' | 'ephemeral-storage' | 'inodes';

export interface Shortage {
  readonly resource: Resource;
  /** Bytes or inodes. */
  readonly threshold: number;
  readonly available: number;
}

const resources: Readonly<Record<Signal, Resource>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'imagefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
};

/** The thresholds that are met, memory first. */
export function shortages(thresholds: readonly Threshold[], { memory, disk }: MachineUsage): Shortage[] {
  const observed: Readonly<Record<Signal, { readonly available: number; readonly capacity: number }>> = {
    'memory.available': memory,
    'nodefs.available': disk,
    'imagefs.available': disk,
    'nodefs.inodesFree': { available: disk.inodesFree, capacity: disk.inodes },
  };
  return thresholds
    .flatMap(({ signal, text }): Shortage[] => {
      const { available, capacity } = observed[signal];
      const threshold = amountOf(text, capacity) ?? 0;
      // A file system without a count of inodes has none to run out of.
      if (capacity === 0 || available >= threshold) return [];
      return [{ resource: resources[signal], threshold, available }];
    })
    .sort((a, b) => Number(b.resource === 'memory') - Number(a.resource === 'memory'));
}
