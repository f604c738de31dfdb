// What nodes cost: each part in a file of its own.
import type { Measurement } from '../measurement.ts';
import { run as network } from './network.ts';
import { run as pods } from './pods.ts';
import { run as takeover } from './takeover.ts';

export async function run(): Promise<Measurement[]> {
  return [...(await pods()), ...(await network()), ...(await takeover())];
}
