import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Container, LimitRangeItem, Pod } from '../../../api/core/v1/types.generated.ts';
import type { Status } from '../../../apimachinery/meta/v1.generated.ts';
import { startTestServer, type TestServer } from '../../fake/test-server.ts';
import { podViolations } from './constraints.ts';

const range = (...limits: LimitRangeItem[]) => ({ metadata: { name: 'r' }, spec: { limits } });
const container = (resources: Container['resources'] = {}, name = 'c'): Container => ({ name, image: 'i', resources });
const podOf = (...containers: Container[]): Pod => ({ metadata: { name: 'p' }, spec: { containers } });

test.each<[string, LimitRangeItem, Container['resources'], string[]]>([
  [
    'below the minimum',
    { type: 'Container', min: { cpu: '100m', memory: '1Gi' } },
    { requests: { cpu: '50m' }, limits: { cpu: '50m' } },
    [
      'minimum cpu usage per Container is 100m, but request is 50m',
      'minimum memory usage per Container is 1Gi.  No request is specified',
    ],
  ],
  [
    'above the maximum',
    { type: 'Container', max: { cpu: '1', memory: '1Gi' } },
    { limits: { cpu: '1500m' } },
    [
      'maximum cpu usage per Container is 1, but limit is 1500m',
      'maximum memory usage per Container is 1Gi.  No limit is specified',
    ],
  ],
  [
    'too far apart',
    { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
    { requests: { cpu: '100m' }, limits: { cpu: '1' } },
    ['cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000'],
  ],
  [
    'as it was written',
    { type: 'Container', max: { cpu: '3.333' } },
    { limits: { cpu: '5.555' } },
    ['maximum cpu usage per Container is 3.333, but limit is 5.555'],
  ],
  [
    'within everything',
    { type: 'Pod', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } },
    { requests: { cpu: '500m' }, limits: { cpu: '1' } },
    [],
  ],
])('%s', (_what, item, resources, expected) => {
  expect(podViolations(range(item), podOf(container(resources)))).toEqual(expected);
});

test('bounds of pods are of the sum of their containers', () => {
  const half = container({ requests: { cpu: '600m' }, limits: { cpu: '600m' } });
  expect(podViolations(range({ type: 'Pod', max: { cpu: '1' } }), podOf(half, half))).toEqual([
    'maximum cpu usage per Pod is 1, but limit is 1200m',
  ]);
});

test('what a pod asks for as a whole takes the place of what its containers ask for', () => {
  const pod = podOf(
    container({ requests: { cpu: '1', 'hugepages-2Mi': '2Gi' }, limits: { cpu: '1', 'hugepages-2Mi': '2Gi' } }),
  );
  const own = { cpu: '2.222', 'hugepages-2Mi': '8Gi', 'example.com/x': '9' };
  pod.spec!.resources = { requests: own, limits: own };
  expect(podViolations(range({ type: 'Pod', max: { cpu: '2', 'hugepages-2Mi': '4Gi' } }), pod)).toEqual([
    'maximum cpu usage per Pod is 2, but limit is 2.222',
    'maximum hugepages-2Mi usage per Pod is 4Gi, but limit is 8Gi',
  ]);
  expect(podViolations(range({ type: 'Container', max: { cpu: '1' } }), pod)).toEqual([]);
});

test('and not of what a RuntimeClass adds to them', () => {
  const pod = podOf(container({ requests: { cpu: '1' }, limits: { cpu: '1' } }));
  pod.spec!.overhead = { cpu: '500m' };
  expect(podViolations(range({ type: 'Pod', max: { cpu: '1' } }), pod)).toEqual([]);
});

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await server.send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
});
afterEach(() => server.stop());

const pods = '/api/v1/namespaces/n/pods';

test('containers get defaults, and an annotation says which; init containers too', async () => {
  const item = { type: 'Container', default: { cpu: '2', memory: '1Gi' }, defaultRequest: { cpu: '1' } };
  await server.send('POST', '/api/v1/namespaces/n/limitranges', range(item));
  const pod = podOf(container({ limits: { cpu: '3' } }));
  pod.spec!.initContainers = [container({}, 'i')];
  const { body } = await server.send<Pod>('POST', pods, pod);
  expect(body.spec?.containers[0]?.resources).toEqual({
    limits: { cpu: '3', memory: '1Gi' },
    // A request that is not given is the limit, where the pod itself gives one.
    requests: { cpu: '3', memory: '1Gi' },
  });
  expect(body.metadata.annotations?.['kubernetes.io/limit-ranger']).toBe(
    'LimitRanger plugin set: memory request for container c; memory limit for container c; ' +
      'cpu, memory request for init container i; cpu, memory limit for init container i',
  );
});

test('a pod out of bounds is refused with all that is wrong', async () => {
  await server.send('POST', '/api/v1/namespaces/n/limitranges', range({ type: 'Container', max: { cpu: '1' } }));
  const big = container({ limits: { cpu: '2' } });
  const { status, body } = await server.send<Status>('POST', pods, podOf(big));
  expect(status).toBe(403);
  expect(body.message).toBe('pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2');
  // The same of two containers is told once (kube-apiserver 1.20 and 1.36).
  const named = { ...big, name: 'd' };
  expect((await server.send<Status>('POST', pods, podOf(big, named))).body.message).toBe(body.message);
  const bigger = container({ limits: { cpu: '3' } }, 'e');
  expect((await server.send<Status>('POST', pods, podOf(big, bigger))).body.message).toMatch(
    /: \[maximum .* limit is 2, maximum .* limit is 3]$/,
  );
});

test('claims are held to their bounds', async () => {
  const item = { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } };
  await server.send('POST', '/api/v1/namespaces/n/limitranges', range(item));
  const claim = (storage: string) => ({
    metadata: { name: 'c' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
  const url = '/api/v1/namespaces/n/persistentvolumeclaims';
  expect((await server.send<Status>('POST', url, claim('3Gi'))).body.message).toBe(
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
  expect((await server.send('POST', url, claim('1Gi'))).status).toBe(201);
});
