// Which changes of objects change answers.
import { describe, expect, test } from 'vitest';
import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { ClusterZone } from './view.ts';

const service = (spec: Service['spec'], labels: Record<string, string> = {}): Service => ({
  metadata: { name: 'web', namespace: 'demo', labels },
  spec,
});
const plain = { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ name: 'http', port: 80 }] };

describe('a Service', () => {
  test.each<[string, Service, Service, string[]]>([
    [
      'with another ClusterIP',
      service(plain),
      service({ ...plain, clusterIPs: ['10.96.0.8'] }),
      ['@10.96.0.7', '@10.96.0.8', 'demo/web'],
    ],
    [
      'with another port name',
      service(plain),
      service({ ...plain, ports: [{ name: 'https', port: 80 }] }),
      ['@10.96.0.7', 'demo/web'],
    ],
    [
      'with one port more',
      service(plain),
      service({ ...plain, ports: [...plain.ports, { name: 'https', port: 443 }] }),
      ['@10.96.0.7', 'demo/web'],
    ],
    [
      'with another external name',
      service({ type: 'ExternalName', externalName: 'a.example' }),
      service({ type: 'ExternalName', externalName: 'b.example' }),
      ['demo/web'],
    ],
    ['with external addresses', service(plain), service({ ...plain, externalIPs: ['192.0.2.7'] }), []],
    ['with another label', service(plain), service(plain, { a: 'b' }), []],
    [
      'with another target port',
      service(plain),
      service({ ...plain, ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
      [],
    ],
  ])('%s', (_, before, after, dependencies) => {
    const zone = new ClusterZone();
    zone.setService(before);
    expect([...new Set(zone.setService(after))].sort()).toEqual(dependencies);
  });
});

describe('a slice', () => {
  const slice = (parts: Partial<EndpointSlice>, of = 'web'): EndpointSlice => ({
    metadata: { name: 'web-abc', namespace: 'demo', labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [{ addresses: ['10.244.1.5'], conditions: { ready: true } }],
    ...parts,
  });
  const endpoint = { addresses: ['10.244.1.5'] };
  test.each<[string, EndpointSlice, string[]]>([
    ['with conditions that nobody sees', slice({ endpoints: [{ ...endpoint, conditions: { serving: true } }] }), []],
    [
      'with a hint and a node',
      slice({ endpoints: [{ ...endpoint, nodeName: 'a', hints: { forZones: [{ name: 'z' }] } }] }),
      [],
    ],
    ['with a hostname', slice({ endpoints: [{ ...endpoint, hostname: 'a' }] }), ['@10.244.1.5', 'demo/web']],
    [
      'without its endpoint',
      slice({ endpoints: [{ ...endpoint, conditions: { ready: false } }] }),
      ['@10.244.1.5', 'demo/web'],
    ],
    ['with another port', slice({ ports: [{ name: 'http', port: 8081 }] }), ['@10.244.1.5', 'demo/web']],
    ['of another Service', slice({}, 'other'), ['@10.244.1.5', 'demo/other', 'demo/web']],
  ])('%s', (_, after, dependencies) => {
    const zone = new ClusterZone();
    zone.setSlice(slice({}));
    expect([...new Set(zone.updateSlice(slice({}), after))].sort()).toEqual(dependencies);
    const known = ['web', 'other'].flatMap((name) => zone.endpoints('demo', name));
    expect(known).toHaveLength(after.endpoints?.filter(({ conditions }) => conditions?.ready !== false).length ?? 0);
  });
});

test('a Pod touches its address when it comes, goes or ends, and not in between', () => {
  const zone = new ClusterZone();
  const pod = (status: Pod['status'], deletionTimestamp?: string): Pod => ({
    metadata: { name: 'p', namespace: 'demo', ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    spec: { containers: [] },
    status,
  });
  const running = { phase: 'Running', podIPs: [{ ip: '10.1.2.3' }] };
  expect(zone.setPod(pod({ phase: 'Pending' }))).toEqual([]);
  expect(zone.setPod(pod(running))).toEqual(['@10.1.2.3']);
  expect(zone.setPod(pod({ ...running, message: 'well' }))).toEqual([]);
  expect(zone.setPod(pod({ ...running, phase: 'Succeeded' }))).toEqual(['@10.1.2.3']);
  expect(zone.setPod(pod(running))).toEqual(['@10.1.2.3']);
  expect(zone.setPod(pod(running, '2026-01-01T00:00:00Z'))).toEqual(['@10.1.2.3']);
  expect(zone.hasPod('demo', '10.1.2.3')).toBe(false);
});
