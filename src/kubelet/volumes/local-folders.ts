// The directories that the local-path provisioner asks this node for (src/controllers/volumeprovisioner), one per volume.
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const volumeName = /^pvc-[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export class LocalFolders {
  readonly #root: string;

  /** `rootDir` is the kubelet's; nothing is made yet. */
  constructor(rootDir: string) {
    this.#root = join(rootDir, 'local-volumes');
  }

  /** Makes the directory of a volume, writable for all as upstream's provisioner does; undefined for a name that is none. */
  async make(name: string): Promise<string | undefined> {
    if (!volumeName.test(name)) return undefined;
    const path = join(this.#root, name);
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
    return path;
  }

  /** Removes it with all that is in it; false for a name that is none. */
  async remove(name: string): Promise<boolean> {
    if (!volumeName.test(name)) return false;
    await rm(join(this.#root, name), { recursive: true, force: true });
    return true;
  }
}
