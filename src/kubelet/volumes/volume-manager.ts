// Makes a pod's volumes on the node and takes them away. Content from the API is swapped as a whole: readers see all of
// the old or all of the new (a `..data` link, as upstream's atomic writer).

import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { claimNameOf } from '../../api/core/v1/pod/facts.ts';
import { podLimits } from '../../api/core/v1/pod/resources.ts';
import type { EmptyDirVolumeSource, ImageVolumeSource, Pod, Volume } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { parseQuantity, quantityValue } from '../../apimachinery/quantity.ts';
import type { ResourceList } from '../../apimachinery/resource-list.ts';
import { table } from '../../apimachinery/table.ts';
import type { Exec } from '../../system/exec.ts';
import { mountPoints } from '../../system/mount-points.ts';
import { containersOf } from '../pod/containers.ts';
import { DeviceMounts } from './device-mounts.ts';
import { giveOne, giveToGroup, readers } from './group-ownership.ts';
import { ignoreExisting } from './ignore-existing.ts';
import { type Payload, type PayloadSources, payloadOf, VolumeError } from './payload.ts';
import { blockDevice, type ClaimSources, type FoundVolume, localVolume, volumeOfClaim } from './persistent.ts';

export interface PodVolumes {
  /** Host path by volume name. */
  readonly paths: ReadonlyMap<string, string>;
  readonly readonly: ReadonlySet<string>;
  /** Host path of the block device by volume name, for volumes of mode Block. */
  readonly devices: ReadonlyMap<string, string>;
  /** Reference by volume name, for volumes that are images: the runtime mounts those itself. */
  readonly images: ReadonlyMap<string, ImageVolumeSource>;
}

export interface VolumeManagerOptions {
  readonly exec: Exec;
  readonly rootDir: string;
}

