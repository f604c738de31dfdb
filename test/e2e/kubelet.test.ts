// What a node's kubelet does, by what stock kubectl shows of a running cluster: one cluster, two nodes, many pods.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../src/api/core/v1/types.generated.ts';
import { aroundTests } from '../fixtures/anew.ts';
import { ClientTool } from '../fixtures/client-tools.ts';
import { eventually, type TestCluster, testCluster } from './portico.ts';
import { startRegistry } from './registry.ts';

let cluster: TestCluster;
const image = 'portico.local/busybox:1';
const long = { timeout: 300_000, interval: 100 };
/** Unset until the cluster is up. */
let k: ClientTool;

const start = async () => {
  cluster = testCluster('e2e-kubelet');
  const { code, stderr } = await cluster.portico('up', '--egress', 'off', '--nodes', '2');
  expect(code, stderr).toBe(0);
  k = new ClientTool({ program: 'kubectl', minor: '35', kubeconfig: cluster.kubeconfig, namespace: 'default' });
};
const stop = async () => {
  (k as ClientTool | undefined)?.remove();
  await cluster.remove();
};
aroundTests(start, stop);

type Manifest = Readonly<Record<string, unknown>>;

function pod(name: string, spec: Partial<PodSpec> & Pick<PodSpec, 'containers'>): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 1, ...spec },
  };
}

/** A container of the busybox image that runs a script. */
function shell(script: string, more: object = {}) {
  return { name: 'main', image, command: ['sh', '-c', script], ...more };
}

async function apply(...items: readonly Manifest[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const { code, stderr } = await k.run(['apply', '-f', '-'], { input: list });
  expect(code, stderr).toBe(0);
}

async function get(name: string): Promise<Pod> {
  return JSON.parse(await k.ok('get', 'pod', name, '-o', 'json')) as Pod;
}

/** Waits until the pod is there and Ready. */
const ready = (name: string) =>
  eventually(`${name} to be ready`, async () => {
    const { stdout } = await k.run(['get', 'pod', name, '-o', 'json']);
    const { metadata, status } = JSON.parse(stdout || '{}') as Partial<Pod>;
    const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    return isReady && !metadata?.deletionTimestamp ? true : undefined;
  });

/** The log of the pod, once the pattern is in it: the runtime writes it on its own time. */
async function logOf(name: string, pattern: RegExp): Promise<string> {
  return eventually(`${pattern} in the log of ${name}`, async () => {
    const text = await k.ok('logs', name);
    return pattern.test(text) ? text : undefined;
  });
}

/** The events of an object, as `Reason: message` lines. */
async function events(name: string): Promise<string> {
  const template = '{range .items[*]}{.reason}: {.message}{"\\n"}{end}';
  return k.ok('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', `jsonpath=${template}`);
}

function agentRoot(node: string): string {
  return join(cluster.dataDir, 'nodes', node, 'agent');
}

test('kubectl debug adds a container that sees the processes of another', async () => {
  await apply(pod('debugged', { containers: [shell('sleep 1000')] }));
  await ready('debugged');
  const target = [
    'debug',
    'debugged',
    `--image=${image}`,
    '--image-pull-policy=IfNotPresent',
    '--target=main',
    '-c',
    'dbg',
  ];
  await k.ok(...target, '--', 'sh', '-c', 'ps; sleep 1000');
  const status = async () => (await get('debugged')).status?.ephemeralContainerStatuses?.[0];
  await expect.poll(async () => (await status())?.state?.running !== undefined, long).toBe(true);
  await expect.poll(() => k.ok('logs', 'debugged', '-c', 'dbg'), long).toContain('sleep 1000');
  expect(await k.ok('exec', 'debugged', '-c', 'dbg', '--', 'cat', '/proc/1/cmdline')).toContain('sleep');
  expect((await get('debugged')).status?.phase).toBe('Running');
});

test('static pods run from a folder and are shown by mirrors that come back', async () => {
  const folder = join(agentRoot('node-1'), 'manifests');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'web.json');
  writeFileSync(join(folder, 'broken.yaml'), 'kind: [');
  writeFileSync(file, JSON.stringify(pod('web', { containers: [shell('sleep 1000')] })));
  await expect.poll(() => k.run(['get', 'pod', 'web-node-1']).then((r) => r.code), long).toBe(0);
  await ready('web-node-1');
  const first = await get('web-node-1');
  expect(first.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'node-1' });
  const id = first.status?.containerStatuses?.[0]?.containerID;
  await k.ok('delete', 'pod', 'web-node-1', '--wait=false');
  const uid = async () => (await k.run(['get', 'pod', 'web-node-1', '-o', 'jsonpath={.metadata.uid}'])).stdout;
  await expect.poll(async () => !['', first.metadata.uid].includes(await uid()), long).toBe(true);
  await ready('web-node-1');
  expect((await get('web-node-1')).status?.containerStatuses?.[0]?.containerID).toBe(id);
  writeFileSync(file, JSON.stringify(pod('web', { containers: [shell('sleep 2000')] })));
  const command = async () =>
    (await k.run(['get', 'pod', 'web-node-1', '-o', 'jsonpath={.spec.containers[0].command[2]}'])).stdout;
  await expect.poll(command, long).toBe('sleep 2000');
  await ready('web-node-1');
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  await expect.poll(uid, long).toBe('');
});

