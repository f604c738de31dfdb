// The workloads of apps/v1 by stock kubectl, on hollow nodes, without root.
import { expect, test } from 'vitest';
import { aroundTests } from '../fixtures/anew.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { eventually } from './portico.ts';
import { apply, values, workload } from './workloads.ts';

let server: TestServer;
const start = async () => {
  server = await startServer(['--hollow-nodes', '3']);
};
aroundTests(start, () => server.stop());

const kubectl = (...args: string[]) => server.kubectl(...args);
const status = (what: string) => kubectl('rollout', 'status', what, '--timeout=300s');
const images = (app: string) => values(server, ['pods', '-l', `app=${app}`], '{.spec.containers[0].image}');
const gone = (app: string) =>
  eventually(`no pods of ${app}`, async () => ((await images(app)).length === 0 ? true : undefined));

test('hollow nodes are ready, with pods in a range of their own', async () => {
  // They come after the server has said that it is ready, and get their ranges later still.
  await expect
    .poll(() => values(server, ['nodes'], '{.metadata.name} {.spec.podCIDR}'), { timeout: 300_000 })
    .toEqual(['hollow-1 100.64.0.0/24', 'hollow-2 100.64.1.0/24', 'hollow-3 100.64.2.0/24']);
  await kubectl('wait', '--for=condition=Ready', 'node', '--all', '--timeout=300s');
  const registered =
    /Normal +RegisteredNode .* node-controller +Node hollow-1 event: Registered Node hollow-1 in Controller/;
  await eventually('its registration told of', async () =>
    registered.test(await kubectl('describe', 'node', 'hollow-1')) ? true : undefined,
  );
});

test('Deployment: rollout, image, undo, pause, scale, delete', async () => {
  await apply(server, workload('Deployment', 'web', { replicas: 4 }));
  expect(await status('deployment/web')).toContain('deployment "web" successfully rolled out');
  await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=300s');
  const ips = await values(server, ['pods', '-l', 'app=web'], '{.status.podIP}');
  expect(new Set(ips).size).toBe(4);
  expect(ips.every((ip) => ip.startsWith('100.64.'))).toBe(true);

  await kubectl('set', 'image', 'deployment/web', 'web=web:2');
  await status('deployment/web');
  await eventually('only new pods', async () => ((await images('web')).every((i) => i === 'web:2') ? true : undefined));
  expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/1 .*\n2 /);
  await kubectl('rollout', 'undo', 'deployment/web');
  await status('deployment/web');
  expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/2 .*\n3 /);

  await kubectl('rollout', 'pause', 'deployment/web');
  await kubectl('set', 'image', 'deployment/web', 'web=web:3');
  await kubectl('scale', 'deployment/web', '--replicas=2');
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/web', '--timeout=300s');
  await eventually('only the pods of before', async () =>
    [...new Set(await images('web'))].join() === 'web:1' ? true : undefined,
  );
  await kubectl('rollout', 'resume', 'deployment/web');
  await status('deployment/web');
  await kubectl('delete', 'deployment/web', '--cascade=foreground', '--timeout=300s');
  expect(await images('web')).toEqual([]);
  expect(await values(server, ['replicasets', '-l', 'app=web'], '{.metadata.name}')).toEqual([]);
});

test('Deployment: a rollout that cannot become ready is told of by its deadline, and undone', async () => {
  await apply(server, workload('Deployment', 'slow', { replicas: 2 }));
  await status('deployment/slow');
  const annotations = { 'hollow.portico.dev/ready': 'false' };
  // Short for this rollout only: the others may take their time.
  const patch = (spec: object) => kubectl('patch', 'deployment/slow', '-p', JSON.stringify({ spec }));
  await patch({ progressDeadlineSeconds: 2, template: { metadata: { annotations } } });
  await expect(status('deployment/slow')).rejects.toThrow(/exceeded its progress deadline/);
  expect(await kubectl('get', 'deployment/slow', '-o', 'jsonpath={.status.availableReplicas}')).toBe('2');
  await patch({ progressDeadlineSeconds: 600 });
  await kubectl('rollout', 'undo', 'deployment/slow');
  await status('deployment/slow');
  await kubectl('delete', 'deployment/slow');
});

test('what controllers write is theirs by upstream’s names, and no change of a generation', async () => {
  await apply(server, workload('Deployment', 'named', { replicas: 1 }));
  await status('deployment/named');
  const fields = 'fieldsV1.f:metadata.f:annotations.f:deployment\\.kubernetes\\.io/revision';
  const written = `{.metadata.generation}{range .metadata.managedFields[?(@.${fields})]} {.manager} {.subresource}{end}`;
  expect(await kubectl('get', 'deployment/named', '-o', `jsonpath=${written}`)).toBe(
    '1 kube-controller-manager status',
  );
  const managers = await values(server, ['pods', '-l', 'app=named'], '{.metadata.managedFields[*].manager}');
  expect(managers).toEqual(['kube-controller-manager kubelet']);
  await kubectl('delete', 'deployment/named');
});

