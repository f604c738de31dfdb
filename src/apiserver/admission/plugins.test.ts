import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Node, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import type { Ingress } from '../../api/networking/v1/types.generated.ts';
import type { Status } from '../../apimachinery/meta/v1.generated.ts';
import type { Authorizer } from '../access-control.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';
import type { Registry } from '../registry/registry.ts';
import { Admission, type AdmissionOptions, type AdmissionPlugin, type AdmissionRequest } from './admission.ts';
import { selectPlugins } from './plugins.ts';

const claims = '/api/v1/namespaces/n/persistentvolumeclaims';
const pods = '/api/v1/namespaces/n/pods';
const mergePatch = 'application/merge-patch+json';
let server: TestServer;

async function start(enabled: readonly string[] = [], authorizer?: Authorizer): Promise<void> {
  server = await startTestServer({ admissionPlugins: { enabled, disabled: [] }, ...(authorizer && { authorizer }) });
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await server.send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
}
beforeEach(() => start());
afterEach(() => server.stop());

const claim = (spec: object = {}) => ({
  metadata: { name: 'c' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});
const storageClass = (name: string, more: object = {}) =>
  server.send('POST', '/apis/storage.k8s.io/v1/storageclasses', {
    metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'example.com/p',
    ...more,
  });

/** Lets time go on until a request is answered. */
async function answered<T>(asking: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  asking.then(over, over);
  while (!isOver) {
    server.clock.advance(50);
    await nextTurn();
  }
  return asking;
}

test('a pod waits a moment for the account that its new namespace is about to have, and for no other', async () => {
  const started = server.clock.monotonic();
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'new' } });
  const pod = (name: string, spec: object = {}) => ({
    metadata: { name },
    spec: { ...spec, containers: [{ name: 'c', image: 'i' }] },
  });
  const asking = server.send<Pod>('POST', '/api/v1/namespaces/new/pods', pod('early'));
  await nextTurn();
  await server.send('POST', '/api/v1/namespaces/new/serviceaccounts', { metadata: { name: 'default' } });
  const { status, body } = await answered(asking);
  expect(status).toBe(201);
  expect(body.spec?.serviceAccountName).toBe('default');
  expect(server.clock.monotonic() - started).toBeLessThanOrEqual(200);

  const other = await server.send<Status>(
    'POST',
    '/api/v1/namespaces/new/pods',
    pod('other', { serviceAccountName: 'x' }),
  );
  expect(other.body.message).toBe(
    'pods "other" is forbidden: error looking up service account new/x: serviceaccount "x" not found',
  );
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'bare' } });
  const before = server.clock.monotonic();
  const refused = await answered(server.send<Status>('POST', '/api/v1/namespaces/bare/pods', pod('late')));
  expect(refused.body.message).toContain('error looking up service account bare/default');
  expect(refused.status).toBe(403);
  const waited = server.clock.monotonic() - before;
  expect(waited).toBeGreaterThanOrEqual(900);
  expect(waited).toBeLessThanOrEqual(1900);
});

test('a claim gets the newest default class and a finalizer; one that says it wants none gets none', async () => {
  await storageClass('old');
  server.clock.advance(5000);
  await storageClass('new');
  const { body } = await server.send<PersistentVolumeClaim>('POST', claims, claim());
  expect(body.spec?.storageClassName).toBe('new');
  expect(body.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
  const other = { ...claim({ storageClassName: '' }), metadata: { name: 'd' } };
  expect((await server.send<PersistentVolumeClaim>('POST', claims, other)).body.spec?.storageClassName).toBe('');
});

test('a claim grows when it is bound and its class can', async () => {
  await storageClass('fixed', { allowVolumeExpansion: false });
  await server.send('POST', claims, claim());
  const grow = () =>
    server.send<Status>('PATCH', `${claims}/c`, { spec: { resources: { requests: { storage: '2Gi' } } } }, mergePatch);
  expect((await grow()).status).toBe(422);
  await server.send('PATCH', `${claims}/c/status`, { status: { phase: 'Bound' } }, mergePatch);
  expect((await grow()).body.message).toContain('the storageclass that provisions the pvc must support resize');
  await server.send(
    'PATCH',
    '/apis/storage.k8s.io/v1/storageclasses/fixed',
    { allowVolumeExpansion: true },
    mergePatch,
  );
  expect((await grow()).status).toBe(200);
});

test('an Ingress gets the default class', async () => {
  const classes = '/apis/networking.k8s.io/v1/ingressclasses';
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
  await server.send('POST', classes, { metadata: { name: 'web', annotations }, spec: { controller: 'example.com/c' } });
  const spec = { defaultBackend: { service: { name: 's', port: { number: 80 } } } };
  const ingresses = '/apis/networking.k8s.io/v1/namespaces/n/ingresses';
  const { body } = await server.send<Ingress>('POST', ingresses, { metadata: { name: 'i' }, spec });
  expect(body.spec?.ingressClassName).toBe('web');
});

test('a RuntimeClass adds overhead, nodes and tolerations', async () => {
  const toleration = { key: 'kata', operator: 'Exists' };
  await server.send('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
    metadata: { name: 'kata' },
    handler: 'kata',
    overhead: { podFixed: { cpu: '250m' } },
    scheduling: { nodeSelector: { runtime: 'kata' }, tolerations: [toleration] },
  });
  const pod = (spec: object) => ({
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  });
  const { body } = await server.send<Pod>('POST', pods, pod({ runtimeClassName: 'kata' }));
  expect(body.spec).toMatchObject({ overhead: { cpu: '250m' }, nodeSelector: { runtime: 'kata' } });
  expect(body.spec?.tolerations).toContainEqual(toleration);
  const refused = async (spec: object) => (await server.send<Status>('POST', pods, pod(spec))).body.message;
  expect(await refused({ runtimeClassName: 'none' })).toBe(
    'pods "p" is forbidden: pod rejected: RuntimeClass "none" not found',
  );
  expect(await refused({ overhead: { cpu: '1' } })).toContain('Pod Overhead set without corresponding RuntimeClass');
  expect(await refused({ runtimeClassName: 'kata', nodeSelector: { runtime: 'runc' } })).toContain(
    'conflict: runtimeClass.scheduling.nodeSelector[runtime] = kata; pod.spec.nodeSelector[runtime] = runc',
  );
});