describe('pods that a node ends or refuses', () => {
  test('past its deadline a pod has failed', async () => {
    await apply(pod('late', { activeDeadlineSeconds: 1, containers: [shell('sleep 1000')] }));
    await expect.poll(async () => (await get('late')).status?.phase, long).toBe('Failed');
    expect((await get('late')).status).toMatchObject({
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
    await expect.poll(() => events('late'), long).toContain('DeadlineExceeded: Pod was active on the node longer');
  });

  test('a host port that is taken', async () => {
    const container = { name: 'main', image: 'portico.local/echo:1', ports: [{ containerPort: 80, hostPort: 18080 }] };
    const spec = { nodeName: 'node-1', containers: [container] };
    await apply(pod('holder', spec));
    await ready('holder');
    await apply(pod('second', spec));
    await expect.poll(async () => (await get('second')).status?.phase, long).toBe('Failed');
    const message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
    expect((await get('second')).status).toMatchObject({
      reason: 'NodePorts',
      message: `Pod was rejected: ${message}`,
    });
    expect(await k.ok('get', 'pod', 'second', '--no-headers')).toMatch(/^second +0\/1 +NodePorts /);
    const address = (await get('holder')).status?.hostIP;
    // Ready is a container that runs: it listens a little later.
    const answer = async () => (await fetch(`http://${address}:18080/`)).text();
    await expect.poll(answer, long).toMatch(/^holder /);
  });
});

test('a setting of the kernel that is not safe is refused, a safe one made', async () => {
  const setting = (name: string, value: string) => ({ securityContext: { sysctls: [{ name, value }] } });
  await apply(
    pod('unsafe', { ...setting('kernel.msgmax', '65536'), containers: [shell('sleep 1000')] }),
    pod('safe', { ...setting('net.ipv4.ip_unprivileged_port_start', '70'), containers: [shell('sleep 1000')] }),
  );
  await expect
    .poll(() => k.ok('get', 'pod', 'unsafe', '--no-headers'), long)
    .toMatch(/^unsafe +0\/1 +SysctlForbidden /);
  expect((await get('unsafe')).status?.message).toBe(
    'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
  );
  await ready('safe');
  const file = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  expect(await k.ok('exec', 'safe', '--', 'cat', file)).toBe('70\n');
  await k.ok('delete', 'pod/unsafe', 'pod/safe', '--wait=false');
});

test("the token of a pod is nowhere on the node's disk", async () => {
  await apply(pod('trusted', { containers: [shell('sleep 1000')] }));
  await ready('trusted');
  const mount = '/var/run/secrets/kubernetes.io/serviceaccount';
  const script = `wc -c <${mount}/token; grep -c " ${mount} tmpfs" /proc/mounts`;
  expect(await k.ok('exec', 'trusted', '--', 'sh', '-c', script)).toMatch(/^[1-9]\d{2,}\n1\n$/);
  await k.ok('delete', 'pod/trusted', '--wait=false');
});

describe('persistent volumes', () => {
  const claim = (spec: Manifest) => ({
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Mi' } },
    ...spec,
  });
  const data = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };

  test('a StatefulSet with claims: each pod has a directory on its node, which goes with the claim', async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db' },
      spec: {
        replicas: 2,
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        template: {
          metadata: { labels: { app: 'db' } },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [shell('[ -e /data/who ] || hostname > /data/who; sleep 1000', data)],
          },
        },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim({}) }],
      },
    });
    await k.ok('rollout', 'status', 'statefulset/db', '--timeout=300s');
    expect(await k.ok('get', 'pvc', 'data-db-0', '-o', 'jsonpath={.spec.storageClassName} {.status.phase}')).toBe(
      'local-path Bound',
    );
    await expect
      .poll(() => events('data-db-0'), long)
      .toContain('ProvisioningSucceeded: Successfully provisioned volume pvc-');
    const volume = await k.ok('get', 'pvc', 'data-db-1', '-o', 'jsonpath={.spec.volumeName}');
    const node = (await get('db-1')).spec.nodeName ?? '';
    const folder = join(agentRoot(node), 'local-volumes', volume);
    const who = () => k.ok('exec', 'db-1', '--', 'cat', '/data/who');
    await expect.poll(who, long).toBe('db-1\n');
    expect(readFileSync(join(folder, 'who'), 'utf8')).toBe('db-1\n');
    // The data outlives its pod, which comes back to where it is.
    // Waiting for a name to go, kubectl may find the next pod there, and waits for that.
    const { uid } = (await get('db-1')).metadata;
    await k.ok('delete', 'pod', 'db-1', '--wait=false');
    const other = ['get', 'pod', 'db-1', '-o', 'jsonpath={.metadata.uid}'];
    await expect.poll(async () => ['', uid].includes((await k.run(other)).stdout), long).toBe(false);
    await ready('db-1');
    expect((await get('db-1')).spec.nodeName).toBe(node);
    expect(await who()).toBe('db-1\n');
    await k.ok('delete', 'statefulset', 'db');
    await k.ok('delete', 'pvc', '-l', 'app=db', '--timeout=300s');
    await expect.poll(() => existsSync(folder), long).toBe(false);
    await expect.poll(() => k.ok('get', 'pv', '-o', 'name'), long).not.toContain('pvc-');
  });

  test('static volumes: a host path, and a local folder that belongs to its group and draws its pod to its node', async () => {
    const local = join(cluster.dataDir, 'a-local-folder');
    mkdirSync(local);
    const values = ['node-2'];
    const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }];
    const volume = (name: string, spec: Manifest) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '2Mi' }, ...spec },
    });
    await apply(
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'by-hand' },
        provisioner: 'kubernetes.io/no-provisioner',
        volumeBindingMode: 'WaitForFirstConsumer',
      },
      volume('local', {
        storageClassName: 'by-hand',
        local: { path: local },
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      }),
      volume('host', { storageClassName: 'none', hostPath: { path: join(cluster.dataDir, 'host-folder') } }),
      ...['by-hand', 'none'].map((storageClassName) => ({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: storageClassName },
        spec: claim({ storageClassName }),
      })),
      pod('mounter', {
        securityContext: { fsGroup: 1234, runAsUser: 1000 },
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: 'by-hand' } },
          { name: 'host', persistentVolumeClaim: { claimName: 'none' } },
        ],
        containers: [
          shell('touch /data/a && ls -ln /data/a && sleep 1000', {
            volumeMounts: [...data.volumeMounts, { name: 'host', mountPath: '/host' }],
          }),
        ],
      }),
    );
    await ready('mounter');
    expect((await get('mounter')).spec.nodeName).toBe('node-2');
    await logOf('mounter', / 1000 +1234 /);
    expect(existsSync(join(cluster.dataDir, 'host-folder'))).toBe(true);
    await k.ok('delete', 'pod/mounter', 'pvc/by-hand', '--timeout=300s');
    await expect.poll(() => k.ok('get', 'pv', 'local', '-o', 'jsonpath={.status.phase}'), long).toBe('Released');
  });

  test('what a container mounts is seen by those that ask for it (mountPropagation), and by no others', async () => {
    const container = (name: string, mountPropagation: string, more: object = {}) =>
      shell('sleep 1000', { name, volumeMounts: [{ name: 'v', mountPath: '/v', mountPropagation }], ...more });
    await apply(
      pod('propagated', {
        volumes: [{ name: 'v', hostPath: { path: join(cluster.dataDir, 'propagated'), type: 'DirectoryOrCreate' } }],
        containers: [
          container('mounter', 'Bidirectional', { securityContext: { privileged: true } }),
          container('seer', 'HostToContainer'),
          container('blind', 'None'),
        ],
      }),
    );
    await ready('propagated');
    const inside = (name: string, script: string) => k.ok('exec', 'propagated', '-c', name, '--', 'sh', '-c', script);
    await inside('mounter', 'mkdir /v/m && mount -t tmpfs m /v/m && touch /v/m/here');
    expect(await inside('seer', 'ls /v/m')).toBe('here\n');
    expect(await inside('blind', 'ls /v/m')).toBe('');
    await inside('mounter', 'umount /v/m');
    expect(await inside('seer', 'ls /v/m')).toBe('');
    await k.ok('delete', 'pod/propagated', '--timeout=300s');
  });

  test('what cannot be mounted is told: a claim that waits, a folder that is not there, a ConfigMap', async () => {
    await apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'never' },
        spec: claim({ storageClassName: 'not-there' }),
      },
      pod('unbound', {
        nodeName: 'node-1',
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'never' } }],
        containers: [shell('true', data)],
      }),
      pod('waiting', {
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'never' } }],
        containers: [shell('true', data)],
      }),
      pod('no-folder', {
        volumes: [{ name: 'data', hostPath: { path: '/not/there', type: 'Directory' } }],
        containers: [shell('true', data)],
      }),
      pod('no-map', {
        volumes: [{ name: 'data', configMap: { name: 'nothing' } }],
        containers: [shell('sleep 1000', data)],
      }),
    );
    await expect
      .poll(() => events('unbound'), long)
      .toContain(
        'FailedMount: Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC default/never: PVC is not bound',
      );
    await expect.poll(() => events('waiting'), long).toContain('pod has unbound immediate PersistentVolumeClaims');
    await expect
      .poll(() => events('no-folder'), long)
      .toContain(
        'FailedMount: MountVolume.SetUp failed for volume "data" : hostPath type check failed: /not/there is not a directory',
      );
    await expect
      .poll(() => events('no-map'), long)
      .toContain('FailedMount: MountVolume.SetUp failed for volume "data" : configmap "nothing" not found');
    await k.ok('create', 'configmap', 'nothing', '--from-literal=a=b');
    await ready('no-map');
  });
});

