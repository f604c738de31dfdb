// Holds the layers of docs/design.md: imports go strictly down, and pure files do no I/O.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const src = resolve(import.meta.dirname, '../src');

const pure = ['apimachinery'];
const system = [...pure, 'net', 'system'];
const parts = [...system, 'metrics', 'api', 'client'];
const everything = ['*'];

/** What the files of a folder of src may import from the other folders. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  net: [],
  apimachinery: ['net'],
  api: ['net', 'apimachinery'],
  cel: ['net', 'apimachinery'],
  nftables: ['net'],
  iptables: ['net'],
  ipvs: ['net'],
  netfilter: ['net', 'nftables', 'iptables', 'ipvs'],
  system: [],
  grpc: [],
  metrics: ['apimachinery'],
  storage: [...system, 'grpc'],
  client: [...system, 'api'],
  apiserver: [...parts, 'cel', 'storage'],
  controllers: parts,
  scheduler: parts,
  kubelet: [...parts, 'grpc'],
  proxy: [...parts, 'nftables', 'iptables', 'ipvs', 'netfilter'],
  dns: parts,
  podnetwork: [...parts, 'nftables'],
  networkpolicy: [...parts, 'nftables'],
  loadbalancer: parts,
  explain: [...parts, 'nftables', 'iptables', 'ipvs', 'netfilter', 'proxy', 'networkpolicy', 'dns', 'controllers'],
  ui: ['explain'],
  cluster: everything,
  testing: everything,
  cli: everything,
};

/** Folders in which every file decides and none acts: no clock, no dice, no I/O, no waiting. */
const pureFolders = ['net', 'apimachinery', 'api', 'cel', 'nftables', 'iptables', 'ipvs', 'netfilter'];
const pureFileNames = ['reconcile.ts', 'answer.ts', 'plan.ts'];

function sources(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((f) => /\.tsx?$/.test(f) && !f.endsWith('.test.ts') && !f.endsWith('.contract.ts'))
    .map((f) => join(src, f));
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((m) => m[1]!);
}

test('imports go strictly down', () => {
  const wrong: string[] = [];
  for (const file of sources()) {
    const [folder = ''] = relative(src, file).split('/');
    const allowed = mayImport[folder];
    if (!allowed) {
      wrong.push(`${relative(src, file)}: the folder ${folder} has no place in the layers`);
      continue;
    }
    for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
      if (!specifier.startsWith('.')) continue;
      const [target = ''] = relative(src, resolve(dirname(file), specifier)).split('/');
      if (target !== folder && !allowed.includes('*') && !allowed.includes(target)) {
        wrong.push(`${relative(src, file)} imports ${target}`);
      }
      const real = /^(\.\.\/)+system\/real\//.test(specifier);
      if (real && !['cluster', 'testing', 'cli'].includes(folder)) {
        wrong.push(`${relative(src, file)} picks a real implementation: ${specifier}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('pure files touch no clock, no randomness, no I/O', () => {
  const wrong: string[] = [];
  for (const file of sources()) {
    const path = relative(src, file);
    const [folder = ''] = path.split('/');
    // Commands are named after what they do.
    const isPure =
      pureFolders.includes(folder) || (folder !== 'cli' && pureFileNames.includes(path.split('/').at(-1)!));
    if (!isPure) continue;
    const text = readFileSync(file, 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/(^|[^:])\/\/.*$/gm, '$1');
    for (const [what, pattern] of [
      // createRequire (module) loads a pure library when it is first needed.
      ['a Node.js module', /from 'node:(?!crypto'|util'|module')/],
      ['await', /\bawait\b/],
      ['the clock', /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/],
      ['randomness', /\bMath\.random\b|\brandom(Bytes|UUID|Int)\b/],
      ['timers', /\bset(Timeout|Interval|Immediate)\b/],
    ] as const) {
      if (pattern.test(text)) wrong.push(`${path} touches ${what}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the page takes nothing but types from explain', () => {
  // Else the browser would load the simulator, the rules and all kinds of the API.
  const wrong = sources()
    .filter((file) => relative(src, file).startsWith('ui/'))
    .filter((file) => /^import (?!type )[^;]*\/explain\//m.test(readFileSync(file, 'utf8')))
    .map((file) => relative(src, file));
  expect(wrong).toEqual([]);
});

test('each layer is a folder', () => {
  const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(Object.keys(mayImport).sort()).toEqual(folders.map(({ name }) => name).sort());
});

test('Node.js’s http is taken by src/system/http.ts', () => {
  // An import by name loads undici with it: 25 ms and 5 MB in every process that does it.
  const wrong = sources()
    .filter((file) => /^import (?!type )[^;]*'node:http'/m.test(readFileSync(file, 'utf8')))
    .map((file) => relative(src, file));
  expect(wrong).toEqual([]);
});
