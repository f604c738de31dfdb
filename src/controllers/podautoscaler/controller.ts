// Scales what HorizontalPodAutoscalers point at, by the resource metrics of its pods.

import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
} from '../../api/autoscaling/v2/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { type KubeList, type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { parseQuantity, quantityMilliValue } from '../../apimachinery/quantity.ts';
import { parseLabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { pods } from '../../client/resources.ts';
import { readText } from '../../client/watch-stream.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { objectsByLabel } from '../shared/label-lookup.ts';
import { findScale } from '../shared/scale-client.ts';
import type { ScalingMemory } from './behavior.ts';
import { mergeConditions, reconcile } from './reconcile.ts';
import type { PodMetric } from './replica-calculator.ts';

const resource = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' };
const kind = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' };
/** Milliseconds: kube-controller-manager's horizontal-pod-autoscaler-sync-period. */
const period = 15_000;

interface PodMetrics extends KubeObject {
  timestamp?: string;
  window?: string;
  containers?: { name: string; usage?: Record<string, string> }[];
}

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
    if (typeof found === 'string') {
      await tellNoScale(autoscaler, found);
      return again;
    }
    const selector = found.scale.status?.selector;
    const selected = podsByLabel.selected(namespace, selector ? parseLabelSelector(selector) : undefined);
    const plan = reconcile({
      autoscaler,
      current: found.scale.spec.replicas ?? 0,
      pods: selected,
      metrics: await metricsOf(namespace, selector, autoscaler),
      memory: memories.get(key) ?? { recommendations: [], changes: [] },
      now: clock.now(),
    });
    for (const event of plan.events) recorder.event({ ...autoscaler, ...kind }, { type: 'Warning', ...event });
    if (plan.rescale) {
      const { replicas, reason } = plan.rescale;
      try {
        await found.resize(replicas);
      } catch (error) {
        const message = `New size: ${replicas}; reason: ${reason}; error: ${(error as Error).message}`;
        recorder.event({ ...autoscaler, ...kind }, { type: 'Warning', reason: 'FailedRescale', message });
        throw error;
      }
      const message = `New size: ${replicas}; reason: ${reason}`;
      recorder.event({ ...autoscaler, ...kind }, { type: 'Normal', reason: 'SuccessfulRescale', message });
    }
    memories.set(key, plan.memory);
    await writeStatus(autoscaler, plan.status);
    return again;
  }

  async function tellNoScale(autoscaler: Readonly<HorizontalPodAutoscaler>, why: string): Promise<void> {
    recorder.event({ ...autoscaler, ...kind }, { type: 'Warning', reason: 'FailedGetScale', message: why });
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

  /** By resource name, then by pod; one question for all resources. */
  async function metricsOf(
    namespace: string,
    selector: string | undefined,
    { spec }: Readonly<HorizontalPodAutoscaler>,
  ): Promise<Map<string, ReadonlyMap<string, PodMetric> | string>> {
    const names = new Set((spec.metrics ?? []).flatMap((m) => m.resource?.name ?? m.containerResource?.name ?? []));
    const answers = new Map<string, ReadonlyMap<string, PodMetric> | string>();
    if (names.size === 0) return answers;
    const query = selector ? `?labelSelector=${encodeURIComponent(selector)}` : '';
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods${query}`;
    const response = await client.raw({ method: 'GET', path, headers: { accept: 'application/json' } });
    const text = await readText(response.body);
    for (const name of names) {
      if (response.status !== 200) {
        const why = 'unable to fetch metrics from resource metrics API';
        answers.set(name, `${why}: the server could not find the requested resource (get pods.metrics.k8s.io)`);
      } else answers.set(name, read(JSON.parse(text) as KubeList<PodMetrics>, name));
    }
    return answers;
  }

  return controller;
}

function read({ items }: KubeList<PodMetrics>, resourceName: string): ReadonlyMap<string, PodMetric> | string {
  const found = new Map<string, PodMetric>();
  for (const { metadata, timestamp, window, containers = [] } of items) {
    const usage = containers.flatMap(({ name, usage: of }): [string, number][] => {
      const amount = ownValue(of, resourceName);
      return amount === undefined ? [] : [[name, quantityMilliValue(parseQuantity(amount))]];
    });
    if (usage.length < containers.length || usage.length === 0) continue;
    const seconds = Number(/^([\d.]+)s$/.exec(window ?? '')?.[1] ?? 60);
    found.set(metadata.name, {
      time: Date.parse(timestamp ?? ''),
      window: seconds * 1000,
      containers: Object.fromEntries(usage),
    });
  }
  return found.size === 0 ? 'no metrics returned from resource metrics API' : found;
}