describe('volumes of other kinds', () => {
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };

  test('a generic ephemeral volume comes and goes with its pod; a claim of its name that is not its own is refused', async () => {
    const volumes = [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: claim } } }];
    const write = shell('echo kept > /v/file; sleep 1000', { volumeMounts: [{ name: 'v', mountPath: '/v' }] });
    await apply(
      pod('scratch', { volumes, containers: [write] }),
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'robbed-v' }, spec: claim },
      pod('robbed', { volumes, containers: [write] }),
    );
    await ready('scratch');
    const owner = '{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name} {.status.phase}';
    expect(await k.ok('get', 'pvc', 'scratch-v', '-o', `jsonpath=${owner}`)).toBe('Pod/scratch Bound');
    const conflict =
      'FailedBinding: ephemeral volume v: PVC default/robbed-v was not created for pod default/robbed (pod is not owner)';
    await expect.poll(() => events('robbed'), long).toContain(conflict);
    await k.ok('delete', 'pod/scratch', 'pod/robbed', 'pvc/robbed-v', '--timeout=300s');
    await expect.poll(() => k.ok('get', 'pvc', '-o', 'name'), long).not.toContain('scratch-v');
  });

  test('a block device of a local volume, given as it is and with a file system', async () => {
    const disk = join(cluster.dataDir, 'disk');
    writeFileSync(disk, Buffer.alloc(4 << 20));
    const device = execFileSync('losetup', ['--find', '--show', disk], { encoding: 'utf8' }).trim();
    try {
      const values = ['node-1'];
      const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }];
      const mode = { volumeMode: 'Block', storageClassName: 'devices', accessModes: ['ReadWriteOnce'] };
      const nodeAffinity = { required: { nodeSelectorTerms: terms } };
      await apply(
        {
          apiVersion: 'v1',
          kind: 'PersistentVolume',
          metadata: { name: 'disk' },
          spec: { ...mode, capacity: { storage: '1Mi' }, local: { path: device }, nodeAffinity },
        },
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'disk' },
          spec: { ...mode, resources: claim.resources },
        },
        pod('raw', {
          volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'disk' } }],
          containers: [
            shell('[ -b /dev/xvda ] && printf hello | dd of=/dev/xvda conv=notrunc && sync && sleep 1000', {
              volumeDevices: [{ name: 'd', devicePath: '/dev/xvda' }],
            }),
          ],
        }),
        pod('mistaken', {
          volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'disk' } }],
          containers: [shell('true', { volumeMounts: [{ name: 'd', mountPath: '/d' }] })],
        }),
      );
      await ready('raw');
      await expect.poll(() => readFileSync(device).toString('latin1', 0, 5), long).toBe('hello');
      const why = 'volume d has volumeMode Block, but is specified in volumeMounts';
      await expect.poll(() => events('mistaken'), long).toContain(why);
      await k.ok('delete', 'pod/raw', 'pod/mistaken', 'pvc/disk', 'pv/disk', '--timeout=300s');
      const files = { storageClassName: 'devices', accessModes: ['ReadWriteOnce'] };
      await apply(
        {
          apiVersion: 'v1',
          kind: 'PersistentVolume',
          metadata: { name: 'files' },
          spec: { ...files, capacity: { storage: '1Mi' }, local: { path: device, fsType: 'ext4' }, nodeAffinity },
        },
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'files' },
          spec: { ...files, resources: claim.resources },
        },
        pod('formatted', {
          securityContext: { runAsUser: 1000, fsGroup: 2000 },
          volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'files' } }],
          containers: [
            shell('touch /d/x && stat -c %g /d/x && grep " /d " /proc/mounts && sleep 1000', {
              volumeMounts: [{ name: 'd', mountPath: '/d' }],
            }),
          ],
        }),
      );
      await ready('formatted');
      expect(await logOf('formatted', / \/d /)).toMatch(/^2000\n\S+ \/d ext4 rw/);
      await k.ok('delete', 'pod/formatted', 'pvc/files', 'pv/files', '--timeout=300s');
      // Unmounted with its last pod.
      const mounts = join(agentRoot('node-1'), 'plugins/kubernetes.io/local-volume/mounts/files');
      await expect.poll(() => existsSync(mounts), long).toBe(false);
    } finally {
      execFileSync('losetup', ['--detach', device]);
    }
  });
});

