// Keeps the status of PodDisruptionBudgets, by which evictions are allowed.
import { isPodReady } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { PodDisruptionBudget } from '../../api/policy/v1/types.generated.ts';
import { deepEqual } from '../../apimachinery/json/value.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { labelSelectorOf } from '../../apimachinery/selectors/label-selector.ts';
import {
  deployments,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { objectsByLabel, objectsSelecting } from '../shared/label-lookup.ts';
import { controllerOf } from '../shared/owners.ts';
import { needsScale, reconcileBudget, unmanagedMessage } from './reconcile.ts';
import { createScaleOf } from './scale.ts';
import { staleDisruptions } from './stale-conditions.ts';

export function disruptionController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const budgetInformer = informers.informer<PodDisruptionBudget>(podDisruptionBudgets);
  const podInformer = informers.informer<Pod>(pods);
  const scaleOf = createScaleOf(context);
  const owners = [deployments, replicaSets, statefulSets, replicationControllers];
  const ownerInformers = owners.map((resource) => informers.informer<KubeObject>(resource));
  const recorder = recorderOf(context, 'controllermanager');
  const budgetClient = client.resource<PodDisruptionBudget>(podDisruptionBudgets);

  const waitFor = [budgetInformer, podInformer, ...ownerInformers];
  const controller = new KeyedController({ name: 'disruption-controller', context, waitFor, sync });
  const { queue } = controller;
  budgetInformer.addHandler({
    added: (budget) => queue.add(objectKey(budget)),
    updated: (budget) => queue.add(objectKey(budget)),
  });
  const selectorOf = ({ spec }: Readonly<PodDisruptionBudget>) => labelSelectorOf(spec?.selector);
  const podsByLabel = objectsByLabel(podInformer);
  const selecting = objectsSelecting(budgetInformer, selectorOf);
  const enqueueBudgetsOf = (pod: Readonly<Pod>) => {
    for (const key of selecting(pod.metadata.namespace ?? '', pod.metadata.labels)) queue.add(key);
  };
  podInformer.addHandler({
    added: enqueueBudgetsOf,
    updated(pod, old) {
      if (!matters(pod, old)) return;
      enqueueBudgetsOf(pod);
      enqueueBudgetsOf(old);
    },
    deleted: enqueueBudgetsOf,
  });
  for (const informer of ownerInformers) {
    const enqueue = ({ metadata }: Readonly<KubeObject>) => {
      for (const budget of budgetInformer.lister.list(metadata.namespace)) {
        if (needsScale(budget)) queue.add(objectKey(budget));
      }
    };
    // Their statuses change far more often than what they want.
    informer.addHandler({
      added: enqueue,
      updated: (object, old) => object.metadata.generation !== old.metadata.generation && enqueue(object),
      deleted: enqueue,
    });
  }

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const budget = budgetInformer.lister.get(name, namespace);
    if (!budget) return undefined;
    const selected = podsByLabel.selected(namespace, selectorOf(budget));
    if (selected.length === 0) {
      recorder.event(budget, { type: 'Normal', reason: 'NoPods', message: 'No matching pods found' });
    }
    const scale = needsScale(budget) ? await scaleOf(selected, namespace) : 0;
    const result = reconcileBudget({ budget, pods: selected, scale, now: clock.now() });
    if (result.failure === undefined && needsScale(budget) && selected.some((pod) => !controllerOf(pod))) {
      recorder.event(budget, { type: 'Warning', reason: 'UnmanagedPods', message: unmanagedMessage(budget) });
    }
    if (result.failure !== undefined) {
      const message = `Failed to calculate the number of expected pods: ${result.failure}`;
      recorder.event(budget, { type: 'Warning', reason: 'CalculateExpectedPodCountFailed', message });
    }
    for (const pod of selected.filter(({ metadata }) => result.notDeleted.includes(metadata.name))) {
      const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
      recorder.event(pod, { type: 'Warning', reason: 'NotDeleted', message });
    }
    // The status is that of the budget as it was read: a charge that came between makes this a conflict.
    if (!deepEqual(result.status, budget.status)) {
      await budgetClient.update({ ...budget, status: result.status }, { subresource: 'status' });
    }
    return result.recheckAfter === undefined ? undefined : { requeueAfter: result.recheckAfter };
  }

  const stale = staleDisruptions(context);
  return {
    async run(signal) {
      await Promise.all([controller.run(signal), stale.run(signal)]);
    },
  };
}

/** Whether a change of a pod can change how many are healthy, or who counts it. */
function matters(pod: Readonly<Pod>, old: Readonly<Pod>): boolean {
  return (
    isPodReady(pod) !== isPodReady(old) ||
    pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
    controllerOf(pod)?.uid !== controllerOf(old)?.uid ||
    !deepEqual(pod.metadata.labels, old.metadata.labels)
  );
}
