// Binds claims to volumes, and keeps the phases of both.
import { bindCompleted, classNameOf, isClaimedBy } from '../../api/core/v1/persistentvolume/matching.ts';
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { ignoreNotFound } from '../../apimachinery/status.ts';
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../../client/resources.ts';
import type { ResourceClient } from '../../client/types.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange, recorderOf } from '../controller.ts';
import { mountedClaims } from '../shared/pods.ts';
import { boundByController, decideClaim, decideVolume, storageProvisioner, type VolumeDecision } from './reconcile.ts';

export function volumeBinderController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const claims = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumes = informers.informer<PersistentVolume>(persistentVolumes);
  const classes = informers.informer<StorageClass>(storageClasses);
  const recorder = recorderOf(context, 'persistentvolume-controller');
  const claimClient = client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumeClient = client.resource<PersistentVolume>(persistentVolumes);
  const podInformer = informers.informer<Pod>(pods);

  const waitFor = [claims, volumes, classes, podInformer];
  const name = 'persistentvolume-binder-controller';
  // One at a time: two claims must not choose the same volume.
  const controller = new KeyedController({ name, context, waitFor, sync, workers: 1 });
  const { queue } = controller;
  onEveryChange(claims, (claim) => {
    queue.add(`claim/${objectKey(claim)}`);
    if (claim.spec?.volumeName) queue.add(`volume/${claim.spec.volumeName}`);
  });
  const pending = () => {
    for (const claim of claims.lister.list())
      if (claim.status?.phase !== 'Bound') queue.add(`claim/${objectKey(claim)}`);
  };
  onEveryChange(volumes, (volume) => {
    queue.add(`volume/${volume.metadata.name}`);
    const { claimRef } = volume.spec ?? {};
    if (claimRef) queue.add(`claim/${claimRef.namespace}/${claimRef.name}`);
    else pending();
  });
  classes.addHandler({ added: pending });
  podInformer.addHandler({
    added(pod) {
      if (!isWaiting(pod)) return;
      for (const claim of mountedClaims(pod)) {
        const key = `${pod.metadata.namespace}/${claim}`;
        if (claims.lister.get(claim, pod.metadata.namespace)?.status?.phase === 'Pending') queue.add(`claim/${key}`);
      }
    },
  });

  async function sync(key: string): Promise<undefined> {
    const [what, first = '', second = ''] = key.split('/');
    if (what === 'claim') await syncClaim(first, second);
    else await syncVolume(first);
  }

  async function syncClaim(namespace: string, claimName: string): Promise<void> {
    const claim = claims.lister.get(claimName, namespace);
    if (!claim || claim.metadata.deletionTimestamp) return;
    const storageClass = classes.lister.get(classNameOf(claim));
    const waitingPods = podInformer.lister
      .list(namespace)
      .filter((pod) => isWaiting(pod) && mountedClaims(pod).includes(claimName))
      .map(({ metadata }) => metadata.name);
    const decision = decideClaim({ claim, volumes: volumes.lister.list(), storageClass, waitingPods });
    if (decision.kind === 'wait') {
      const { type, reason, message, provisioner } = decision;
      if (provisioner !== undefined) await nameProvisioner(claim, provisioner);
      recorder.event(claim, { type, reason, message });
    } else if (decision.kind === 'lost' && claim.status?.phase !== 'Lost') {
      const { reason, message } = decision;
      recorder.event(claim, { type: 'Warning', reason, message });
      await patchStatus(claimClient, claim, { phase: 'Lost' });
    } else if (decision.kind === 'bind') await bind(claim, decision.volume);
    const hasNone = decision.kind === 'wait' || decision.kind === 'nothing';
    if (hasNone && claim.metadata.annotations?.[bindCompleted] === undefined && claim.status?.phase !== 'Pending') {
      await patchStatus(claimClient, claim, { phase: 'Pending', accessModes: null, capacity: null });
    }
  }

  async function nameProvisioner({ metadata }: Readonly<PersistentVolumeClaim>, provisioner: string): Promise<void> {
    const { name: claimName, namespace = '', uid, annotations } = metadata;
    if (annotations?.[storageProvisioner[0]] === provisioner) return;
    const named = Object.fromEntries(storageProvisioner.map((key) => [key, provisioner]));
    const body = { metadata: { uid, annotations: named } };
    await claimClient.patch({ name: claimName, namespace, type: 'merge', body });
  }

  /** The volume first: whoever reads only the claim believes what it says. */
  async function bind(claim: Readonly<PersistentVolumeClaim>, volume: Readonly<PersistentVolume>): Promise<void> {
    const { name: claimName, namespace = '', uid = '', resourceVersion = '' } = claim.metadata;
    if (!volume.spec?.claimRef?.uid) {
      const claimRef = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name: claimName,
        namespace,
        uid,
        resourceVersion,
      };
      const annotations = isClaimedBy(volume, claim) ? {} : { [boundByController]: 'yes' };
      // The version makes sure that nobody else took it meanwhile.
      const metadata = { resourceVersion: volume.metadata.resourceVersion, annotations };
      await volumeClient.patch({ name: volume.metadata.name, type: 'merge', body: { metadata, spec: { claimRef } } });
    }
    const chosen = claim.spec?.volumeName ? {} : { [boundByController]: 'yes' };
    const annotations = { [bindCompleted]: 'yes', ...chosen };
    const body = { metadata: { uid, annotations }, spec: { volumeName: volume.metadata.name } };
    const bound = await claimClient.patch({ name: claimName, namespace, type: 'merge', body });
    const { accessModes, capacity } = volume.spec ?? {};
    await patchStatus(claimClient, bound, { phase: 'Bound', accessModes, capacity });
  }

  async function syncVolume(volumeName: string): Promise<void> {
    const volume = volumes.lister.get(volumeName);
    if (!volume) return;
    const { name = '', namespace } = volume.spec?.claimRef ?? {};
    let decision = decideVolume(volume, claims.lister.get(name, namespace));
    // The cache of claims may be behind that of volumes, and what is Released is deleted with its data.
    if (isRelease(decision) && volume.status?.phase !== 'Released') {
      decision = decideVolume(volume, await claimClient.get(name, namespace).catch(ignoreNotFound));
    }
    if (decision.kind === 'unbind') {
      const { resourceVersion } = volume.metadata;
      const body = decision.keepName
        ? { metadata: { resourceVersion }, spec: { claimRef: { uid: null, resourceVersion: null } } }
        : { metadata: { resourceVersion, annotations: { [boundByController]: null } }, spec: { claimRef: null } };
      await volumeClient.patch({ name: volumeName, type: 'merge', body });
    } else if (decision.kind === 'phase' && volume.status?.phase !== decision.phase) {
      await patchStatus(volumeClient, volume, { phase: decision.phase });
    }
  }

  return controller;
}

function isRelease(decision: VolumeDecision): boolean {
  return decision.kind === 'phase' && decision.phase === 'Released';
}

/** For a node. */
function isWaiting(pod: Readonly<Pod>): boolean {
  return !pod.spec.nodeName && !isPodTerminal(pod);
}

async function patchStatus<T extends KubeObject>(
  client: ResourceClient<T>,
  { metadata }: Readonly<T>,
  status: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  const body = { metadata: { uid }, status };
  await client.patch({ name, ...(namespace && { namespace }), type: 'merge', body }, { subresource: 'status' });
}
