import { expect, test } from 'vitest';
import type { KubeObject } from '../apimachinery/object.ts';
import { validObjects, writtenObject } from './valid-objects.ts';

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

test('a Service of another type loses what only its old type had, as on a server', () => {
  const [live] = check(web({ type: 'NodePort', clusterIP: '10.96.0.1', ports: [{ port: 80, nodePort: 30080 }] }));
  const changed = { ...live!, spec: { ...(live as { spec?: object }).spec, type: 'ClusterIP' } } as KubeObject;
  const { spec } = writtenObject(changed, live) as KubeObject & { spec: object };
  expect(spec).not.toHaveProperty('externalTrafficPolicy');
  expect(spec).toMatchObject({ clusterIP: '10.96.0.1', ports: [expect.not.objectContaining({ nodePort: 30080 })] });
});

test('a new object is prepared: a definition has its stored version, and a pod keeps the address that it is said to have', () => {
  const schema = { openAPIV3Schema: { type: 'object' } };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      names: { kind: 'Thing', plural: 'things' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  expect(writtenObject(definition as KubeObject, undefined)).toMatchObject({ status: { storedVersions: ['v1'] } });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'demo' },
    spec: { containers: [{ name: 'c', image: 'x' }] },
    status: { phase: 'Running', podIP: '10.244.0.5' },
  };
  expect(writtenObject(pod as KubeObject, undefined)).toMatchObject({ status: pod.status });
});
