// `npm run bench [-- NAME…]`: measures each part against its bare limit in the same run, prints both sides, and writes
// them to docs/benchmarks.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { benchContext } from './context.ts';
import type { BenchContext, Measurement } from './measurement.ts';

const benches: Readonly<Record<string, () => Promise<{ run(context: BenchContext): Promise<Measurement[]> }>>> = {
  api: () => import('./api/api.ts'),
  controllers: () => import('./controllers/controllers.ts'),
  dns: () => import('./dns/dns.ts'),
  nodes: () => import('./nodes/nodes.ts'),
  proxy: () => import('./proxy/proxy.ts'),
  ui: () => import('./ui/ui.ts'),
};

const file = join(import.meta.dirname, '../docs/benchmarks.md');
const introduction = `# Benchmarks

Each figure stands beside the bare limit measured in the same run on the same machine; \`npm run bench -- NAME\` measures
again and rewrites the part of this page that bears the name.
`;

function table(measurements: readonly Measurement[]): string {
  const head = '| what | Portico | bare limit | ratio | budget |\n|---|---|---|---|---|';
  const rows = measurements.map(({ what, ours, bare, budget, unit }) => {
    const ratio = bare === undefined ? '–' : (ours / bare).toFixed(2);
    const number = (n: number) => `${n >= 100 ? Math.round(n).toLocaleString('en') : n.toFixed(2)} ${unit}`;
    return `| ${what} | ${number(ours)} | ${bare === undefined ? '–' : number(bare)} | ${ratio} | ${budget} |`;
  });
  return [head, ...rows].join('\n');
}

function write(name: string, measurements: readonly Measurement[]): void {
  const today = new Date().toISOString().slice(0, 10);
  const section = `## ${name}\n\n\`npm run bench -- ${name}\`, ${today}, ${cpus().length} cores, Node.js ${process.version}.\n\n${table(measurements)}\n`;
  let page: string;
  try {
    page = readFileSync(file, 'utf8');
  } catch {
    page = introduction;
  }
  const sections = page.split(/^(?=## )/m);
  const index = sections.findIndex((s) => s.startsWith(`## ${name}\n`));
  if (index < 0) sections.push(`\n${section}`);
  else sections[index] = index === sections.length - 1 ? section : `${section}\n`;
  writeFileSync(file, sections.join(''));
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benches);
for (const name of names) {
  const load = benches[name];
  if (!load) {
    process.stderr.write(`bench: there is no ${name}; there are ${Object.keys(benches).join(', ')}\n`);
    process.exit(2);
  }
  process.stderr.write(`bench: ${name} …\n`);
  const measurements = await (await load()).run(benchContext(name));
  process.stdout.write(`${table(measurements)}\n`);
  write(name, measurements);
}
