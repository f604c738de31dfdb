// What the nftables mode costs against `nft -f` of the finished script, in a network namespace of its own (root).
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { engineFlags } from '../../src/cluster/launch.ts';
import type { Measurement } from '../measurement.ts';
import { median, percentile } from '../percentile.ts';
import type { Agent } from './agent.ts';
import type { DataPlane } from './data-plane.ts';

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

/** Runs a file of this folder in a network namespace of its own. */
function inside<T>(file: string, ...args: readonly (string | number)[]): T {
  const command = [
    '--net',
    process.execPath,
    ...engineFlags('proxy'),
    '--expose-gc',
    join(import.meta.dirname, file),
    ...args.map(String),
  ];
  return JSON.parse(execFileSync('unshare', command, { encoding: 'utf8', maxBuffer: 1 << 26 })) as T;
}

function dataPlane(): Measurement[] {
  const straight = inside<DataPlane>('data-plane.ts', 'none', 0);
  // The ipvs mode is measured where the kernel has it, in the emulated machine of its tests.
  return (['nftables', 'iptables'] as const).flatMap((mode) =>
    [10, 1_000, 10_000].flatMap((services): Measurement[] => {
      const { latencies, perSecond } = inside<DataPlane>('data-plane.ts', mode, services);
      const size = `${mode}, ${services.toLocaleString('en')} Services`;
      const bare = median(straight.latencies);
      return [
        { what: `first packet, median, ${size}`, ours: median(latencies), bare, unit: 'µs', budget: '–' },
        { what: `connections, ${size}`, ours: perSecond, bare: straight.perSecond, unit: '/s', budget: '–' },
      ];
    }),
  );
}

function agent(): Measurement[] {
  const figures = inside<Agent>('agent.ts', 10_000, 4);
  const size = '10,000 Services x 4';
  return [
    { what: `1,000 changes in a second settle, ${size}`, ours: figures.storm, unit: 'ms', budget: '2,000 ms' },
    {
      what: `a Service that others took away is back, ${size}`,
      ours: figures.repairs[0],
      unit: 'ms',
      budget: '1,000 ms',
    },
    {
      what: `an endpoint that others took away is back, ${size}`,
      ours: figures.repairs[1],
      unit: 'ms',
      budget: '1,000 ms',
    },
    { what: `memory of the proxy, ${size}`, ours: figures.memory / 1e6, unit: 'MB', budget: '200 MB' },
    { what: `memory of the programs it keeps, ${size}`, ours: figures.programs / 1e6, unit: 'MB', budget: '–' },
    { what: `idle, ${size}`, ours: figures.idle * 100, unit: '% of a core', budget: '0 %' },
  ];
}

export async function run(): Promise<Measurement[]> {
  return [...rules(), ...agent(), ...dataPlane()];
}

function rules(): Measurement[] {
  const measurements: Measurement[] = [];
  for (const { services, endpoints } of sizes) {
    const figures = inside<Figures>('inside.ts', services, endpoints);
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
