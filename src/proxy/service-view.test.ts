import { describe, expect, test } from 'vitest';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { endpoint, nodeA, service, slice } from './fixtures/objects.ts';
import { ServiceView } from './service-view.ts';

const relabelled = (object: EndpointSlice, labels: Record<string, string>): EndpointSlice => ({
  ...object,
  metadata: { ...object.metadata, labels },
});
const one = slice('web', [endpoint('10.244.1.1', 'node-a')], 'one');

function reachable(view: ServiceView, name = 'demo/web'): string[] {
  return view.plans(name, 'IPv4', nodeA).flatMap((plan) => plan.reachable.map(({ ip }) => ip));
}

describe('slices are counted', () => {
  test('to the Service that their label names, in its namespace, in whatever order they come', () => {
    const view = new ServiceView();
    view.setSlice(one);
    view.setSlice({ ...one, metadata: { ...one.metadata, namespace: 'other' } });
    view.setSlice(slice('web', [endpoint('10.244.1.2', 'node-b')], 'two'));
    expect(reachable(view)).toEqual([]);
    view.setService(service({ name: 'web' }));
    expect(reachable(view)).toEqual(['10.244.1.1', '10.244.1.2']);
    expect(view.takeChanged().sort()).toEqual(['demo/web', 'other/web']);
  });

  test.each([
    ['without a name of a Service', {}],
    ['of a headless Service', { 'kubernetes.io/service-name': 'web', 'service.kubernetes.io/headless': '' }],
  ])('not when they are %s, nor any more when they become so', (_, labels) => {
    const view = new ServiceView();
    view.setService(service({ name: 'web' }));
    view.setSlice(relabelled(one, labels));
    expect(reachable(view)).toEqual([]);
    view.setSlice(one);
    expect(reachable(view)).toEqual(['10.244.1.1']);
    view.setSlice(relabelled(one, labels));
    expect(reachable(view)).toEqual([]);
  });

  test('to another Service when their label changes, and both changed', () => {
    const view = new ServiceView();
    view.setService(service({ name: 'web' }));
    view.setService(service({ name: 'new', clusterIP: '10.96.0.11' }));
    view.setSlice(one);
    view.takeChanged();
    view.setSlice(relabelled(one, { 'kubernetes.io/service-name': 'new' }));
    expect([reachable(view), reachable(view, 'demo/new')]).toEqual([[], ['10.244.1.1']]);
    expect(view.takeChanged().sort()).toEqual(['demo/new', 'demo/web']);
  });
});

test('what is gone is forgotten, and what was never there is no change', () => {
  const view = new ServiceView();
  view.deleteService(service({ name: 'never' }));
  view.deleteSlice(one);
  expect(view.hasChanges).toBe(false);
  view.setService(service({ name: 'web' }));
  view.setSlice(one);
  view.deleteService(service({ name: 'web' }));
  expect(reachable(view)).toEqual([]);
  expect([...view.names()]).toEqual(['demo/web']);
  view.deleteSlice(one);
  expect([...view.names()]).toEqual([]);
});
