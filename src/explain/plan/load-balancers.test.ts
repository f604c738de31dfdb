import { expect, test } from 'vitest';
import { loadBalancerCleanupFinalizer } from '../../api/core/v1/service/load-balancer.ts';
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { withLoadBalancers } from './load-balancers.ts';

const pool = (name: string, addresses: readonly string[]): KubeObject =>
  ({ kind: 'LoadBalancerPool', metadata: { name }, spec: { addresses } }) as KubeObject;

const service = (name: string, ip?: string, spec: Partial<Service['spec']> = {}): KubeObject =>
  ({
    kind: 'Service',
    metadata: { name, namespace: 'demo', ...(ip && { finalizers: [loadBalancerCleanupFinalizer] }) },
    spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'], ...spec },
    status: { loadBalancer: ip ? { ingress: [{ ip, ipMode: 'VIP' }] } : {} },
  }) as KubeObject;

const changesOf = (...objects: KubeObject[]) => withLoadBalancers(objects).changes;

test('new ones are given what is free, in their order; those that there are keep theirs', () => {
  const range = pool('a', ['192.0.2.1-192.0.2.9']);
  expect(changesOf(range, service('one', '192.0.2.2'), service('two'), service('three'))).toEqual([
    { object: 'Service demo/two', before: [], after: ['192.0.2.1'] },
    { object: 'Service demo/three', before: [], after: ['192.0.2.3'] },
  ]);
  const { objects } = withLoadBalancers([range, service('two')]);
  expect(objects[1]).toMatchObject({
    metadata: { finalizers: [loadBalancerCleanupFinalizer] },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
  });
});

test('where there is none left it is said whom one waits for, and an address that becomes free is given', () => {
  const one = pool('a', ['192.0.2.1']);
  const waiting = { object: 'Service demo/two', before: [], after: [] };
  expect(changesOf(one, service('one', '192.0.2.1'), service('two'))).toEqual([
    { ...waiting, waitsFor: 'no free IPv4 address in LoadBalancerPool "a"' },
  ]);
  expect(changesOf(one, service('two'))).toEqual([{ ...waiting, after: ['192.0.2.1'] }]);
});

test('one that is none any more loses its address', () => {
  const { objects, changes } = withLoadBalancers([
    pool('a', ['192.0.2.1']),
    service('two'),
    service('one', '192.0.2.1', { type: 'ClusterIP' }),
  ]);
  expect(changes).toEqual([
    { object: 'Service demo/two', before: [], after: ['192.0.2.1'] },
    { object: 'Service demo/one', before: ['192.0.2.1'], after: [] },
  ]);
  expect(objects[2]).toMatchObject({ status: { loadBalancer: {} } });
});

test('without pools, and for classes of others, nothing is foreseen', () => {
  expect(changesOf(service('one'))).toEqual([]);
  expect(changesOf(pool('a', ['192.0.2.1']), service('one', undefined, { loadBalancerClass: 'other/x' }))).toEqual([]);
});
