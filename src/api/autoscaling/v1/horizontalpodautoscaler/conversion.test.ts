import { expect, test } from 'vitest';
import { defaultAutoscaler } from '../../v2/horizontalpodautoscaler/defaults.ts';
import type { MetricSpec, HorizontalPodAutoscaler as Stored } from '../../v2/types.generated.ts';
import type { HorizontalPodAutoscaler } from '../types.generated.ts';
import { autoscalerFromV2, autoscalerToV2 } from './conversion.ts';
import { horizontalPodAutoscalerV1 } from './index.ts';
import { flatSpec } from './metrics.ts';

const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const metrics: MetricSpec[] = [
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 60 } },
  },
  {
    type: 'Pods',
    pods: {
      metric: { name: 'requests', selector: { matchLabels: { a: 'b' } } },
      target: { type: 'AverageValue', averageValue: '10' },
    },
  },
  {
    type: 'Object',
    object: { describedObject: scaleTargetRef, metric: { name: 'm' }, target: { type: 'Value', value: '5' } },
  },
  {
    type: 'Object',
    object: {
      describedObject: scaleTargetRef,
      metric: { name: 'm' },
      target: { type: 'AverageValue', averageValue: '5' },
    },
  },
  {
    type: 'External',
    external: {
      metric: { name: 'queue', selector: { matchLabels: { q: '1' } } },
      target: { type: 'Value', value: '30' },
    },
  },
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
];
const stored: Stored = {
  kind: 'HorizontalPodAutoscaler',
  apiVersion: 'autoscaling/v2',
  metadata: { name: 'h', namespace: 'n', annotations: { mine: 'stays' } },
  spec: {
    scaleTargetRef,
    minReplicas: 2,
    maxReplicas: 5,
    metrics,
    behavior: { scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
  },
  status: {
    currentReplicas: 3,
    desiredReplicas: 4,
    observedGeneration: 7,
    conditions: [{ type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '100m' } } },
      { type: 'External', external: { metric: { name: 'queue' }, current: { value: '12' } } },
    ],
  },
};

test('a v2 autoscaler comes back from v1 as it was', () => {
  expect(autoscalerToV2(autoscalerFromV2(stored))).toEqual(stored);
});

test('v1 has a field for CPU, and annotations in the flat form for the rest', () => {
  const v1 = autoscalerFromV2(stored);
  expect(v1.spec).toEqual({ scaleTargetRef, minReplicas: 2, maxReplicas: 5, targetCPUUtilizationPercentage: 50 });
  expect(v1.status).toEqual({
    currentReplicas: 3,
    desiredReplicas: 4,
    observedGeneration: 7,
    currentCPUUtilizationPercentage: 40,
  });
  const flat = JSON.parse(v1.metadata.annotations?.[metricsAnnotation] ?? '') as unknown[];
  expect(flat.slice(0, 4)).toEqual([
    { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
    { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', targetAverageUtilization: 60 } },
    { type: 'Pods', pods: { metricName: 'requests', selector: { matchLabels: { a: 'b' } }, targetAverageValue: '10' } },
    { type: 'Object', object: { target: scaleTargetRef, metricName: 'm', targetValue: '5' } },
  ]);
  expect(v1.metadata.annotations?.['autoscaling.alpha.kubernetes.io/behavior']).toBe(
    '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Min","Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":60}],"Tolerance":null}}',
  );
});

test('a plain v1 autoscaler needs no annotations, and broken ones are passed over', () => {
  const spec = { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 70 };
  const v1 = { metadata: { name: 'h', annotations: { [metricsAnnotation]: '{' } }, spec };
  const v2 = autoscalerToV2(v1);
  expect(v2.metadata).toEqual({ name: 'h' });
  expect(v2.spec.metrics).toEqual(
    [metrics.at(-1)].map((m) => ({
      ...m,
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
    })),
  );
  expect(autoscalerFromV2(v2)).toMatchObject({ metadata: { name: 'h' }, spec });
});

test('amounts that the flat form always has are 0 where there are none, in its order', () => {
  const v1 = autoscalerFromV2({
    ...stored,
    status: {
      ...stored.status,
      desiredReplicas: 1,
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } },
        { type: 'External', external: { metric: { name: 'q' }, current: { averageValue: '12' } } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'c', current: { averageValue: '100m' } },
        },
      ],
    },
  });
  expect(v1.metadata.annotations?.['autoscaling.alpha.kubernetes.io/current-metrics']).toBe(
    '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":40,"currentAverageValue":"0"}},' +
      '{"type":"External","external":{"metricName":"q","currentValue":"0","currentAverageValue":"12"}},' +
      '{"type":"ContainerResource","containerResource":{"name":"cpu","currentAverageValue":"100m","container":"c"}}]',
  );
});

test('what one version carries in annotations is not taken over by the other', () => {
  const annotations = { [metricsAnnotation]: '[]', mine: 'stays' };
  const own: Stored = {
    metadata: { name: 'h', annotations: { ...annotations } },
    spec: { scaleTargetRef, maxReplicas: 3 },
  };
  expect(autoscalerFromV2(own).metadata.annotations).toEqual({ mine: 'stays' });
  defaultAutoscaler(own);
  expect(own.metadata.annotations).toEqual({ mine: 'stays' });
});

test('metrics that cannot be read are none, so that the usual one is measured', () => {
  const spec = { scaleTargetRef, maxReplicas: 3 };
  const texts = ['{', '{}', '[null]', '[]', JSON.stringify([flatSpec(metrics[0]!)])];
  const targets = texts.map((text) => {
    const object: HorizontalPodAutoscaler = {
      metadata: { name: 'h', annotations: { [metricsAnnotation]: text } },
      spec: { ...spec },
    };
    horizontalPodAutoscalerV1.strategy!.default!(object);
    return object.spec.targetCPUUtilizationPercentage;
  });
  expect(targets).toEqual([80, 80, 80, 80, undefined]);
});
