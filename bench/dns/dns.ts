// A queries for Services over UDP with dnsperf (Debian's package), the server on one core, the client on another; memory of a
// whole `portico dns` process; what answering searches at once saves.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from '../measurement.ts';
import { memoryOfNames } from './memory.ts';
import { searches } from './searches.ts';

const SECONDS = 4;

export async function run(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-dns-'));
  try {
    const file = (name: string, lines: readonly string[]) => {
      writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
      return join(folder, name);
    };
    const names = Array.from({ length: 10_000 }, (_, i) => `service-${i}.bench.svc.cluster.local A`);
    const services = file('services', names);
    const headless = file('headless', ['headless.bench.svc.cluster.local A']);
    const absent = file(
      'absent',
      names.map((name) => `no-${name}`),
    );
    const bare = await measured('bare-responder.ts', (port, pid) => dnsperf({ port, pid }, services));
    const ours = await measured('portico-responder.ts', (port, pid) => dnsperf({ port, pid }, services));
    const half = await measured('portico-responder.ts', (port) => p99(port, services, bare.byClock / 2));
    const bareHalf = await measured('bare-responder.ts', (port) => p99(port, services, bare.byClock / 2));
    const missing = await measured('portico-responder.ts', (port, pid) => dnsperf({ port, pid }, absent));
    const large = await measured('portico-responder.ts', (port, pid) => dnsperf({ port, pid }, headless));
    const overTcp = await measured('portico-responder.ts', (port, pid) =>
      dnsperf({ port, pid }, headless, ['-m', 'tcp']),
    );
    const memory = await memoryOfNames(folder);
    return [
      {
        what: 'A queries, 10,000 Services, per second of one core',
        ours: ours.rate,
        bare: bare.rate,
        unit: '/s',
        budget: '0.7 x',
      },
      { what: 'p99 at half the bare limit’s load', ours: half, bare: bareHalf, unit: 'ms', budget: '1 ms' },
      { what: 'names that are not there, 10,000', ours: missing.rate, bare: bare.rate, unit: '/s', budget: '–' },
      { what: 'headless, 1,000 endpoints, UDP', ours: large.rate, bare: bare.rate, unit: '/s', budget: '–' },
      { what: 'headless, 1,000 endpoints, TCP (16 KB each)', ours: overTcp.rate, unit: '/s', budget: '–' },
      ...memory,
      ...(await searches()),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measured<T>(file: string, measure: (port: number, pid: number) => T): Promise<T> {
  const child = fork(join(import.meta.dirname, file), [], { execArgv: ['--max-semi-space-size=2'] });
  try {
    const [port] = (await once(child, 'message')) as [number];
    return measure(port, child.pid ?? 0);
  } finally {
    child.kill();
  }
}

/**
 * Queries per second, as the clock has it, and per second that the server had a core: the same on a machine that is otherwise
 * idle, and still comparable on one that is not.
 */
function dnsperf(
  { port, pid }: { readonly port: number; readonly pid: number },
  file: string,
  more: readonly string[] = [],
) {
  const args = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-c', '8', '-q', '200'];
  // Each name once before what counts: code is translated, replies are prepared.
  execFileSync('dnsperf', [...args, '-n', '1', ...more]);
  const before = processorSeconds(pid);
  const output = execFileSync('dnsperf', [...args, '-l', String(SECONDS), ...more], { encoding: 'utf8' });
  const seconds = processorSeconds(pid) - before;
  const completed = Number(/Queries completed:\s+(\d+)/.exec(output)?.[1]);
  return { rate: completed / seconds, byClock: Number(/Queries per second:\s+([\d.]+)/.exec(output)?.[1]) };
}

/** What a process has used, in ticks of 10 ms (proc(5): stat, fields 14 and 15). */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Milliseconds within which 99 of 100 replies come, at a rate of queries. */
function p99(port: number, file: string, rate: number): number {
  const args = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', String(SECONDS), '-c', '8', '-q', '200'];
  execFileSync('dnsperf', ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-n', '1']);
  // With -v each query has a line that ends with its seconds.
  const output = execFileSync('dnsperf', [...args, '-Q', String(Math.round(rate)), '-v'], {
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  const times = [...output.matchAll(/^> \S+ .* ([\d.]+)$/gm)]
    .map(([, seconds]) => Number(seconds))
    .sort((x, y) => x - y);
  return (times[Math.floor(times.length * 0.99)] ?? Number.NaN) * 1000;
}
