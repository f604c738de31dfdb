// Kinds that are served in two versions or groups are one set of objects.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HorizontalPodAutoscaler as V1 } from '../../api/autoscaling/v1/types.generated.ts';
import type { HorizontalPodAutoscaler as V2 } from '../../api/autoscaling/v2/types.generated.ts';
import type { Event as CoreEvent } from '../../api/core/v1/types.generated.ts';
import type { Event } from '../../api/events/v1/types.generated.ts';
import type { Status } from '../../apimachinery/meta/v1.generated.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const v1 = '/apis/autoscaling/v1/namespaces/n/horizontalpodautoscalers';
const v2 = '/apis/autoscaling/v2/namespaces/n/horizontalpodautoscalers';
const coreEvents = '/api/v1/namespaces/n/events';
const events = '/apis/events.k8s.io/v1/namespaces/n/events';
let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});
afterEach(() => server.stop());

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };

test('an autoscaler made in v1 is there in v2, and a v2 change shows in v1', async () => {
  const made = await server.send<V1>('POST', v1, { metadata: { name: 'h' }, spec: { scaleTargetRef, maxReplicas: 3 } });
  expect(made.body).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 80 } });
  const { body } = await server.send<V2>('GET', `${v2}/h`);
  expect(body).toMatchObject({
    apiVersion: 'autoscaling/v2',
    spec: { metrics: [{ resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }] },
  });
  const metrics = [
    { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  ];
  await server.send('PUT', `${v2}/h`, { ...body, spec: { ...body.spec, metrics } });
  const again = (await server.send<V1>('GET', `${v1}/h`)).body;
  expect(again.spec.targetCPUUtilizationPercentage).toBeUndefined();
  expect(again.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics']).toContain('memory');
  await server.send('PUT', `${v1}/h`, { ...again, spec: { ...again.spec, maxReplicas: 9 } });
  expect((await server.send<V2>('GET', `${v2}/h`)).body).toMatchObject({ spec: { maxReplicas: 9, metrics } });
  expect((await server.send<{ items: unknown[] }>('GET', v1)).body.items).toHaveLength(1);
});

test('an autoscaler is refused in the same words in both versions', async () => {
  const body = { metadata: { name: 'h' }, spec: { scaleTargetRef, minReplicas: 5, maxReplicas: 3 } };
  const text =
    'HorizontalPodAutoscaler.autoscaling "h" is invalid: spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`';
  for (const url of [v1, v2]) expect((await server.send<Status>('POST', url, body)).body.message).toBe(text);
});

test('events of both groups are one; those of events.k8s.io must be complete', async () => {
  const about = { kind: 'Pod', namespace: 'n', name: 'p' };
  const first = {
    metadata: { name: 'a' },
    involvedObject: about,
    reason: 'R',
    message: 'hi',
    type: 'Normal',
    count: 2,
  };
  await server.send<CoreEvent>('POST', coreEvents, first);
  expect((await server.send<Event>('GET', `${events}/a`)).body).toMatchObject({
    regarding: about,
    note: 'hi',
    deprecatedCount: 2,
  });
  const second = {
    metadata: { name: 'b' },
    regarding: about,
    reason: 'R',
    note: 'ho',
    type: 'Normal',
    action: 'A',
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'example.com/c',
    reportingInstance: 'i',
  };
  expect((await server.send('POST', events, second)).status).toBe(201);
  expect((await server.send<CoreEvent>('GET', `${coreEvents}/b`)).body).toMatchObject({
    involvedObject: about,
    message: 'ho',
    reportingComponent: 'example.com/c',
  });
  const { body } = await server.send<Status>('POST', events, { metadata: { name: 'c' }, regarding: about, type: 'X' });
  expect(body.message).toBe(
    'Event.events.k8s.io "c" is invalid: [eventTime: Required value, type: Invalid value: "": has invalid value: X]',
  );
  const changed = await server.send<Status>('PATCH', `${events}/b`, { note: 'other' }, 'application/merge-patch+json');
  expect(changed.body.message).toContain('message: Invalid value: "other": field is immutable');
});
