// A queries for Services over UDP, the server on one core, the client on another; memory of a whole `portico dns` process, how
// soon it knows what is new; what answering searches at once saves.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from '../measurement.ts';
import { median } from '../percentile.ts';
import { freshness } from './freshness.ts';
import { measured, p99, queriesPerSecond, type Target } from './load.ts';
import { memoryOfNames } from './memory.ts';
import { searches } from './searches.ts';

/** The tail of one run may be the machine's: of so many, in turns with the bare responder, the middle one counts. */
const TAILS = 3;

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
    const rateOf = (responder: string, questions: string, transport?: 'tcp') =>
      measured(responder, questions, (target) => queriesPerSecond(target, questions, transport));
    const bare = await rateOf('bare-responder.ts', services);
    const ours = await rateOf('portico-responder.ts', services);
    const half = { questions: services, rate: ours.byClock / 2 };
    const tails = await tailsAt({ ...half, realTime: false });
    const tailsInRealTime = await tailsAt({ ...half, realTime: true });
    const missing = await rateOf('portico-responder.ts', absent);
    const large = await rateOf('portico-responder.ts', headless);
    const overTcp = await rateOf('portico-responder.ts', headless, 'tcp');
    const memory = await memoryOfNames(folder);
    return [
      {
        what: 'A queries, 10,000 Services, per second of one core',
        ours: ours.rate,
        bare: bare.rate,
        unit: '/s',
        budget: '0.7 x',
      },
      { what: 'p99 at half that load (bare: at the same)', ...tails, unit: 'ms', budget: '1 ms' },
      {
        what: '… both sides before the kernel’s own threads (`chrt --rr 1`)',
        ...tailsInRealTime,
        unit: 'ms',
        budget: '1 ms',
      },
      { what: 'names that are not there, 10,000', ours: missing.rate, bare: bare.rate, unit: '/s', budget: '–' },
      { what: 'headless, 1,000 endpoints, UDP', ours: large.rate, bare: bare.rate, unit: '/s', budget: '–' },
      { what: 'headless, 1,000 endpoints, TCP (16 KB each)', ours: overTcp.rate, unit: '/s', budget: '–' },
      ...(await freshness()),
      ...memory,
      ...(await searches()),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function tailsAt(load: Parameters<typeof p99>[1]) {
  const tails = { ours: [] as number[], bare: [] as number[] };
  const responders = { ours: 'portico-responder.ts', bare: 'bare-responder.ts' } as const;
  for (let run = 0; run < TAILS; run++) {
    for (const side of ['bare', 'ours'] as const) {
      const tail = (target: Target) => {
        // In the seconds after its start a responder shares its core with the compiler that makes it fast.
        queriesPerSecond(target, load.questions);
        return p99(target, load);
      };
      tails[side].push(await measured(responders[side], load.questions, tail));
    }
  }
  return { ours: median(tails.ours), bare: median(tails.bare) };
}
