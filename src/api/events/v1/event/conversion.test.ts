import { expect, test } from 'vitest';
import type { Event as CoreEvent } from '../../../core/v1/types.generated.ts';
import type { Event } from '../types.generated.ts';
import { eventFromCore, eventToCore } from './conversion.ts';

const about = { kind: 'Pod', namespace: 'n', name: 'p' };
const old: CoreEvent = {
  kind: 'Event',
  apiVersion: 'v1',
  metadata: { name: 'a', namespace: 'n' },
  involvedObject: about,
  reason: 'Started',
  message: 'Started container c',
  type: 'Normal',
  count: 3,
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:01:00Z',
  source: { component: 'kubelet', host: 'node-1' },
  reportingComponent: 'kubelet',
  reportingInstance: 'node-1',
  eventTime: null as unknown as string,
};
const young: Event = {
  kind: 'Event',
  apiVersion: 'events.k8s.io/v1',
  metadata: { name: 'b', namespace: 'n' },
  regarding: about,
  related: { kind: 'Node', name: 'node-1' },
  reason: 'Killing',
  note: 'Stopping container c',
  type: 'Warning',
  action: 'Stop',
  eventTime: '2026-01-01T00:00:00.000000Z',
  series: { count: 4, lastObservedTime: '2026-01-01T00:02:00.000000Z' },
  reportingController: 'example.com/c',
  reportingInstance: 'i',
};

test('an event of core/v1 comes back from events.k8s.io/v1 as it was', () => {
  const seen = eventFromCore(old);
  expect(seen).toMatchObject({
    regarding: about,
    note: 'Started container c',
    deprecatedCount: 3,
    deprecatedSource: { component: 'kubelet', host: 'node-1' },
    deprecatedFirstTimestamp: '2026-01-01T00:00:00Z',
    reportingController: 'kubelet',
  });
  expect(Object.keys(seen)).not.toContain('message');
  expect(eventToCore(seen)).toEqual(old);
});

test('an event of events.k8s.io/v1 comes back with what Go prints for times and sources that are not set', () => {
  const unset = { deprecatedSource: {}, deprecatedFirstTimestamp: null, deprecatedLastTimestamp: null };
  expect(eventFromCore(eventToCore(young))).toEqual({ ...young, ...unset });
});
