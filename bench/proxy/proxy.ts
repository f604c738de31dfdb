// What the nftables mode costs against `nft -f` of the finished script, in a network namespace of its own (root).
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Measurement } from '../measurement.ts';

/** Each size in a process of its own, so that one's garbage is not collected on another's time. */
const sizes = [
  { services: 44_000, endpoints: 1 },
  { services: 10_000, endpoints: 4 },
  { services: 5_000, endpoints: 50 },
];

export interface Figures {
  /** Milliseconds: from objects in memory to all of it in the kernel, and of the same script alone. */
  readonly fullSync: number;
  readonly bareFullSync: number;
  /** Milliseconds of one endpoint more or less, from the object to the rule in the kernel, each of many times. */
  readonly changes: readonly number[];
  /** Milliseconds of the smallest change that `nft -f -` can make to such a table. */
  readonly bareChanges: readonly number[];
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

export async function run(): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const { services, endpoints } of sizes) {
    const inside = join(import.meta.dirname, 'inside.ts');
    const command = ['--net', process.execPath, inside, String(services), String(endpoints)];
    const figures = JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' })) as Figures;
    const size = `${services.toLocaleString('en')} Services x ${endpoints}`;
    measurements.push({
      what: `full sync, ${size}`,
      ours: figures.fullSync,
      bare: figures.bareFullSync,
      unit: 'ms',
      budget: '1.5 x',
    });
    for (const [name, part, budget] of [
      ['median', 0.5, '20 ms'],
      ['p99', 0.99, '50 ms'],
    ] as const) {
      measurements.push({
        what: `one endpoint changed, ${name}, ${size}`,
        ours: percentile(figures.changes, part),
        bare: percentile(figures.bareChanges, part),
        unit: 'ms',
        budget: services === 10_000 ? budget : '–',
      });
    }
  }
  return measurements;
}
