// What nodes cost: each part in a file of its own.
import { execFileSync } from 'node:child_process';
import type { BenchContext, Measurement } from '../measurement.ts';
import { run as network } from './network.ts';
import { run as pods } from './pods.ts';
import { run as takeover } from './takeover.ts';

export async function run(context: BenchContext): Promise<Measurement[]> {
  need('iperf3', 'iperf3');
  return [...(await pods(context)), ...(await network(context)), ...(await takeover(context))];
}

/** Ends the process with one line when a program is missing: after minutes of measuring would be late. */
function need(program: string, debianPackage: string): void {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
  } catch {
    process.stderr.write(`bench: nodes needs ${program}, which is not there: apt-get install ${debianPackage}\n`);
    process.exit(1);
  }
}
