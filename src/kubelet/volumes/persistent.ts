// Where on the node a claim's volume is: persistent volumes of the hostPath and local kinds.
import { realpath, stat } from 'node:fs/promises';
import { claimNameOf } from '../../api/core/v1/pod/facts.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../api/core/v1/types.generated.ts';
import type { DeviceMounts } from './device-mounts.ts';
import { giveToGroup, writers } from './group-ownership.ts';
import { VolumeError } from './payload.ts';

export interface ClaimSources {
  claim(name: string): Promise<Readonly<PersistentVolumeClaim> | undefined>;
  volume(name: string): Promise<Readonly<PersistentVolume> | undefined>;
}

export interface FoundVolume {
  readonly name: string;
  readonly spec: NonNullable<PersistentVolume['spec']>;
}

/** The volume that a pod's claim is bound to. Rejects with VolumeError, in upstream's words. */
export async function volumeOfClaim(pod: Pod, volume: Volume, sources: ClaimSources): Promise<FoundVolume> {
  const claimName = claimNameOf(pod, volume) ?? '';
  const where = `${pod.metadata.namespace ?? 'default'}/${claimName}`;
  const refuse = (why: string) => {
    const names = `unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]`;
    return new VolumeError(`Unable to attach or mount volumes: ${names}: error processing PVC ${where}: ${why}`);
  };
  const claim = await sources.claim(claimName);
  if (!claim) throw refuse(`failed to fetch PVC from API server: persistentvolumeclaims "${claimName}" not found`);
  if (claim.metadata.deletionTimestamp && !claim.metadata.finalizers?.length) throw refuse('PVC is being deleted');
  if (volume.ephemeral && !claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid))
    throw refuse(
      `PVC ${where} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`,
    );
  const name = claim.spec?.volumeName;
  if (!name || claim.status?.phase !== 'Bound') throw refuse('PVC is not bound');
  const found = await sources.volume(name);
  if (!found?.spec) throw refuse(`failed to fetch PV "${name}" from API server`);
  if (found.spec.claimRef?.uid !== claim.metadata.uid) throw refuse(`PV "${name}" is bound to another claim`);
  checkMode(pod, volume.name, found.spec.volumeMode ?? 'Filesystem');
  return { name, spec: found.spec };
}

/** A device is named by containers as a device, a file system as a mount. Throws VolumeError. */
function checkMode({ spec }: Pod, volume: string, mode: string): void {
  const wrong = mode === 'Block' ? 'volumeMounts' : 'volumeDevices';
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  if (!containers.some((container) => container[wrong]?.some(({ name }) => name === volume))) return;
  const why = `volume ${volume} has volumeMode ${mode}, but is specified in ${wrong}`;
  throw new VolumeError(`Unable to attach or mount volumes: unmounted volumes=[${volume}]: ${why}`);
}

/** The device of a volume of mode Block, of the local kind. Rejects with VolumeError. */
export async function blockDevice({ name, spec }: FoundVolume): Promise<string> {
  const refuse = (why: string) => new VolumeError(`MapVolume.SetUpDevice failed for volume "${name}" : ${why}`);
  if (!spec.local) throw refuse('no volume plugin matched: only local volumes can be block devices on this node');
  const path = await realpath(spec.local.path).catch(() => undefined);
  if (path === undefined) throw refuse(`path "${spec.local.path}" does not exist`);
  if (!(await stat(path)).isBlockDevice()) throw refuse(`${spec.local.path} is not a block device`);
  return path;
}

/** The folder of a volume of the local kind, which may be a device with a file system, owned as the pod wants it. Rejects with VolumeError. */
export async function localVolume({ name, spec }: FoundVolume, pod: Pod, devices: DeviceMounts): Promise<string> {
  const { path = '', fsType = 'ext4' } = spec.local ?? {};
  const refuse = (why: string) =>
    new VolumeError(`MountVolume.NewMounter initialization failed for volume "${name}" : ${why}`);
  const found = await stat(path).catch(() => undefined);
  if (!found) throw refuse(`path "${path}" does not exist`);
  if (found.isBlockDevice()) {
    const { mountOptions: options = [] } = spec;
    const uid = pod.metadata.uid ?? '';
    const mounted = await devices.mount({ name, device: path, fsType, options, uid });
    return ownedBy(pod, mounted);
  }
  if (!found.isDirectory()) throw refuse('only directory and block device are supported');
  return ownedBy(pod, path);
}

async function ownedBy(pod: Pod, path: string): Promise<string> {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
  if (fsGroup === undefined) return path;
  const { gid, mode } = await stat(path);
  const isRight = gid === fsGroup && (mode & 0o2770) === 0o2770;
  if (fsGroupChangePolicy !== 'OnRootMismatch' || !isRight) await giveToGroup(path, { group: fsGroup, ...writers });
  return path;
}
