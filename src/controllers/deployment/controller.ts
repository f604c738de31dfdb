// Rolls Deployments out by way of ReplicaSets.
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { type LabelSelector, labelSelectorOf } from '../../apimachinery/selectors/label-selector.ts';
import { ignoreNotFound, isAlreadyExists } from '../../apimachinery/status.ts';
import { deployments, pods, replicaSets } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  onEveryChange,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { claimObjects } from '../shared/claim.ts';
import { controlledObjects } from '../shared/controlled.ts';
import { objectsByLabel, objectsSelecting } from '../shared/label-lookup.ts';
import { controllerOf, controllerReference, isControlledBy } from '../shared/owners.ts';
import { mustBeSame } from '../shared/pod-control.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { type DeploymentPlan, reconcile } from './reconcile.ts';
import { kind, revisionAnnotation, sameTemplate } from './revision.ts';

export function deploymentController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const deploymentInformer = informers.informer<Deployment>(deployments);
  const setInformer = informers.informer<ReplicaSet>(replicaSets);
  const podInformer = informers.informer<Pod>(pods);
  const controlled = controlledObjects(podInformer);
  const sets = controlledObjects(setInformer);
  const setsByLabel = objectsByLabel(setInformer);
  const setWrites = new WriteTracker<ReplicaSet>(setInformer, clock);
  const writes = new WriteTracker<Deployment>(deploymentInformer, clock);
  const recorder = recorderOf(context, 'deployment-controller');
  const deploymentClient = client.resource<Deployment>(deployments);
  const setClient = client.resource<ReplicaSet>(replicaSets);

  const waitFor = [deploymentInformer, setInformer, podInformer];
  const controller = new KeyedController({ name: 'deployment-controller', context, waitFor, sync });
  const { queue } = controller;
  const enqueue = (deployment: Readonly<Deployment>) => queue.add(objectKey(deployment));
  onEveryChange(deploymentInformer, enqueue);
  const selecting = objectsSelecting(deploymentInformer, selectorOf);
  const enqueueOwner = (set: Readonly<ReplicaSet>) => {
    const owner = controllerOf(set);
    if (owner?.kind === kind.kind) queue.add(`${set.metadata.namespace}/${owner.name}`);
    if (owner) return;
    for (const key of selecting(set.metadata.namespace ?? '', set.metadata.labels)) queue.add(key);
  };
  onEveryChange(setInformer, enqueueOwner);
  podInformer.addHandler({
    // The last old pod of a Recreate has gone.
    deleted(pod) {
      const set = setInformer.lister.get(controllerOf(pod)?.name ?? '', pod.metadata.namespace);
      if (set) enqueueOwner(set);
    },
  });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const deployment = deploymentInformer.lister.get(name, namespace);
    if (!deployment) return undefined;
    if (setWrites.pending(key) || writes.pending(key)) return { requeueAfter: 1000 };
    if (await claim(key, deployment)) return undefined;
    const owned = sets.of(deployment.metadata.uid);
    const podsOf = (set: Readonly<ReplicaSet>) => controlled.of(set.metadata.uid);
    const plan = reconcile({ deployment, replicaSets: owned, podsOf, now: clock.now() });
    await apply(key, deployment, plan);
    return plan.requeueAfter === undefined ? undefined : { requeueAfter: plan.requeueAfter };
  }

  /** Adopts matching ReplicaSets of nobody, releases those that match no more. True when something was written. */
  async function claim(key: string, deployment: Readonly<Deployment>): Promise<boolean> {
    const selector = selectorOf(deployment);
    const own = sets.of(deployment.metadata.uid);
    const others = setsByLabel.selected(deployment.metadata.namespace ?? '', selector).filter((s) => !controllerOf(s));
    const { adopt, release } = claimObjects({ owner: deployment, selector, objects: [...own, ...others] });
    if (adopt.length > 0) {
      await mustBeSame(deployment, () => deploymentClient.get(deployment.metadata.name, deployment.metadata.namespace));
    }
    const reference = controllerReference(deployment, kind);
    for (const set of [...adopt, ...release]) {
      const kept = (set.metadata.ownerReferences ?? []).filter((r) => r.uid !== reference.uid);
      const ownerReferences = adopt.includes(set) ? [...kept, reference] : kept;
      const { name, namespace = '', uid, resourceVersion } = set.metadata;
      const body = { metadata: { uid, resourceVersion, ownerReferences } };
      setWrites.wrote(key, await setClient.patch({ name, namespace, type: 'merge', body }));
    }
    return adopt.length + release.length > 0;
  }

  async function apply(key: string, deployment: Readonly<Deployment>, plan: DeploymentPlan): Promise<void> {
    if (plan.create && !(await createSet(key, deployment, plan.create))) return;
    for (const set of plan.update) setWrites.wrote(key, await setClient.update(set));
    for (const message of plan.events) {
      recorder.event(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
    }
    for (const set of plan.delete) {
      await setClient.delete(set.metadata.name, set.metadata.namespace).catch(ignoreNotFound);
      setWrites.deleted(key, set);
    }
    await writeStatus(key, deployment, plan);
  }

  /** The revision goes with the status, as upstream's does: it is no change of the deployment's generation. */
  async function writeStatus(key: string, deployment: Readonly<Deployment>, plan: DeploymentPlan): Promise<void> {
    if (plan.revision === undefined && !plan.status) return;
    const updated = jsonCopy(deployment) as Deployment;
    if (plan.revision !== undefined) {
      updated.metadata.annotations = { ...updated.metadata.annotations, [revisionAnnotation]: plan.revision };
    }
    if (plan.status) updated.status = plan.status;
    writes.wrote(key, await deploymentClient.update(updated, { subresource: 'status' }));
  }

  /** False when the name was taken by another, and the next try uses another name. */
  async function createSet(key: string, deployment: Readonly<Deployment>, set: ReplicaSet): Promise<boolean> {
    try {
      setWrites.wrote(key, await setClient.create(set));
      return true;
    } catch (error) {
      if (!isAlreadyExists(error)) {
        const message = `Failed to create new replica set "${set.metadata.name}": ${errorMessage(error)}`;
        recorder.event(deployment, { type: 'Warning', reason: 'ReplicaSetCreateError', message });
        throw error;
      }
    }
    const present = await setClient.get(set.metadata.name, set.metadata.namespace);
    const same = present.spec.template && sameTemplate(present.spec.template, deployment.spec.template);
    if (isControlledBy(present, deployment) && same) {
      setWrites.wrote(key, present);
      return true;
    }
    const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
    writes.wrote(key, await deploymentClient.update({ ...jsonCopy(deployment), status }, { subresource: 'status' }));
    return false;
  }

  return controller;
}

/** An empty selector selects nothing. */
function selectorOf({ spec }: Readonly<Deployment>): LabelSelector | undefined {
  const selector = labelSelectorOf(spec.selector);
  return selector !== undefined && selector.length > 0 ? selector : undefined;
}
