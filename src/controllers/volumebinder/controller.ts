// Binds claims to volumes, and keeps the phases of both.
import { isClaimedBy } from '../../api/core/v1/persistentvolume/matching.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange, recorderOf } from '../controller.ts';
import { decideClaim, phaseOf } from './reconcile.ts';

const byController = 'pv.kubernetes.io/bound-by-controller';
const completed = 'pv.kubernetes.io/bind-completed';
const kind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };

export function volumeBinderController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const claims = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumes = informers.informer<PersistentVolume>(persistentVolumes);
  const classes = informers.informer<StorageClass>(storageClasses);
  const recorder = recorderOf(context, 'persistentvolume-controller');
  const claimClient = client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumeClient = client.resource<PersistentVolume>(persistentVolumes);

  const waitFor = [claims, volumes, classes];
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

  async function sync(key: string): Promise<undefined> {
    const [what, first = '', second = ''] = key.split('/');
    if (what === 'claim') await syncClaim(first, second);
    else await syncVolume(first);
  }

  async function syncClaim(namespace: string, claimName: string): Promise<void> {
    const claim = claims.lister.get(claimName, namespace);
    if (!claim || claim.metadata.deletionTimestamp) return;
    const storageClass = classes.lister.get(claim.spec?.storageClassName ?? '');
    const decision = decideClaim({ claim, volumes: volumes.lister.list(), storageClass });
    if (decision.kind === 'wait') {
      const { reason, message } = decision;
      const type = reason === 'ProvisioningFailed' ? 'Warning' : 'Normal';
      recorder.event({ ...claim, ...kind }, { type, reason, message });
    } else if (decision.kind === 'lost' && claim.status?.phase !== 'Lost') {
      recorder.event({ ...claim, ...kind }, { type: 'Warning', reason: 'ClaimLost', message: decision.message });
      await patchStatus(claimClient, claim, { phase: 'Lost' });
    } else if (decision.kind === 'bind') await bind(claim, decision.volume);
  }

  /** The volume first: whoever reads only the claim believes what it says. */
  async function bind(claim: Readonly<PersistentVolumeClaim>, volume: Readonly<PersistentVolume>): Promise<void> {
    const { name: claimName, namespace = '', uid = '', resourceVersion = '' } = claim.metadata;
    if (!volume.spec?.claimRef?.uid) {
      const claimRef = { ...kind, name: claimName, namespace, uid, resourceVersion };
      const annotations = isClaimedBy(volume, claim) ? {} : { [byController]: 'yes' };
      // The version makes sure that nobody else took it meanwhile.
      const metadata = { resourceVersion: volume.metadata.resourceVersion, annotations };
      await volumeClient.patch({ name: volume.metadata.name, type: 'merge', body: { metadata, spec: { claimRef } } });
    }
    const chosen = claim.spec?.volumeName ? {} : { [byController]: 'yes' };
    const annotations = { [completed]: 'yes', ...chosen };
    const body = { metadata: { uid, annotations }, spec: { volumeName: volume.metadata.name } };
    const bound = await claimClient.patch({ name: claimName, namespace, type: 'merge', body });
    const { accessModes, capacity } = volume.spec ?? {};
    await patchStatus(claimClient, bound, { phase: 'Bound', accessModes, capacity });
  }

  async function syncVolume(volumeName: string): Promise<void> {
    const volume = volumes.lister.get(volumeName);
    if (!volume) return;
    const { claimRef } = volume.spec ?? {};
    const phase = phaseOf(volume, claimRef && claims.lister.get(claimRef.name ?? '', claimRef.namespace));
    if (volume.status?.phase !== phase) await patchStatus(volumeClient, volume, { phase });
  }

  return controller;
}

async function patchStatus<T extends KubeObject>(
  client: { patch: ReturnType<ControllerContext['client']['resource']>['patch'] },
  { metadata }: Readonly<T>,
  status: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  const body = { metadata: { uid }, status };
  await client.patch({ name, ...(namespace && { namespace }), type: 'merge', body }, { subresource: 'status' });
}