test('ReplicaSet: orphans stay, and are adopted again', async () => {
  await apply(server, workload('ReplicaSet', 'rs', { replicas: 2 }));
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=2', 'rs/rs', '--timeout=300s');
  const before = await values(server, ['pods', '-l', 'app=rs'], '{.metadata.name}');
  await kubectl('delete', 'rs/rs', '--cascade=orphan');
  expect(await values(server, ['pods', '-l', 'app=rs'], '{.metadata.ownerReferences}')).toEqual([]);
  await apply(server, workload('ReplicaSet', 'rs', { replicas: 2 }));
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=2', 'rs/rs', '--timeout=300s');
  expect(await values(server, ['pods', '-l', 'app=rs'], '{.metadata.name}')).toEqual(before);
  await kubectl('delete', 'rs/rs');
  await gone('rs');
});

test('ReplicationController: scale', async () => {
  const { metadata, spec } = workload('', 'rc', {}) as { metadata: object; spec: { template: object } };
  const selector = { app: 'rc' };
  await apply(server, {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata,
    spec: { replicas: 1, selector, template: spec.template },
  });
  await kubectl('scale', 'rc/rc', '--replicas=3');
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=3', 'rc/rc', '--timeout=300s');
  await kubectl('delete', 'rc/rc');
  await gone('rc');
});

test('StatefulSet: ordinals in order, partition, undo, scale, claims', async () => {
  const volumeClaimTemplates = [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ];
  await apply(
    server,
    workload('StatefulSet', 'db', {
      replicas: 3,
      serviceName: 'db',
      ordinals: { start: 2 },
      volumeClaimTemplates,
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' },
    }),
  );
  await status('statefulset/db');
  const pods = ['pods', '-l', 'app=db'];
  expect(await values(server, pods, '{.metadata.name} {.spec.hostname}.{.spec.subdomain}')).toEqual([
    'db-2 db-2.db',
    'db-3 db-3.db',
    'db-4 db-4.db',
  ]);
  const partition = (value: number) =>
    JSON.stringify({ spec: { updateStrategy: { rollingUpdate: { partition: value } } } });
  await kubectl('patch', 'sts/db', '-p', partition(2));
  await kubectl('set', 'image', 'sts/db', 'web=web:2');
  expect(await status('statefulset/db')).toContain('partitioned roll out complete: 1 new pods have been updated');
  expect(await images('db')).toEqual(['web:1', 'web:1', 'web:2']);
  await kubectl('patch', 'sts/db', '-p', partition(0));
  await status('statefulset/db');
  expect(await images('db')).toEqual(['web:2', 'web:2', 'web:2']);
  await kubectl('rollout', 'undo', 'sts/db');
  await status('statefulset/db');
  expect(await images('db')).toEqual(['web:1', 'web:1', 'web:1']);
  await kubectl('scale', 'sts/db', '--replicas=1');
  const claims = ['pvc', '-l', 'app=db'];
  await eventually('claims of surplus pods to go', async () =>
    (await values(server, claims, '{.metadata.name}')).join() === 'data-db-2' ? true : undefined,
  );
  await kubectl('delete', 'sts/db', '--cascade=foreground', '--timeout=300s');
  expect(await values(server, claims, '{.metadata.name}')).toEqual(['data-db-2']);
  // It would take the volume of another test.
  await kubectl('delete', 'pvc/data-db-2');
});

test('StatefulSet: parallel, and a pod that comes back under its name', async () => {
  await apply(
    server,
    workload('StatefulSet', 'many', { replicas: 5, serviceName: 'many', podManagementPolicy: 'Parallel' }),
  );
  await status('statefulset/many');
  const uid = () => kubectl('get', 'pod/many-3', '-o', 'jsonpath={.metadata.uid}');
  const before = await uid();
  // Waiting for a name to go, kubectl may find the next pod there, and waits for that.
  await kubectl('delete', 'pod/many-3', '--wait=false');
  await eventually('another pod', async () => ((await uid().catch(() => before)) === before ? undefined : true));
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=5', 'sts/many', '--timeout=300s');
  await kubectl('wait', '--for=condition=Ready', 'pod/many-3', '--timeout=300s');
  expect(await uid()).not.toBe(before);
  await kubectl('delete', 'sts/many');
  await gone('many');
});