test("a node's own events, as kubectl describe shows them", async () => {
  const described = () => k.ok('describe', 'node', 'node-1');
  await expect.poll(described, long).toMatch(/Normal +NodeReady +.* kubelet +Node node-1 status is now: NodeReady/);
  const lines = await described();
  for (const reason of ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'])
    expect(lines).toMatch(new RegExp(`Normal +${reason} +.* kubelet +Node node-1 status is now: ${reason}`));
  expect(lines).toMatch(/Normal +Starting +.* kubelet +Starting kubelet\./);
  await k.ok('cordon', 'node-1');
  await expect.poll(() => events('node-1'), long).toContain('NodeNotSchedulable: Node node-1 status is now');
  await k.ok('uncordon', 'node-1');
});

test('kubectl top: nodes and pods', async () => {
  await apply(pod('busy', { containers: [shell('while :; do :; done', { resources: { limits: { cpu: '200m' } } })] }));
  await ready('busy');
  await expect
    .poll(async () => (await k.run(['top', 'pod', 'busy', '--no-headers'])).stdout, long)
    .toMatch(/^busy +(\d\d|1\d\d|2[0-4]\d)m +\d+Mi/);
  await expect.poll(() => k.ok('top', 'nodes'), long).toMatch(/^node-1 +\d+m +\d+% +\d+Mi +\d+%/m);
  expect(await k.ok('top', 'pod', '--containers', '-l', 'app=busy')).toMatch(/^busy +main +\d+m/m);
  expect(await k.ok('api-resources', '--api-group', 'metrics.k8s.io', '-o', 'name')).toBe(
    'nodes.metrics.k8s.io\npods.metrics.k8s.io\n',
  );
  const summary = JSON.parse(await k.ok('get', '--raw', '/api/v1/nodes/node-1/proxy/stats/summary'));
  expect(summary.node.memory.availableBytes).toBeGreaterThan(0);
  expect(await k.ok('get', '--raw', '/api/v1/nodes/node-1/proxy/metrics')).toContain('kubelet_running_pods');
  await k.ok('delete', 'pod', 'busy', '--wait=false');
});

describe('images', () => {
  test('a private registry: refused without a secret, pulled with one', async () => {
    const registry = await startRegistry(cluster);
    try {
      const image = await registry.push('busybox', 'app:1');
      const spec = { nodeName: 'node-1', containers: [{ name: 'main', image, command: ['sleep', '1000'] }] };
      await apply(pod('stranger', spec));
      await expect
        .poll(() => events('stranger'), long)
        .toMatch(/Failed: Failed to pull image "[^"]*app:1": .*(401|auth)/i);
      await expect.poll(() => events('stranger'), long).toContain('BackOff: Back-off pulling image');
      const waiting = async () => (await get('stranger')).status?.containerStatuses?.[0]?.state?.waiting;
      const message = expect.stringContaining(`Back-off pulling image "${image}": ErrImagePull: `);
      await expect.poll(waiting, long).toMatchObject({ reason: 'ImagePullBackOff', message });
      const login = ['--docker-username=user', '--docker-password=secret', `--docker-server=${registry.address}`];
      await k.ok('create', 'secret', 'docker-registry', 'pull', ...login);
      const allowed = { ...spec, imagePullSecrets: [{ name: 'pull' }] };
      await apply(pod('member', { ...allowed, containers: [{ ...spec.containers[0]!, imagePullPolicy: 'Always' }] }));
      await ready('member');
      await expect.poll(() => events('member'), long).toMatch(/Pulled: Successfully pulled image "[^"]*app:1" in \S+s/);
      // By its policy Always the image that is there now is asked for again, and the name refused.
      await apply(pod('policy', { ...spec, containers: [{ ...spec.containers[0]!, imagePullPolicy: 'Always' }] }));
      await expect.poll(() => events('policy'), long).toContain('Failed: Error: ErrImagePull');
      await apply(
        pod('present', { ...spec, containers: [{ ...spec.containers[0]!, imagePullPolicy: 'IfNotPresent' }] }),
      );
      await ready('present');
    } finally {
      await registry.stop();
    }
  });

  test.each([
    ['Upper Case', {}, 'InvalidImageName', 'couldn\'t parse image name "Upper Case": invalid reference format'],
    [
      'portico.local/none:1',
      { imagePullPolicy: 'Never' },
      'ErrImageNeverPull',
      'is not present with pull policy of Never',
    ],
  ])('%s', async (name, more, reason, words) => {
    const podName = reason.toLowerCase();
    await apply(pod(podName, { containers: [{ name: 'main', image: name, ...more }] }));
    const waiting = async () => (await get(podName)).status?.containerStatuses?.[0]?.state?.waiting;
    await expect.poll(waiting, long).toMatchObject({ reason, message: expect.stringContaining(words) });
    await expect.poll(() => events(podName), long).toContain(`Failed: Error: ${reason}`);
  });
});

describe('containers', () => {
  test('users, groups, capabilities, seccomp, a root that is only read; privileged ones and those of the host', async () => {
    const script = 'id; grep -E "Seccomp:|CapEff|NoNew" /proc/self/status; touch /x 2>&1 || sleep 1000';
    await apply(
      pod('confined', {
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 2000,
          supplementalGroups: [3000],
          fsGroup: 4000,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [
          shell(`touch /v/a; stat -c %g /v/a; ${script}`, {
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
            },
          }),
        ],
      }),
      pod('mighty', {
        nodeName: 'node-2',
        hostPID: true,
        hostNetwork: true,
        containers: [
          shell('grep CapEff /proc/self/status; cat /proc/1/comm; hostname; hostname -i; sleep 1000', {
            securityContext: { privileged: true },
          }),
        ],
      }),
    );
    await ready('confined');
    await ready('mighty');
    expect(await logOf('confined', /Read-only/)).toBe(
      [
        '4000',
        'uid=1000 gid=2000 groups=2000,3000,4000',
        'CapEff:\t0000000000000000',
        'NoNewPrivs:\t1',
        'Seccomp:\t2',
        'touch: /x: Read-only file system',
        '',
      ].join('\n'),
    );
    const mighty = await logOf('mighty', /CapEff:.*\n.+\n.+\n.+\n/);
    expect(mighty).toMatch(/CapEff:\t0*[1-9a-f][0-9a-f]{8,}\n/);
    expect(mighty).not.toContain('\nsleep\n');
    const { podIP, hostIP } = (await get('mighty')).status ?? {};
    expect(podIP).toBe(hostIP);
    expect(mighty.trimEnd().split('\n').slice(-2)).toEqual(['node-2', hostIP]);
  });

  test('requests and limits become cgroups below the class of the pod; too much memory is an OOM kill', async () => {
    const resources = { requests: { cpu: '250m', memory: '16Mi' }, limits: { cpu: '500m', memory: '32Mi' } };
    await apply(
      pod('measured', { containers: [shell('sleep 1000', { resources })] }),
      pod('greedy', {
        restartPolicy: 'Never',
        containers: [shell('tail /dev/zero', { resources: { limits: { memory: '16Mi' } } })],
      }),
      // Its containers say nothing: it is the pod that is limited.
      pod('whole', {
        restartPolicy: 'Never',
        resources: { limits: { memory: '16Mi' } },
        containers: [shell('tail /dev/zero')],
      }),
    );
    await ready('measured');
    expect((await get('measured')).status?.qosClass).toBe('Burstable');
    const cgroup = await k.ok('exec', 'measured', '--', 'cat', '/proc/1/cgroup');
    expect(cgroup).toContain(`/burstable/pod${(await get('measured')).metadata.uid}/`);
    const read = async (path: string) => (await k.ok('exec', 'measured', '--', 'cat', `/sys/fs/cgroup/${path}`)).trim();
    const [, podFolder = ''] = /:memory:(.*)\/[^/]+$/m.exec(cgroup) ?? [];
    const ofPod = () => readFileSync(`/sys/fs/cgroup/memory${podFolder}/memory.limit_in_bytes`, 'utf8').trim();
    expect(ofPod()).toBe(String(32 * 1024 * 1024));
    expect(await read('cpu/cpu.shares')).toBe('256');
    expect(await read('cpu/cpu.cfs_quota_us')).toBe('50000');
    expect(await read('memory/memory.limit_in_bytes')).toBe(String(32 * 1024 * 1024));
    const started = (await get('measured')).status?.containerStatuses?.[0]?.containerID;
    const more = { requests: { cpu: '500m', memory: '16Mi' }, limits: { cpu: '1', memory: '64Mi' } };
    const resize = JSON.stringify({ spec: { containers: [{ name: 'main', resources: more }] } });
    await k.ok('patch', 'pod', 'measured', '--subresource', 'resize', '-p', resize);
    await expect.poll(() => read('cpu/cpu.shares'), long).toBe('512');
    await expect.poll(() => read('memory/memory.limit_in_bytes'), long).toBe(String(64 * 1024 * 1024));
    await expect.poll(ofPod, long).toBe(String(64 * 1024 * 1024));
    await expect
      .poll(async () => (await get('measured')).status?.containerStatuses?.[0], long)
      .toMatchObject({ resources: more, allocatedResources: more.requests, containerID: started, restartCount: 0 });
    await expect.poll(() => events('measured'), long).toContain('ResizeCompleted: Pod resize completed: {');
    // More than any node has: it waits with what it has, until it asks for less.
    const ask = (cpu: string) => {
      const resources = { ...more, requests: { cpu, memory: '16Mi' }, limits: { cpu: '9000', memory: '64Mi' } };
      const body = JSON.stringify({ spec: { containers: [{ name: 'main', resources }] } });
      return k.ok('patch', 'pod', 'measured', '--subresource', 'resize', '-p', body);
    };
    const pending = async () =>
      (await get('measured')).status?.conditions?.find(({ type }) => type === 'PodResizePending');
    await ask('8000');
    await expect.poll(pending, long).toMatchObject({ status: 'True', reason: 'Infeasible' });
    expect((await pending())?.message).toMatch(
      /^Node didn't have enough capacity: cpu, requested: 8000000, capacity: \d+$/,
    );
    expect((await get('measured')).status?.containerStatuses?.[0]).toMatchObject({
      resources: more,
      allocatedResources: more.requests,
    });
    expect(await read('cpu/cpu.shares')).toBe('512');
    await expect.poll(() => events('measured'), long).toContain('ResizeInfeasible: Pod resize Infeasible: {');
    await ask('250m');
    await expect.poll(pending, long).toBeUndefined();
    await expect.poll(() => read('cpu/cpu.shares'), long).toBe('256');
    for (const name of ['greedy', 'whole']) {
      await expect.poll(async () => (await get(name)).status?.phase, long).toBe('Failed');
      expect((await get(name)).status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
        reason: 'OOMKilled',
        exitCode: 137,
      });
    }
  });

  test("probes of every kind, hooks, a sidecar that outlives its pod's containers", async () => {
    // A probe that a busy machine answers late has not failed.
    const every = { periodSeconds: 1, timeoutSeconds: 60 };
    const serve = `mkdir -p /tmp/www && echo ok > /tmp/www/ready; trap 'exit 0' TERM
httpd -f -p 8080 -h /tmp/www & wait`;
    await apply(
      pod('probed', {
        // Time enough for its hooks; it ends as soon as it is told to.
        terminationGracePeriodSeconds: 120,
        volumes: [{ name: 'v', hostPath: { path: join(cluster.dataDir, 'hooks'), type: 'DirectoryOrCreate' } }],
        containers: [
          shell(serve, {
            ports: [{ name: 'http', containerPort: 8080 }],
            startupProbe: { tcpSocket: { port: 8080 }, ...every, failureThreshold: 300 },
            readinessProbe: { httpGet: { path: '/ready', port: 'http' }, ...every },
            livenessProbe: { exec: { command: ['test', '!', '-e', '/tmp/sick'] }, ...every, failureThreshold: 1 },
            lifecycle: {
              postStart: { exec: { command: ['sh', '-c', 'echo started >> /v/said'] } },
              preStop: { exec: { command: ['sh', '-c', 'echo stopping >> /v/said'] } },
            },
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          }),
        ],
      }),
      pod('aided', {
        restartPolicy: 'Never',
        volumes: [{ name: 'v', emptyDir: {} }],
        initContainers: [
          {
            ...shell('trap "exit 0" TERM; touch /v/up; while :; do sleep 0.1; done'),
            name: 'sidecar',
            restartPolicy: 'Always',
            startupProbe: { exec: { command: ['test', '-e', '/v/up'] }, ...every },
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          },
        ],
        containers: [shell('test -e /v/up', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
      }),
      pod('hookless', {
        containers: [shell('sleep 1000', { lifecycle: { postStart: { httpGet: { port: 1, path: '/' } } } })],
      }),
    );
    await ready('probed');
    await k.ok('exec', 'probed', '--', 'mv', '/tmp/www/ready', '/tmp/www/gone');
    await k.ok('wait', '--for=condition=Ready=false', 'pod/probed', '--timeout=300s');
    await expect
      .poll(() => events('probed'), long)
      .toContain('Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404');
    await k.ok('exec', 'probed', '--', 'touch', '/tmp/sick');
    await expect
      .poll(() => events('probed'), long)
      .toContain('Killing: Container main failed liveness probe, will be restarted');
    await expect.poll(async () => (await get('probed')).status?.containerStatuses?.[0]?.restartCount, long).toBe(1);
    await ready('probed');
    await k.ok('delete', 'pod', 'probed');
    expect(readFileSync(join(cluster.dataDir, 'hooks/said'), 'utf8')).toBe('started\nstopping\nstarted\nstopping\n');
    await expect.poll(async () => (await get('aided')).status?.phase, long).toBe('Succeeded');
    await expect.poll(() => events('hookless'), long).toContain('FailedPostStartHook: PostStartHook failed\n');
  });

  test('how containers end: their message, whoever writes it, what restarts with them, and that sidecars go last', async () => {
    const never = { restartPolicy: 'Never', terminationGracePeriodSeconds: 300 } as const;
    const v = { volumeMounts: [{ name: 'v', mountPath: '/v' }] };
    const volumes = [{ name: 'v', emptyDir: {} }];
    const onExit = (action: string, values: number[]) => ({
      restartPolicy: 'Never',
      restartPolicyRules: [{ action, exitCodes: { operator: 'In', values } }],
    });
    const sidecar = (name: string) => ({
      ...shell(`trap "echo ${name} >> /v/ended; exit 0" TERM; touch /v/${name}; while :; do sleep 0.1; done`, v),
      name,
      restartPolicy: 'Always',
      // Not asked to end before it hears of it.
      startupProbe: {
        exec: { command: ['test', '-e', `/v/${name}`] },
        periodSeconds: 1,
        timeoutSeconds: 60,
        failureThreshold: 300,
      },
    });
    const path = { terminationMessagePath: '/dev/said', securityContext: { runAsUser: 10_000 } };
    await apply(
      pod('said', { ...never, containers: [shell('printf DONE > /dev/said', path)] }),
      pod('logged', {
        ...never,
        containers: [shell('printf DONE; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' })],
      }),
      // The rest of the pod would take 300 s to end.
      pod('impatient', {
        terminationGracePeriodSeconds: 300,
        containers: [
          shell('sleep 1000', {
            livenessProbe: {
              exec: { command: ['false'] },
              periodSeconds: 1,
              failureThreshold: 1,
              terminationGracePeriodSeconds: 1,
            },
          }),
        ],
      }),
      pod('anew', {
        ...never,
        volumes,
        initContainers: [{ ...shell('echo init >> /v/order', v), name: 'init' }],
        containers: [
          shell('echo main >> /v/order; [ $(grep -c main /v/order) = 2 ]', {
            ...v,
            ...onExit('RestartAllContainers', [1]),
          }),
          { ...shell('until [ $(grep -c main /v/order) = 2 ]; do sleep 0.1; done; cat /v/order', v), name: 'other' },
        ],
      }),
      pod('in-order', {
        ...never,
        volumes: [{ name: 'v', hostPath: { path: join(cluster.dataDir, 'order'), type: 'DirectoryOrCreate' } }],
        initContainers: [sidecar('first'), sidecar('last')],
        containers: [shell('true')],
      }),
    );
    const phase = async (name: string) => (await get(name)).status?.phase;
    const message = async (name: string) =>
      (await get(name)).status?.containerStatuses?.[0]?.state?.terminated?.message;
    for (const name of ['said', 'anew', 'in-order']) await expect.poll(() => phase(name), long).toBe('Succeeded');
    expect(await message('said')).toBe('DONE');
    await expect.poll(() => phase('logged'), long).toBe('Failed');
    expect(await message('logged')).toBe('DONE');
    await expect.poll(() => k.ok('logs', 'anew', '-c', 'other'), long).toBe('init\nmain\ninit\nmain\n');
    const { containerStatuses = [] } = (await get('anew')).status ?? {};
    expect(containerStatuses.map(({ restartCount }) => restartCount)).toEqual([1, 1]);
    expect(readFileSync(join(cluster.dataDir, 'order/ended'), 'utf8')).toBe('last\nfirst\n');
    await expect
      .poll(async () => (await get('impatient')).status?.containerStatuses?.[0]?.restartCount, {
        ...long,
        timeout: 200_000,
      })
      .toBeGreaterThan(0);
    await k.ok('delete', 'pod', 'impatient', '--force', '--grace-period=0');
  });

  test('what a container is made of is told when it is missing', async () => {
    await apply(
      pod('no-command', { containers: [{ name: 'main', image, command: ['/not/there'] }] }),
      pod('no-key', {
        containers: [
          shell('true', {
            env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'kube-root-ca.crt', key: 'b' } } }],
          }),
        ],
      }),
      pod('escape', {
        volumes: [{ name: 'v', emptyDir: {} }],
        initContainers: [
          { ...shell('ln -s /etc /v/link'), name: 'link', volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        ],
        containers: [shell('ls /v', { volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'link' }] })],
      }),
    );
    const status = async (name: string) => (await get(name)).status?.containerStatuses?.[0];
    await expect
      .poll(async () => (await status('no-command'))?.lastState?.terminated, long)
      .toMatchObject({ reason: 'StartError', exitCode: 128 });
    expect((await status('no-command'))?.lastState?.terminated?.message).toContain('/not/there: no such file');
    const backOff = 'BackOff: Back-off restarting failed container main in pod no-command_default(';
    await expect.poll(() => events('no-command'), long).toContain(backOff);
    await expect
      .poll(async () => (await status('no-key'))?.state?.waiting, long)
      .toEqual({
        reason: 'CreateContainerConfigError',
        message: "couldn't find key b in ConfigMap default/kube-root-ca.crt",
      });
    expect((await k.run(['logs', 'no-key'])).stderr).toContain(
      'container "main" in pod "no-key" is waiting to start: CreateContainerConfigError',
    );
    await expect
      .poll(async () => (await status('escape'))?.state?.waiting, long)
      .toEqual({
        reason: 'CreateContainerConfigError',
        message: 'failed to prepare subPath for volumeMount "v" of container "main"',
      });
  });
});