export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  readonly #devices: DeviceMounts;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
    this.#devices = new DeviceMounts(options);
  }

  podDir(uid: string): string {
    return join(this.#options.rootDir, 'pods', uid);
  }

  emptyDirPath(uid: string, volume: string): string {
    return join(this.podDir(uid), 'volumes', 'kubernetes.io~empty-dir', volume);
  }

  /** Makes what is missing and refreshes content from the API; of what is `mounted`, nothing else. Rejects with VolumeError. */
  async setUp(pod: Pod, sources: PayloadSources & ClaimSources, mounted?: PodVolumes): Promise<PodVolumes> {
    const paths = new Map<string, string>(mounted?.paths);
    const readonly = new Set<string>(mounted?.readonly);
    const devices = new Map<string, string>(mounted?.devices);
    const images = new Map<string, ImageVolumeSource>(mounted?.images);
    const { volumes = [] } = pod.spec;
    await Promise.all(
      // Whoever uses the others has them as he left them.
      (mounted ? volumes.filter(hasContentOfAPI) : volumes).map(async (volume) => {
        try {
          if (claimNameOf(pod, volume) !== undefined) {
            const found = await volumeOfClaim(pod, volume, sources);
            if (found.spec.volumeMode === 'Block') devices.set(volume.name, await blockDevice(found));
            else paths.set(volume.name, await this.#persistent(pod, found));
            if (volume.persistentVolumeClaim?.readOnly) readonly.add(volume.name);
            return;
          }
          if (volume.image) {
            images.set(volume.name, volume.image);
            readonly.add(volume.name);
            return;
          }
          const payload = await payloadOf(pod, volume, sources);
          if (payload) readonly.add(volume.name);
          paths.set(
            volume.name,
            payload
              ? await this.#writePayload(pod, volume, payload)
              : await this.#mount(pod, volume, sources.allocatable),
          );
        } catch (error) {
          const message = errorMessage(error);
          if (/^(MountVolume|MapVolume|Unable to attach)/.test(message)) throw error;
          throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${message}`, { cause: error });
        }
      }),
    );
    return { paths, readonly, devices, images };
  }

  /** Unmounts and removes the volumes of a pod that has ended: what fills the disk goes, what explains the end stays. */
  async release(uid: string): Promise<void> {
    await this.#remove(join(this.podDir(uid), 'volumes'));
  }

  /** Unmounts and removes all of the pod's folder. */
  async tearDown(uid: string): Promise<void> {
    await this.#remove(this.podDir(uid));
  }

  async #remove(dir: string): Promise<void> {
    const mounts = (await mountPoints()).filter((path) => path.startsWith(`${dir}/`));
    for (const path of mounts.reverse()) await this.#options.exec.run(['umount', '-l', path]);
    await rm(dir, { recursive: true, force: true });
    await this.#devices.sweep();
  }

  /** UIDs of pods that have a folder here. */
  async known(): Promise<string[]> {
    return readdir(join(this.#options.rootDir, 'pods')).catch(() => []);
  }

  async #mount(pod: Pod, volume: Volume, allocatable: ResourceList): Promise<string> {
    if (volume.hostPath) return this.#hostPath(volume.hostPath);
    if (volume.emptyDir || Object.keys(volume).length === 1) return this.#emptyDir(pod, volume, allocatable);
    if (volume.csi) {
      const why = `driver name ${volume.csi.driver} not found in the list of registered CSI drivers`;
      throw new VolumeError(`kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: ${why}`);
    }
    const kind = Object.keys(volume).find((k) => k !== 'name');
    throw new VolumeError(`no volume plugin matched: ${kind} is not supported on this node`);
  }

  async #persistent(pod: Pod, found: FoundVolume): Promise<string> {
    const { hostPath, local } = found.spec;
    if (hostPath) return this.#hostPath(hostPath);
    if (local) return localVolume(found, pod, this.#devices);
    throw new VolumeError(`no volume plugin matched: "${found.name}" is of no kind that this node supports`);
  }

  async #emptyDir(pod: Pod, volume: Volume, allocatable: ResourceList): Promise<string> {
    const path = this.emptyDirPath(pod.metadata.uid ?? '', volume.name);
    const fsGroup = pod.spec.securityContext?.fsGroup;
    if (volume.emptyDir?.medium === 'Memory') {
      const size = memorySize(pod, volume.emptyDir, allocatable);
      const access = fsGroup === undefined ? 'mode=0777' : `mode=2777,gid=${fsGroup}`;
      await this.#mountMemory(path, size === undefined ? access : `${access},size=${size}`);
    } else if (!(await exists(path))) {
      // Made under another name, so that a folder of this name is always finished.
      const draft = `${path}.new`;
      await mkdir(draft, { recursive: true });
      await open(draft, fsGroup);
      await rename(draft, path);
    }
    return path;
  }

  async #mountMemory(path: string, how: string): Promise<void> {
    // The folder alone is what the machine's last boot left, or an agent that was killed.
    if ((await mountPoints()).includes(path)) return;
    await mkdir(path, { recursive: true });
    const { code, stderr } = await this.#options.exec.run(['mount', '-t', 'tmpfs', '-o', how, 'tmpfs', path]);
    if (code !== 0) throw new VolumeError(`mount of tmpfs failed: ${stderr.trim()}`);
  }

  async #hostPath({ path, type = '' }: { readonly path: string; readonly type?: string }): Promise<string> {
    const found = await stat(path).catch(() => undefined);
    if (type === 'DirectoryOrCreate' && !found) await mkdir(path, { recursive: true, mode: 0o755 });
    else if (type === 'FileOrCreate' && !found) await writeFile(path, '', { mode: 0o644 });
    const wanted = table<boolean>({
      Directory: found?.isDirectory() ?? false,
      DirectoryOrCreate: found?.isDirectory() ?? true,
      File: found?.isFile() ?? false,
      FileOrCreate: found?.isFile() ?? true,
      Socket: found?.isSocket() ?? false,
      CharDevice: found?.isCharacterDevice() ?? false,
      BlockDevice: found?.isBlockDevice() ?? false,
    });
    if (type !== '' && !wanted[type])
      throw new VolumeError(`hostPath type check failed: ${path} is not a ${describe(type)}`);
    // Without a type a missing path becomes a folder, as containerd's bind mount would not make one.
    if (type === '' && !found) await mkdir(path, { recursive: true });
    return path;
  }

  async #writePayload(pod: Pod, volume: Volume, payload: Payload): Promise<string> {
    const kind = volume.configMap
      ? 'configmap'
      : volume.secret
        ? 'secret'
        : volume.projected
          ? 'projected'
          : 'downward-api';
    const path = join(this.podDir(pod.metadata.uid ?? ''), 'volumes', `kubernetes.io~${kind}`, volume.name);
    await mkdir(path, { recursive: true, mode: 0o755 });
    const current = await readlink(join(path, '..data')).catch(() => undefined);
    // What may hold a secret is never on the node's disk, as with the kubelet.
    if (!current && !volume.configMap) await this.#mountMemory(path, 'mode=0755');
    if (!current || !(await samePayload(join(path, current), payload))) await this.#swapPayload(pod, path, payload);
    const tops = new Set([...payload.keys()].map((name) => name.split('/')[0] ?? name));
    for (const top of tops) await symlink(join('..data', top), join(path, top)).catch(ignoreExisting);
    for (const name of await readdir(path)) {
      if (!name.startsWith('..') && !tops.has(name)) await rm(join(path, name));
    }
    return path;
  }

  async #swapPayload(pod: Pod, path: string, payload: Payload): Promise<void> {
    const generation = `..${process.hrtime.bigint()}`;
    const group = pod.spec.securityContext?.fsGroup;
    for (const [name, { data, mode, uid }] of payload) {
      const file = join(path, generation, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, data, { mode });
      await chmod(file, mode);
      if (uid !== undefined) await chown(file, uid, 0);
    }
    await mkdir(join(path, generation), { recursive: true });
    if (group !== undefined) {
      await giveOne(path, { group, ...readers });
      await giveToGroup(join(path, generation), { group, ...readers });
    }
    const draft = join(path, `${generation}.draft`);
    await symlink(generation, draft);
    await rename(draft, join(path, '..data'));
    // What was before, and what an agent left that did not come to this line.
    for (const name of await readdir(path)) {
      if (/^\.\.\d/.test(name) && name !== generation) await rm(join(path, name), { recursive: true, force: true });
    }
  }
}

/** Whether what is in the volume is the API's, which may change. */
export const hasContentOfAPI = (v: Volume): boolean => Boolean(v.configMap ?? v.secret ?? v.projected ?? v.downwardAPI);

/** Bytes of a tmpfs: what the node has, what the pod may have or what the volume says, whichever is least. */
export function memorySize(
  pod: Pod,
  { sizeLimit }: EmptyDirVolumeSource,
  allocatable: ResourceList,
): number | undefined {
  const isLimited = containersOf(pod).every(({ container }) => container.resources?.limits?.memory !== undefined);
  const limit = isLimited || pod.spec.resources?.limits?.memory ? podLimits(pod).memory : undefined;
  const bounds = [allocatable.memory, sizeLimit].flatMap((text) => (text ? [quantityValue(parseQuantity(text))] : []));
  const sizes = [...bounds, ...(limit ? [quantityValue(limit)] : [])].filter((size) => size > 0);
  return sizes.length > 0 ? Math.min(...sizes) : undefined;
}

/** What a path is not that fails the check of its type, in upstream's words. */
const kinds = table<string>({ Socket: 'socket file', CharDevice: 'character device', BlockDevice: 'block device' });
const describe = (type: string): string => kinds[type] ?? type.replace('OrCreate', '').toLowerCase();

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function open(path: string, fsGroup: number | undefined): Promise<void> {
  await chmod(path, 0o777);
  if (fsGroup === undefined) return;
  await chown(path, 0, fsGroup);
  await chmod(path, 0o2777);
}

async function samePayload(folder: string, payload: Payload): Promise<boolean> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  if (files.filter((f) => f.isFile()).length !== payload.size) return false;
  for (const [name, { data }] of payload) {
    const there = await readFile(join(folder, name)).catch(() => undefined);
    if (!there?.equals(data)) return false;
  }
  return true;
}
