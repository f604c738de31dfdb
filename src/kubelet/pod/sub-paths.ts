// Host paths of a container's mounts: the volume's, or a sub path of it, made when it is missing and kept inside the volume.
import { constants } from 'node:fs';
import { mkdir, open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '../../api/core/v1/types.generated.ts';
import { ignoreExisting } from '../volumes/ignore-existing.ts';
import type { PodVolumes } from '../volumes/volume-manager.ts';
import { ConfigError, expand } from './env.ts';

/**
 * By index of the container's volumeMounts, with every link resolved: a link that an earlier container left in the volume must
 * not lead out of it. Of a volume that is an image it is the path in that. Rejects with ConfigError.
 */
export async function mountSources(
  { name, volumeMounts = [] }: Container,
  { paths, readonly, images }: Pick<PodVolumes, 'paths' | 'readonly' | 'images'>,
  environment: ReadonlyMap<string, string>,
): Promise<(string | undefined)[]> {
  return Promise.all(
    volumeMounts.map(async ({ name: volume, subPath, subPathExpr }) => {
      const base = paths.get(volume);
      const below = subPathExpr ? expandAll(subPathExpr, environment) : subPath;
      if (!below) return images.has(volume) ? '' : base;
      if (below.startsWith('/')) throw new ConfigError(`error SubPath \`${below}\` must not be an absolute path`);
      if (below.split('/').includes('..'))
        throw new ConfigError(`unable to provision SubPath \`${below}\`: must not contain '..'`);
      if (images.has(volume)) return below;
      if (base === undefined) return undefined;
      const refuse = () =>
        new ConfigError(`failed to prepare subPath for volumeMount "${volume}" of container "${name}"`);
      const root = await realpath(base);
      const target = join(root, below);
      if (!readonly.has(volume)) await makeInside(root, below, refuse);
      const found = await realpath(target).catch(() => undefined);
      if (found === undefined || !isInside(root, found)) throw refuse();
      return found;
    }),
  );
}

/** Every variable that is named must say something. Throws ConfigError. */
function expandAll(expression: string, environment: ReadonlyMap<string, string>): string {
  const missing = new Set<string>();
  const known = {
    get(name: string) {
      const value = environment.get(name);
      if (!value) missing.add(name);
      return value;
    },
  };
  const path = expand(expression, known);
  if (missing.size > 0) throw new ConfigError(`missing value for ${[...missing].sort().join(', ')}`);
  return path;
}

/**
 * Makes the folders that are missing, one by one, never through a link that leads out. The last one gets the volume's own mode,
 * so that who may write there (any user, the pod's fsGroup) may write here, too.
 */
async function makeInside(root: string, below: string, refuse: () => Error): Promise<void> {
  let parent = root;
  let isNew = false;
  for (const part of below.split('/').filter((p) => p !== '' && p !== '.')) {
    const next = join(parent, part);
    isNew = !(await stat(next).catch(() => undefined));
    if (isNew) await mkdir(next).catch(ignoreExisting);
    const resolved = await realpath(next).catch(() => undefined);
    if (resolved === undefined || !isInside(root, resolved)) throw refuse();
    parent = resolved;
  }
  if (isNew) await setMode(parent, (await stat(root)).mode, (path) => isInside(root, path), refuse);
}

/** Looks at the folder that it has opened: a container may put a link in its place meanwhile. */
async function setMode(path: string, mode: number, allowed: (path: string) => boolean, refuse: () => Error) {
  const folder = await open(path, constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => undefined);
  if (!folder) throw refuse();
  try {
    if (!allowed(await realpath(`/proc/self/fd/${folder.fd}`))) throw refuse();
    await folder.chmod(mode & 0o7777);
  } finally {
    await folder.close();
  }
}

const isInside = (root: string, path: string): boolean => path === root || path.startsWith(`${root}/`);
