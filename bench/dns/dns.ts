// A queries for Services over UDP with dnsperf (Debian's package), the server on one core, the client on another.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from '../measurement.ts';

const SECONDS = 5;

export async function run(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-dns-'));
  try {
    const services = join(folder, 'services');
    const names = Array.from({ length: 10_000 }, (_, i) => `service-${i}.bench.svc.cluster.local A`);
    writeFileSync(services, names.join('\n'));
    const headless = join(folder, 'headless');
    writeFileSync(headless, 'headless.bench.svc.cluster.local A\n');
    const bare = await measured('bare-responder.ts', [], (port) => queriesPerSecond(port, services));
    const ours = await measured('portico-responder.ts', [], (port) => queriesPerSecond(port, services));
    const large = await measured('portico-responder.ts', [], (port) => queriesPerSecond(port, headless));
    const memory = await residentMemory(100_000);
    return [
      { what: 'A queries, 10,000 Services, one core', ours, bare, unit: '/s', budget: '0.7 x' },
      { what: 'A queries, headless, 1,000 endpoints', ours: large, bare, unit: '/s', budget: '–' },
      { what: 'resident memory, 100,000 names', ours: memory, unit: 'MB', budget: '150 MB' },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measured(file: string, args: string[], measure: (port: number) => number): Promise<number> {
  const child = fork(join(import.meta.dirname, file), args, { execArgv: [] });
  try {
    const [port] = (await once(child, 'message')) as [number];
    return measure(port);
  } finally {
    child.kill();
  }
}

function queriesPerSecond(port: number, file: string): number {
  const args = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', String(SECONDS), '-c', '8', '-q', '200'];
  const output = execFileSync('dnsperf', args, { encoding: 'utf8' });
  return Number(/Queries per second:\s+([\d.]+)/.exec(output)?.[1]);
}

async function residentMemory(services: number): Promise<number> {
  const child = fork(join(import.meta.dirname, 'portico-responder.ts'), [String(services)], { execArgv: [] });
  try {
    await once(child, 'message');
    child.send('memory');
    const [bytes] = (await once(child, 'message')) as [number];
    return bytes / 1e6;
  } finally {
    child.kill();
  }
}
