// Builds the page in a checkout, when its sources are newer than what was built.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Exec } from '../../system/exec.ts';
import { Failure } from '../failure.ts';

const checkout = resolve(import.meta.dirname, '../../..');
const sources = join(checkout, 'src/ui');
const vite = join(checkout, 'node_modules/vite/bin/vite.js');
const built = join(checkout, 'dist/ui/index.html');

/** Of an installed package nothing is built. Rejects with a Failure that holds what Vite said. */
export async function buildPageIfStale(exec: Exec, say: (line: string) => void): Promise<void> {
  if (!existsSync(join(sources, 'vite.config.ts')) || !existsSync(vite) || !isStale()) return;
  say('building the page');
  const command = [process.execPath, vite, 'build', '--config', join(sources, 'vite.config.ts'), '--logLevel', 'warn'];
  const { code, stdout, stderr } = await exec.run(command);
  if (code !== 0) throw new Failure(`the page cannot be built (npm run build:ui): ${(stderr || stdout).trim()}`);
}

function isStale(): boolean {
  if (!existsSync(built)) return true;
  const since = statSync(built).mtimeMs;
  return readdirSync(sources, { recursive: true, encoding: 'utf8' }).some(
    (name) => statSync(join(sources, name)).mtimeMs > since,
  );
}
