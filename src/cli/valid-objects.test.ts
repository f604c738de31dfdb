import { expect, test } from 'vitest';
import type { KubeObject } from '../apimachinery/object.ts';
import { validObjects } from './valid-objects.ts';

const kinds = ['Service', 'EndpointSlice', 'Node'];
const web = (spec: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'demo' },
  spec: { ports: [{ port: 80 }], ...spec },
  ...more,
});
const slice = (more: object) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'demo' },
  addressType: 'IPv4',
  endpoints: [],
  ports: [],
  ...more,
});
const check = (...objects: object[]) => validObjects(objects as KubeObject[], kinds);

test("objects get the API's defaults, and the given ones stay as they are", () => {
  const given = web({ clusterIP: '10.96.0.1' });
  expect(check(given)).toMatchObject([
    { spec: { type: 'ClusterIP', clusterIPs: ['10.96.0.1'], ports: [{ protocol: 'TCP' }], sessionAffinity: 'None' } },
  ]);
  expect(given).toEqual(web({ clusterIP: '10.96.0.1' }));
});

test('what an API server would allocate may be missing', () => {
  const balancer = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
  expect(
    check(web({}), web(balancer), web({}, { metadata: { name: 'web' } }), web({ clusterIP: 'None' })),
  ).toHaveLength(4);
});

test('what an API server holds is not refused, such as the endpoint of a server on loopback', () => {
  expect(check(slice({ endpoints: [{ addresses: ['127.0.0.1'] }, { addresses: ['010.0.0.1'] }] }))).toHaveLength(1);
});

test('other kinds are left out', () => {
  expect(check({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } })).toEqual([]);
});

test.each([
  [web({ ports: [{ port: 0 }] }), 'Service "web" is invalid: [spec.ports[0].port: Invalid value: 0'],
  [web({ clusterIP: 'x' }), 'spec.clusterIPs[0]: Invalid value: "x"'],
  [web({}, { spec: 'text' }), 'Service "web" is invalid: it is no Service: '],
  [
    slice({ endpoints: [{ addresses: ['10.0.0.256; drop'] }] }),
    'EndpointSlice "web-1" is invalid: endpoints[0].addresses[0]: Invalid value: "10.0.0.256; drop"',
  ],
  [slice({ addressType: 'IPv5' }), 'addressType'],
  [
    slice({ apiVersion: 'discovery.k8s.io/v1beta1' }),
    'there is no EndpointSlice of discovery.k8s.io/v1beta1: use discovery.k8s.io/v1',
  ],
])('%j is refused', (object, message) => {
  expect(() => check(object)).toThrow(message);
});
