// Scales what HorizontalPodAutoscalers point at, by the metrics of its pods, of objects, or from outside.

import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
} from '../../api/autoscaling/v2/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { pods } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { objectsByLabel } from '../shared/label-lookup.ts';
import { findScale } from '../shared/scale-client.ts';
import { firstMemory, type ScalingMemory } from './behavior.ts';
import { customMetrics, resourceMetrics } from './metrics-client.ts';
import { mergeConditions, reconcile } from './reconcile.ts';
import { readScaleSelector } from './scale-selector.ts';

const resource = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' };
/** Milliseconds: kube-controller-manager's horizontal-pod-autoscaler-sync-period. */
const period = 15_000;

export function horizontalPodAutoscalerController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<HorizontalPodAutoscaler>(resource);
  const podInformer = informers.informer<Pod>(pods);
  const podsByLabel = objectsByLabel(podInformer);
  const recorder = recorderOf(context, 'horizontal-pod-autoscaler');
  const api = client.resource<HorizontalPodAutoscaler>(resource);
  const memories = new Map<string, ScalingMemory>();

  const waitFor = [informer, podInformer];
  const controller = new KeyedController({ name: 'horizontal-pod-autoscaler-controller', context, waitFor, sync });
  informer.addHandler({
    added: (one) => controller.queue.add(objectKey(one)),
    updated: (one, old) => one.metadata.generation !== old.metadata.generation && controller.queue.add(objectKey(one)),
    deleted: (one) => memories.delete(objectKey(one)),
  });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const autoscaler = informer.lister.get(name, namespace);
    if (!autoscaler || autoscaler.metadata.deletionTimestamp) return undefined;
    const again = { requeueAfter: period };
    const { apiVersion = 'v1', ...ref } = autoscaler.spec.scaleTargetRef;
    const found = await findScale(client, { ...ref, apiVersion, namespace });
    if ('why' in found) {
      await tellNoScale(autoscaler, found.message);
      return again;
    }
    const selector = found.scale.status?.selector ?? '';
    const { selector: wanted, refusal } = readScaleSelector(selector);
    const selected = podsByLabel.selected(namespace, wanted);
    const specs = autoscaler.spec.metrics ?? [];
    const names = new Set(specs.flatMap((m) => m.resource?.name ?? m.containerResource?.name ?? []));
    const scope = { namespace, selector };
    const [metrics, custom] = await Promise.all([
      resourceMetrics(client, names, scope),
      customMetrics(client, specs, scope),
    ]);
    const current = found.scale.spec.replicas ?? 0;
    const plan = reconcile({
      autoscaler,
      current,
      pods: selected,
      refusal,
      statusReplicas: found.scale.status?.replicas ?? 0,
      metrics,
      custom,
      memory: memories.get(key) ?? firstMemory(current, clock.monotonic()),
      now: clock.now(),
      at: clock.monotonic(),
    });
    for (const event of plan.events) recorder.event(autoscaler, { type: 'Warning', ...event });
    if (plan.rescale) {
      const { replicas, reason } = plan.rescale;
      try {
        await found.resize(replicas);
      } catch (error) {
        const message = `New size: ${replicas}; reason: ${reason}; error: ${errorMessage(error)}`;
        recorder.event(autoscaler, { type: 'Warning', reason: 'FailedRescale', message });
        throw error;
      }
      const message = `New size: ${replicas}; reason: ${reason}`;
      recorder.event(autoscaler, { type: 'Normal', reason: 'SuccessfulRescale', message });
    }
    memories.set(key, plan.memory);
    await writeStatus(autoscaler, plan.status);
    return again;
  }

  async function tellNoScale(autoscaler: Readonly<HorizontalPodAutoscaler>, why: string): Promise<void> {
    recorder.event(autoscaler, { type: 'Warning', reason: 'FailedGetScale', message: why });
    const message = `the HPA controller was unable to get the target's current scale: ${why}`;
    const told = { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message };
    const { status } = autoscaler;
    const conditions = mergeConditions(status?.conditions ?? [], [told], clock.now());
    await writeStatus(autoscaler, { desiredReplicas: 0, ...status, conditions });
  }

  async function writeStatus(autoscaler: Readonly<HorizontalPodAutoscaler>, status: HorizontalPodAutoscalerStatus) {
    if (jsonEqual(status, autoscaler.status)) return;
    await api.update({ ...jsonCopy(autoscaler), status }, { subresource: 'status' });
  }

  return controller;
}
