// The controllers, the scheduler and a cluster inside a test, each measured in a process of its own.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Measurement } from '../measurement.ts';
import { median } from '../percentile.ts';

const root = join(import.meta.dirname, '../..');

async function child<T>(program: string, ...args: readonly string[]): Promise<T> {
  const command = [join(import.meta.dirname, program), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root, maxBuffer: 1e8 });
  return JSON.parse(stdout) as T;
}

async function repeated<T>(times: number, measure: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < times; i += 1) all.push(await measure());
  return all;
}

export interface Start {
  /** Milliseconds. */
  readonly imported: number;
  readonly ready: number;
  /** Resident bytes of the process before the import, and with the cluster. */
  readonly bare: number;
  readonly resident: number;
}

async function startMeasurements(): Promise<Measurement[]> {
  // As users have it: the package's own files.
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root });
  const starts = await repeated(5, () => child<Start>('start.js'));
  const of = (value: (start: Start) => number) => median(starts.map(value));
  return [
    { what: 'import of portico/testing', ours: of((s) => s.imported), unit: 'ms', budget: '–' },
    { what: 'startCluster({ nodes: 3 }), ready', ours: of((s) => s.ready), unit: 'ms', budget: '200 ms' },
    {
      what: 'resident memory with that cluster, beside the bare process',
      ours: of((s) => s.resident) / 2 ** 20,
      bare: of((s) => s.bare) / 2 ** 20,
      unit: 'MiB',
      budget: '60 MB more',
    },
  ];
}

export async function run(): Promise<Measurement[]> {
  const slices = await child<{ median: number; p99: number }>('ready-to-slice.ts');
  const deployment = await child<{ running: number; inSlices: number }>('deployment.ts');
  const scheduled = await child<{ perSecond: number }>('scheduling.ts');
  const idle = await child<{ percent: number }>('idle.ts');
  return [
    { what: 'a pod ready, until it is in the slice, median', ours: slices.median, unit: 'ms', budget: '10 ms' },
    { what: 'the same, p99', ours: slices.p99, unit: 'ms', budget: '–' },
    { what: '1,000 replicas on 100 hollow nodes, all Running', ours: deployment.running, unit: 's', budget: '5 s' },
    { what: 'the same, all in slices', ours: deployment.inSlices, unit: 's', budget: '5 s' },
    { what: '10,000 pods on 100 nodes scheduled', ours: scheduled.perSecond, unit: 'pods/s', budget: '1,000 pods/s' },
    { what: 'idle: server, 3 hollow nodes, 30 pods', ours: idle.percent, unit: '% of a core', budget: '1 %' },
    ...(await startMeasurements()),
  ];
}
