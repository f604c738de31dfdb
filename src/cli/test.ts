// `portico test`: every test of the checkout: types, style, then all of Vitest's projects, whose summary closes the run.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { Failure } from '../cluster/failure.ts';
import { requireRoot } from '../cluster/preflight.ts';

const checkout = resolve(import.meta.dirname, '../..');

function run(title: string, args: readonly string[]): Promise<number> {
  console.log(`\n== ${title}`);
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  // Compiled code is kept for the program's own flags; the test runner keeps its own.
  const { NODE_COMPILE_CACHE: _cache, ...env } = process.env;
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, args, { cwd: checkout, stdio: 'inherit', env: { ...env, PATH } });
    child.once('error', reject);
    child.once('exit', (code) => done(code ?? 1));
  });
}

async function test(filters: readonly string[]): Promise<void> {
  const modules = join(checkout, 'node_modules');
  if (!existsSync(join(modules, 'vitest')))
    throw new Failure('the tests run from a checkout with its development packages only');
  requireRoot('test');
  const checks: [string, string[]][] = [
    ['types (tsc)', [join(modules, 'typescript/bin/tsc'), '--noEmit']],
    ['types of the page (tsc)', [join(modules, 'typescript/bin/tsc'), '--project', 'src/ui']],
    ['the page (vite)', [join(modules, 'vite/bin/vite.js'), 'build', '--config', 'src/ui/vite.config.ts']],
    ['style (biome)', [join(modules, '@biomejs/biome/bin/biome'), 'check', '.']],
    ['tests (vitest)', [join(modules, 'vitest/vitest.mjs'), 'run', ...filters]],
  ];
  const failed: string[] = [];
  for (const [title, args] of checks) if ((await run(title, args)) !== 0) failed.push(title);
  if (failed.length > 0) throw new Failure(`failed: ${failed.join(', ')}`);
}

export function register(command: Command): void {
  command.argument('[filters...]', 'only the test files whose paths hold one of these words').action(test);
}
