// File systems on block devices of local volumes: made where there is none, mounted once per node below `plugins`, and
// unmounted when the last pod that uses them is gone. A pod's use is a link in its folder, so that nothing is remembered here
// and what an agent that was killed left is found.
import { mkdir, readdir, rmdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Exec } from '../../system/exec.ts';
import { mountPoints } from '../../system/mount-points.ts';
import { Turns } from '../../system/turns.ts';
import { ignoreExisting } from './ignore-existing.ts';
import { VolumeError } from './payload.ts';

export interface DeviceMount {
  /** Of the PersistentVolume. */
  readonly name: string;
  /** `/dev/sdb`. */
  readonly device: string;
  readonly fsType: string;
  readonly options: readonly string[];
  /** The pod that uses it. */
  readonly uid: string;
}

/** Of the folders with the uses of a pod, and with what is mounted. */
const plugin = 'kubernetes.io~local-volume';

export class DeviceMounts {
  readonly #exec: Exec;
  readonly #rootDir: string;
  /** One after the other: what nobody uses must not be unmounted while somebody begins to. */
  readonly #turns = new Turns();

  constructor({ exec, rootDir }: { readonly exec: Exec; readonly rootDir: string }) {
    this.#exec = exec;
    this.#rootDir = rootDir;
  }

  /** The path where it is mounted. Rejects with VolumeError, in upstream's words. */
  mount(wanted: DeviceMount): Promise<string> {
    return this.#turns.take(() => this.#mount(wanted));
  }

  /** Unmounts what no pod uses. What is still busy stays until the next time. */
  sweep(): Promise<void> {
    return this.#turns.take(() => this.#sweep());
  }

  get #mounts(): string {
    return join(this.#rootDir, 'plugins', plugin.replace('~', '/'), 'mounts');
  }

  async #mount({ name, device, fsType, options, uid }: DeviceMount): Promise<string> {
    const target = join(this.#mounts, name);
    const uses = join(this.#rootDir, 'pods', uid, 'volumes', plugin);
    await mkdir(uses, { recursive: true });
    await symlink(target, join(uses, name)).catch(ignoreExisting);
    if ((await mountPoints()).includes(target)) return target;
    await mkdir(target, { recursive: true });
    try {
      await this.#formatAndMount({ device, fsType, options, target });
    } catch (error) {
      const why = `local: failed to mount device ${device} at ${target} (fstype: ${fsType}, err ${errorMessage(error)})`;
      throw new VolumeError(`MountVolume.MountDevice failed for volume "${name}" : ${why}`, { cause: error });
    }
    return target;
  }

  async #formatAndMount({ device, fsType, options, target }: Omit<DeviceMount, 'name' | 'uid'> & { target: string }) {
    const format = await this.#formatOf(device);
    if (format === undefined) {
      const flags = fsType === 'ext3' || fsType === 'ext4' ? ['-F', '-m0'] : [];
      const { code, stderr } = await this.#exec.run([`mkfs.${fsType}`, ...flags, device]);
      if (code !== 0) throw new Error(`format of disk "${device}" failed: type:("${fsType}") ${stderr.trim()}`);
    } else if (format === fsType) {
      const { code, stdout } = await this.#exec.run(['fsck', '-a', device]);
      // 4: there are errors that it leaves to somebody else (fsck(8)).
      if (code === 4)
        throw new Error(`'fsck' found errors on device ${device} but could not correct them: ${stdout.trim()}`);
    }
    const how = ['defaults', ...options].join(',');
    const { code, stderr } = await this.#exec.run(['mount', '-t', fsType, '-o', how, device, target]);
    if (code === 0) return;
    const other = format === undefined || format === fsType ? '' : `, it already contains ${format}`;
    throw new Error(`failed to mount the volume as "${fsType}"${other}. Mount error: ${stderr.trim()}`);
  }

  /** What is on a device; undefined when there is nothing. */
  async #formatOf(device: string): Promise<string | undefined> {
    const { code, stdout } = await this.#exec.run([
      'blkid',
      '-p',
      '-s',
      'TYPE',
      '-s',
      'PTTYPE',
      '-o',
      'export',
      device,
    ]);
    if (code !== 0) return undefined;
    if (/^PTTYPE=./m.test(stdout)) return 'unknown data, probably partitions';
    return /^TYPE=(.+)$/m.exec(stdout)?.[1];
  }

  async #sweep(): Promise<void> {
    const mounted = await folders(this.#mounts);
    if (mounted.length === 0) return;
    const pods = await folders(join(this.#rootDir, 'pods'));
    const uses = await Promise.all(pods.map((uid) => folders(join(this.#rootDir, 'pods', uid, 'volumes', plugin))));
    const used = new Set(uses.flat());
    for (const name of mounted.filter((one) => !used.has(one))) {
      const target = join(this.#mounts, name);
      if ((await mountPoints()).includes(target)) await this.#exec.run(['umount', target]);
      // A folder that is still a mount is not empty of its file system: it stays.
      await rmdir(target).catch(() => {});
    }
  }
}

async function folders(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}
