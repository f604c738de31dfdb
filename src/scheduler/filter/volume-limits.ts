// NodeVolumeLimits: a driver attaches no more volumes to a node than its CSINode says.
import { classNameOf } from '../../api/core/v1/persistentvolume/matching.ts';
import { claimNameOf } from '../../api/core/v1/pod/facts.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../api/core/v1/types.generated.ts';
import { table } from '../../apimachinery/table.ts';
import { type FilterPlugin, type PodContext, resolvable } from '../plugin.ts';
import { isClaimOf } from './volumes.ts';

const tooMany = resolvable('node(s) exceed max volume count');

export const volumeLimits: FilterPlugin = ({ pod, volumes }) => {
  const isAttached = (volume: Volume) => claimNameOf(pod, volume) !== undefined || driverOfInline(volume) !== undefined;
  if (!pod.spec.volumes?.some(isAttached)) return undefined;
  let attachments: ReturnType<typeof attachedByNode> | undefined;
  return ({ node, pods }) => {
    const csiNode = volumes.csiNode(node.metadata.name);
    const limits = new Map(csiNode?.spec.drivers?.map(({ name, allocatable }) => [name, allocatable?.count]));
    if ([...limits.values()].every((limit) => limit === undefined)) return undefined;
    const wanted = attachedVolumes(pod, volumes);
    const present = new Map<string, string>();
    for (const other of pods.values())
      for (const [name, driver] of attachedVolumes(other, volumes)) present.set(name, driver);
    // What pods there use already is attached once.
    for (const name of present.keys()) wanted.delete(name);
    attachments ??= attachedByNode(volumes);
    // Also what is attached for a pod that has ended, or not begun.
    for (const [name, driver] of attachments.get(node.metadata.name) ?? []) present.set(name, driver);
    for (const [driver, added] of countByDriver(wanted)) {
      const limit = limits.get(driver);
      if (limit !== undefined && (countByDriver(present).get(driver) ?? 0) + added > limit) return tooMany;
    }
    return undefined;
  };
};

/** Who attaches a volume that a pod names itself; undefined for one that is not attached. */
export function driverOfInline(volume: Readonly<Volume>): string | undefined {
  return inTree(volume)?.driver;
}

/** Drivers by the names of volumes, which are the same where the volume is: `driver/handle`. */
type Attached = Map<string, string>;

function attachedVolumes(pod: Readonly<Pod>, volumes: PodContext['volumes']): Attached {
  const found: Attached = new Map();
  for (const mounted of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, mounted);
    const claim = name === undefined ? undefined : volumes.claim(name, pod.metadata.namespace ?? '');
    if (mounted.ephemeral && claim && !isClaimOf(claim, pod)) continue;
    const volume = name === undefined ? inTree(mounted) : claim && volumeOf(claim, volumes);
    if (volume) found.set(`${volume.driver}/${volume.handle}`, volume.driver);
  }
  return found;
}

interface DriverVolume {
  readonly driver: string;
  readonly handle: string;
}

/** Undefined where no driver is asked for it. */
function volumeOf(claim: Readonly<PersistentVolumeClaim>, volumes: PodContext['volumes']): DriverVolume | undefined {
  const { name, namespace = '' } = claim.metadata;
  const volume = claim.spec?.volumeName && volumes.volume(claim.spec.volumeName);
  if (volume) return driverVolume(volume);
  // One that is yet to be made counts for the driver that makes it.
  const provisioner = volumes.storageClass(classNameOf(claim))?.provisioner;
  return provisioner === undefined
    ? undefined
    : { driver: driversInTree[provisioner] ?? provisioner, handle: `claim ${namespace}/${name}` };
}

function driverVolume({ metadata, spec = {} }: Readonly<PersistentVolume>): DriverVolume | undefined {
  const { csi } = spec;
  if (csi) return { driver: csi.driver, handle: csi.volumeHandle };
  const { labels } = metadata;
  return inTree(spec, labels?.['topology.kubernetes.io/zone'] ?? labels?.['failure-domain.beta.kubernetes.io/zone']);
}

/** Who serves volumes that once were kubelet's own, by the name of the provisioner. */
const driversInTree = table({
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
});

type InTree = Pick<
  NonNullable<PersistentVolume['spec']> & Volume,
  'awsElasticBlockStore' | 'azureDisk' | 'cinder' | 'gcePersistentDisk'
>;

/** Handles as csi-translation-lib makes them. */
function inTree(
  { awsElasticBlockStore, azureDisk, cinder, gcePersistentDisk }: Partial<InTree>,
  zone = 'UNSPECIFIED',
): DriverVolume | undefined {
  if (awsElasticBlockStore) {
    const { volumeID } = awsElasticBlockStore;
    return { driver: 'ebs.csi.aws.com', handle: volumeID.slice(volumeID.lastIndexOf('/') + 1) };
  }
  if (azureDisk) return { driver: 'disk.csi.azure.com', handle: azureDisk.diskURI };
  if (cinder) return { driver: 'cinder.csi.openstack.org', handle: cinder.volumeID };
  if (!gcePersistentDisk) return undefined;
  const [first = '', ...others] = zone.split('__');
  const where = others.length > 0 ? `regions/${first.slice(0, first.lastIndexOf('-'))}` : `zones/${first}`;
  const handle = `projects/UNSPECIFIED/${where}/disks/${gcePersistentDisk.pdName}`;
  return { driver: 'pd.csi.storage.gke.io', handle };
}

function attachedByNode(volumes: PodContext['volumes']): ReadonlyMap<string, Attached> {
  const nodes = new Map<string, Attached>();
  for (const { spec } of volumes.attachments()) {
    const { persistentVolumeName } = spec.source;
    const csi = persistentVolumeName === undefined ? undefined : volumes.volume(persistentVolumeName)?.spec?.csi;
    if (!csi) continue;
    const present = nodes.get(spec.nodeName) ?? new Map<string, string>();
    nodes.set(spec.nodeName, present.set(`${spec.attacher}/${csi.volumeHandle}`, spec.attacher));
  }
  return nodes;
}

function countByDriver(attached: Attached): Map<string, number> {
  const counts = new Map<string, number>();
  for (const driver of attached.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  return counts;
}
