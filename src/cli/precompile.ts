// `portico precompile`, which the launcher runs after it installed packages: loads every command and part once and keeps what
// was compiled, so that the first `up` starts as fast as the later ones.
import { readdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';

const source = resolve(import.meta.dirname, '..');

async function run(): Promise<void> {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      /\.(ts|js)$/.test(file) &&
      !/\.(test|contract|d)\.(ts|js)$|testdata/.test(file) &&
      !file.startsWith('cli/main.') &&
      !file.startsWith('testing/'),
  );
  for (const file of files) {
    try {
      await import(pathToFileURL(join(source, file)).href);
    } catch {
      // The entry of a worker runs only as one; whatever is really broken fails where it is used.
    }
  }
  flushCompileCache();
  process.exit(); // some files wait for work once they are loaded
}

export function register(command: Command): void {
  command.action(run);
}
