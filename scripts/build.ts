// Makes dist/, what the npm package carries in place of src/ (`npm pack` runs it): the program as JavaScript in some two
// hundred files that load in a third of the time of the thousand sources, the page, and the types of what can be imported.
// Node.js takes no types away from files below node_modules.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'vite';
import { buildPageIfStale } from '../src/cluster/page/build.ts';
import { realExec } from '../src/system/real/exec.ts';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src');
const dist = join(root, 'dist');
/** Files that others name: the launcher, package.json, and a thread of the embedded store. */
const entries = ['cli/main', 'testing/index', 'storage/sqlite/writer'];
/** Those of them that are imported by users, with types. */
const typedEntries = ['testing/index'];
/** The folder of all other files; as deep below dist/ as `cli` and `testing`. */
const shared = 'lib';

/** Modules find files beside them as if each still lay in its own folder below dist/. */
const ownPlaces: Plugin = {
  name: 'own-places',
  transform(code, id) {
    if (!id.startsWith(source) || !code.includes('import.meta.')) return undefined;
    const place = `../${relative(source, id).replace(/\.ts$/, '.js')}`;
    return code
      .replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`)
      .replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${dirname(place)}`)})`);
  },
};

async function buildProgram(): Promise<void> {
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    plugins: [ownPlaces],
    build: {
      ssr: true,
      target: 'node24',
      outDir: dist,
      emptyOutDir: false,
      copyPublicDir: false,
      rolldownOptions: {
        input: Object.fromEntries(entries.map((entry) => [entry, join(source, `${entry}.ts`)])),
        output: {
          entryFileNames: '[name].js',
          chunkFileNames: `${shared}/[name]-[hash].js`,
          // Names and lines stay, for whoever reads a stack trace.
          minify: { compress: true, mangle: false, codegen: false },
        },
      },
    },
  });
}

/** Declarations import each other by the names of the sources; those of the package by what they are there. */
const importPattern = /(?<before>from |import\()'(?<specifier>\.[^']+)\.ts'/g;
/** What is imported for what it does has no types. */
const effectPattern = /^import '[^']+';\n/gm;

/** Copies from `folder` the declarations of the entries, and of whatever they mention. */
function copyDeclarations(folder: string): void {
  const waiting = [...typedEntries];
  for (const name of waiting) {
    const declared = readFileSync(join(folder, `${name}.d.ts`), 'utf8').replace(effectPattern, '');
    const text = declared.replace(importPattern, (...match) => {
      const { before, specifier } = match.at(-1) as { before: string; specifier: string };
      const target = relative(source, resolve(source, dirname(name), specifier));
      if (!waiting.includes(target)) waiting.push(target);
      const path = relative(dirname(name), target);
      return `${before}'${path.startsWith('.') ? path : `./${path}`}.js'`;
    });
    const copy = join(dist, `${name}.d.ts`);
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, text);
  }
}

function buildTypes(): void {
  const declarations = mkdtempSync(join(tmpdir(), 'portico-declarations-'));
  try {
    // Types are checked by the tests; here they are only written down.
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const flags = ['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--outDir', declarations];
    execFileSync(process.execPath, [compiler, ...flags], { cwd: root, stdio: 'inherit' });
    copyDeclarations(declarations);
  } finally {
    rmSync(declarations, { recursive: true });
  }
}

mkdirSync(dist, { recursive: true });
await buildPageIfStale(realExec, () => {});
for (const name of readdirSync(dist)) if (name !== 'ui') rmSync(join(dist, name), { recursive: true });
await buildProgram();
buildTypes();