test('new nodes take no pods at first', async () => {
  const { body } = await server.send<Node>('POST', '/api/v1/nodes', { metadata: { name: 'node-1' } });
  expect(body.spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
});

test('external IPs are denied where that is asked for', async () => {
  const services = '/api/v1/namespaces/n/services';
  const service = (name: string) => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], externalIPs: ['192.0.2.1'] },
  });
  expect((await server.send('POST', services, service('a'))).status).toBe(201);
  server.stop();
  await start(['DenyServiceExternalIPs']);
  expect((await server.send<Status>('POST', services, service('a'))).body.message).toBe(
    'services "a" is forbidden: Use of external IPs is denied by admission control',
  );
});

test('approving a certificate takes the right to approve for its signer', async () => {
  const granted = new Set<string>();
  server.stop();
  await start([], {
    authorize: ({ user, verb, info: { resource, name } }) => ({
      allowed: user.name !== 'jane' || resource !== 'signers' || granted.has(`${verb} ${resource} ${name}`),
    }),
  });
  const csrs = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const request = Buffer.from(
    [
      '-----BEGIN CERTIFICATE REQUEST-----',
      'MIGLMD8CAQAwDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMhANG959PjdPE1C5wfl+Dj',
      'x7D1gg3Nc+HxsO3ox9+sPLIOoAAwBQYDK2VwA0EAdAc+7u94PMK4VSXPVXhNmpE1',
      'MIDMUXgupbOEFoqF/TuqT1pTzRHN5Q9scc/4HPCaHP06Mmx2WgVoWrtontNRAA==',
      '-----END CERTIFICATE REQUEST-----',
    ].join('\n'),
  );
  await server.send('POST', csrs, {
    metadata: { name: 'r' },
    spec: { request: request.toString('base64'), signerName: 'example.com/s', usages: ['client auth'] },
  });
  const { body } = await server.send('GET', `${csrs}/r`);
  const status = { conditions: [{ type: 'Approved', status: 'True', reason: 'r', message: 'm' }] };
  const jane = { name: 'jane', groups: [] };
  const approve = () =>
    server.sendAs<Status>(jane, { method: 'PUT', url: `${csrs}/r/approval`, body: { ...body, status } });
  expect((await approve()).body.message).toBe(
    'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to approve requests with signerName "example.com/s"',
  );
  granted.add('approve signers example.com/*');
  const { status: code, body: approved } = await approve();
  expect(code).toBe(200);
  // The times that jane left out.
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect((approved as { status: unknown }).status).toEqual({
    conditions: [{ ...status.conditions[0], lastTransitionTime: time, lastUpdateTime: time }],
  });
});

test('plugins are picked by name; an unknown name is told', () => {
  const names = (enabled: string[], disabled: string[]) => selectPlugins({ enabled, disabled }).map(({ name }) => name);
  expect(names([], [])).not.toContain('DenyServiceExternalIPs');
  expect(names(['DenyServiceExternalIPs'], [])).toContain('DenyServiceExternalIPs');
  expect(names([], ['LimitRanger', 'ResourceQuota'])).not.toContain('LimitRanger');
  expect(() => names(['Nope'], [])).toThrow('"Nope" is no admission plugin; there are');
  for (const rule of ['CertificateRequestor', 'CertificateTimes', 'RBACEscalation', 'AdmissionExpressions']) {
    expect(names([], [])).toContain(rule);
    expect(() => names([], [rule]), rule).toThrow('is no admission plugin');
  }
});