test.each([
  ['maxUnavailable', { maxUnavailable: 1, maxSurge: 0 }],
  ['maxSurge', { maxUnavailable: 0, maxSurge: 1 }],
])('DaemonSet: one pod a node, rolling by %s', async (_, rollingUpdate) => {
  await apply(server, workload('DaemonSet', 'agent', { updateStrategy: { type: 'RollingUpdate', rollingUpdate } }));
  await status('daemonset/agent');
  const nodes = () => values(server, ['pods', '-l', 'app=agent'], '{.spec.nodeName}');
  expect((await nodes()).sort()).toEqual(['hollow-1', 'hollow-2', 'hollow-3']);
  await kubectl('set', 'image', 'ds/agent', 'web=web:2');
  await status('daemonset/agent');
  await eventually('only new pods', async () =>
    (await images('agent')).join() === 'web:2,web:2,web:2' ? true : undefined,
  );
  await kubectl('rollout', 'undo', 'ds/agent');
  await status('daemonset/agent');
  await kubectl('taint', 'node', 'hollow-2', 'tired=yes:NoExecute');
  await kubectl('wait', '--for=jsonpath={.status.desiredNumberScheduled}=2', 'ds/agent', '--timeout=300s');
  await eventually('the pod of the tainted node to go', async () =>
    (await nodes()).includes('hollow-2') ? undefined : true,
  );
  await kubectl('taint', 'node', 'hollow-2', 'tired-');
  await kubectl('wait', '--for=jsonpath={.status.numberReady}=3', 'ds/agent', '--timeout=300s');
  await kubectl('delete', 'ds/agent', '--cascade=foreground', '--timeout=300s');
});

test('drain: a budget is kept, daemons stay, and the node takes pods again', async () => {
  await apply(server, workload('DaemonSet', 'stays', {}), workload('Deployment', 'moves', { replicas: 3 }));
  await status('deployment/moves');
  await status('daemonset/stays');
  await kubectl('create', 'pdb', 'moves', '--selector=app=moves', '--min-available=2');
  await kubectl('drain', 'hollow-1', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s');
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=3', 'deployment/moves', '--timeout=300s');
  const nodesOf = (app: string) => values(server, ['pods', '-l', `app=${app}`], '{.spec.nodeName}');
  expect(await nodesOf('moves')).not.toContain('hollow-1');
  expect(await nodesOf('stays')).toContain('hollow-1');
  await kubectl('uncordon', 'hollow-1');
  await kubectl('delete', 'deployment/moves', 'ds/stays', 'pdb/moves');
  await gone('moves');
});

test('preemption: an important pod takes the place of others', async () => {
  await kubectl('create', 'priorityclass', 'urgent', '--value=1000');
  const resources = { requests: { cpu: '20' } };
  const pods = (name: string, replicas: number, more: object) =>
    workload('Deployment', name, {
      replicas,
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'web:1', resources }], ...more },
      },
    });
  await apply(server, pods('filler', 3, {}));
  await status('deployment/filler');
  await apply(server, pods('vip', 1, { priorityClassName: 'urgent' }));
  await status('deployment/vip');
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/filler', '--timeout=300s');
  await eventually('its event', async () =>
    (await kubectl('get', 'events', '-o', 'jsonpath={.items[*].reason}')).includes('Preempted') ? true : undefined,
  );
  await kubectl('delete', 'deployment/filler', 'deployment/vip');
});

test('HorizontalPodAutoscaler: the bounds hold without metrics, and it says what it lacks', async () => {
  await apply(server, workload('Deployment', 'auto', { replicas: 1 }));
  await kubectl('autoscale', 'deployment', 'auto', '--min=2', '--max=3', '--cpu-percent=50');
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/auto', '--timeout=300s');
  const events = ['get', 'events', '--field-selector=involvedObject.name=auto,reason=SuccessfulRescale'];
  const told = await eventually('its event', async () => {
    const text = await kubectl(...events, '-o', 'jsonpath={.items[*].message}');
    return text === '' ? undefined : text;
  });
  expect(told).toBe('New size: 2; reason: Current number of replicas below Spec.MinReplicas');
  await kubectl('wait', '--for=condition=ScalingActive=false', 'hpa/auto', '--timeout=300s');
  await kubectl('delete', 'hpa/auto', 'deployment/auto');
});

test('a claim gets the smallest volume that is large enough', async () => {
  const accessModes = ['ReadWriteOnce'];
  const volume = (name: string, storage: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes,
      hostPath: { path: '/nowhere' },
      persistentVolumeReclaimPolicy: 'Retain',
    },
  });
  const spec = { accessModes, storageClassName: '', resources: { requests: { storage: '5Gi' } } };
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'mine' }, spec };
  await apply(server, volume('large', '50Gi'), volume('right', '6Gi'));
  await kubectl('wait', '--for=jsonpath={.status.phase}=Available', 'pv/large', 'pv/right', '--timeout=300s');
  await apply(server, claim);
  await kubectl('wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/mine', '--timeout=300s');
  expect(await kubectl('get', 'pvc/mine', '-o', 'jsonpath={.spec.volumeName}')).toBe('right');
  await kubectl('delete', 'pvc/mine');
  await kubectl('wait', '--for=jsonpath={.status.phase}=Released', 'pv/right', '--timeout=300s');
});