test('priority: system classes, one default, and no number of one’s own', async () => {
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
  const make = (name: string, more: object) =>
    server.send<Status>('POST', classes, { metadata: { name }, value: 5, ...more });
  expect((await make('usual', { globalDefault: true })).status).toBe(201);
  expect((await make('other', { globalDefault: true })).body.message).toBe(
    'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
  );
  expect((await make('system-mine', {})).body.message).toContain(
    "priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
  );
  expect((await make('high', { value: 1_000_000_001 })).body.message).toContain(
    'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
  );
  const pod = (name: string, spec: object) => ({
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  });
  expect((await server.send<Pod>('POST', pods, pod('a', {}))).body.spec).toMatchObject({
    priorityClassName: 'usual',
    priority: 5,
  });
  const critical = pod('b', { priorityClassName: 'system-node-critical' });
  expect((await server.send<Pod>('POST', pods, critical)).body.spec?.priority).toBe(2_000_001_000);
  expect((await server.send<Status>('POST', pods, pod('c', { priority: 7 }))).body.message).toContain(
    'the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 5',
  );
  const changed = await server.send<Status>('PATCH', `${classes}/usual`, { value: 6 }, mergePatch);
  expect(changed.body.message).toContain('value: Forbidden: may not be changed in an update.');
});

test('a pod that is replaced by its manifest keeps its priority and its default tolerations', async () => {
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
  await server.send('POST', classes, { metadata: { name: 'high' }, value: 5, preemptionPolicy: 'Never' });
  const manifest = (labels: object) => ({
    metadata: { name: 'p', labels },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      automountServiceAccountToken: false,
      serviceAccountName: 'default',
      priorityClassName: 'high',
    },
  });
  const made = await server.send<Pod>('POST', pods, manifest({}));
  const { status, body } = await server.send<Pod>('PUT', `${pods}/p`, manifest({ app: 'a' }));
  expect([status, body.metadata.labels, body.spec]).toEqual([200, { app: 'a' }, made.body.spec]);
  expect(body.spec).toMatchObject({ priority: 5, preemptionPolicy: 'Never' });
  expect(body.spec?.tolerations).toHaveLength(2);
});

test('a pod has the zone and region of its node: with its binding, or at once where it names the node', async () => {
  const labels = {
    'topology.kubernetes.io/zone': 'z',
    'topology.kubernetes.io/region': 'r',
    'kubernetes.io/hostname': 'node',
  };
  await server.send('POST', '/api/v1/nodes', { metadata: { name: 'node', labels } });
  const pod = (name: string, spec: object = {}) => ({
    metadata: { name, labels: { app: 'a', 'topology.kubernetes.io/zone': 'elsewhere' } },
    spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
  });
  const placed = { app: 'a', 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' };
  const { body } = await server.send<Pod>('POST', pods, pod('direct', { nodeName: 'node' }));
  expect(body.metadata.labels).toEqual(placed);
  await server.send('POST', pods, pod('bound'));
  const binding = { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'node' } };
  expect((await server.send('POST', `${pods}/bound/binding`, binding)).status).toBe(201);
  expect((await server.send<Pod>('GET', `${pods}/bound`)).body.metadata.labels).toEqual(placed);
  const nowhere = await server.send<Pod>('POST', pods, pod('lost', { nodeName: 'gone' }));
  expect(nowhere.body.metadata.labels).toMatchObject({ 'topology.kubernetes.io/zone': 'elsewhere' });
});

test('a plugin is asked of the resources that it names and of their subresources, and of no others', async () => {
  const seen: string[] = [];
  const note = (plugin: string) => (request: AdmissionRequest) => {
    const { resource } = request.definition;
    seen.push(`${plugin}: ${resource}${request.subresource && `/${request.subresource}`}`);
  };
  const plugins: AdmissionPlugin[] = [
    { name: 'All', admit: note('All') },
    { name: 'Deployments', resources: ['deployments.apps'], validate: note('Deployments') },
  ];
  const registry = { definitions: [] } as unknown as Registry;
  const parts = { registry, plugins } as unknown as AdmissionOptions;
  const admission = new Admission(parts);
  for (const [group, resource, subresource] of [
    ['apps', 'deployments', ''],
    ['apps', 'deployments', 'scale'],
    ['', 'pods', ''],
  ] as const) {
    const request = { definition: { group, resource }, subresource } as unknown as AdmissionRequest;
    expect(admission.admit(request)).toBeUndefined();
    expect(admission.validate(request)).toBeUndefined();
  }
  expect(seen).toEqual([
    'All: deployments',
    'Deployments: deployments',
    'All: deployments/scale',
    'Deployments: deployments/scale',
    'All: pods',
  ]);
});
