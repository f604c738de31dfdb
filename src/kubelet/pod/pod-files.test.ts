import { expect, test } from 'vitest';
import { qosClass } from '../../api/core/v1/pod/qos.ts';
import type { Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import { type EnvironmentSources, environment, expand, podField } from './env.ts';
import { hostsFile, sandboxHostname } from './network-files.ts';
import {
  containerResources,
  defaultLimits,
  podCgroup,
  podCgroupResources,
  podCgroups,
  resourceField,
} from './resources.ts';

function pod(spec: Partial<PodSpec> = {}): Pod {
  return {
    metadata: { name: 'web-0', namespace: 'shop', uid: 'u', labels: { a: 'b', app: 'web' } },
    spec: { containers: [{ name: 'c' }], ...spec },
  };
}

const sources: EnvironmentSources = {
  services: [
    {
      metadata: { name: 'my-db', namespace: 'shop' },
      spec: { clusterIP: '10.96.0.5', ports: [{ name: 'main', port: 5432 }] },
    },
    { metadata: { name: 'other', namespace: 'elsewhere' }, spec: { clusterIP: '10.96.0.6', ports: [{ port: 1 }] } },
    { metadata: { name: 'headless', namespace: 'shop' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
    {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] },
    },
  ],
  podIPs: ['10.244.1.2', 'fd00::2'],
  hostIPs: ['172.30.0.11'],
  allocatable: { cpu: '2', memory: '4Gi' },
  volumeFile: async () => undefined,
  configMap: async (name) => (name === 'cm' ? { metadata: { name }, data: { k: 'v' } } : undefined),
  secret: async (name) => (name === 's' ? { metadata: { name }, data: { k: 'c2VjcmV0' } } : undefined),
};

test('variables of Services are those of upstream', async () => {
  const all = Object.fromEntries(await environment(pod(), { name: 'c' }, sources));
  expect(all).toEqual({
    MY_DB_SERVICE_HOST: '10.96.0.5',
    MY_DB_SERVICE_PORT: '5432',
    MY_DB_SERVICE_PORT_MAIN: '5432',
    MY_DB_PORT: 'tcp://10.96.0.5:5432',
    MY_DB_PORT_5432_TCP: 'tcp://10.96.0.5:5432',
    MY_DB_PORT_5432_TCP_PROTO: 'tcp',
    MY_DB_PORT_5432_TCP_PORT: '5432',
    MY_DB_PORT_5432_TCP_ADDR: '10.96.0.5',
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
  });
  const without = await environment(pod({ enableServiceLinks: false }), { name: 'c' }, sources);
  expect([...without.keys()].every((k) => k.startsWith('KUBERNETES_'))).toBe(true);
});

test('values come from where they are said to come', async () => {
  const container = {
    name: 'c',
    resources: { limits: { memory: '64Mi' } },
    envFrom: [{ prefix: 'P_', configMapRef: { name: 'cm' } }],
    env: [
      { name: 'A', value: '$(P_k)-$(NOPE)-$$(P_k)' },
      { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } },
      { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
      { name: 'OPT', valueFrom: { configMapKeyRef: { name: 'none', key: 'x', optional: true } } },
    ],
  };
  const all = await environment(pod({ enableServiceLinks: false }), container, { ...sources, services: [] });
  expect(Object.fromEntries(all)).toEqual({
    P_k: 'v',
    A: 'v-$(NOPE)-$(P_k)',
    S: 'secret',
    IP: '10.244.1.2,fd00::2',
    LABEL: 'web',
    MEM: '64',
    CPU: '2',
  });
});

test.each([
  [{ configMapKeyRef: { name: 'none', key: 'x' } }, 'configmap "none" not found'],
  [{ configMapKeyRef: { name: 'cm', key: 'x' } }, "couldn't find key x in ConfigMap shop/cm"],
  [{ secretKeyRef: { name: 's', key: 'x' } }, "couldn't find key x in Secret shop/s"],
])('what is missing is named: %j', async (valueFrom, message) => {
  await expect(environment(pod(), { name: 'c', env: [{ name: 'X', valueFrom }] }, sources)).rejects.toThrow(message);
});

test('$(VAR) as upstream expands it', () => {
  const values = new Map([['A', '1']]);
  expect(expand('$(A) $$(A) $A $(B) $$$(A) $', values)).toBe('1 $(A) $A $(B) $1 $');
});

test('/etc/hosts names the pod and its aliases', () => {
  const spec = { subdomain: 'db', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] };
  const lines = hostsFile(pod(spec), { podIPs: ['10.244.1.2'], domain: 'cluster.local' }).split('\n');
  expect(lines).toContain('10.244.1.2\tweb-0.db.shop.svc.cluster.local\tweb-0');
  expect(lines).toContain('1.2.3.4\ta\tb');
});

test("/etc/hosts of a pod on the node's network is the node's, with the node's name in any case", () => {
  const of = (hosts: string) =>
    hostsFile(pod({ hostNetwork: true }), {
      podIPs: ['172.30.0.11'],
      domain: 'cluster.local',
      node: { hostname: 'node-1', hosts },
    });
  const head = '# Kubernetes-managed hosts file (host network).\n';
  const named = '127.0.0.1 localhost\n127.0.1.1\tx.example node-1 # this one\n';
  expect(of(named)).toBe(head + named);
  const others = '127.0.0.1 localhost node-11 # not node-1\n';
  expect(of(others)).toBe(`${head}${others}172.30.0.11\tnode-1\n`);
});

test('quality of service and cgroups', () => {
  const resources = (requests?: Record<string, string>, limits?: Record<string, string>) =>
    pod({ containers: [{ name: 'c', resources: { ...(requests && { requests }), ...(limits && { limits }) } }] });
  const full = { cpu: '500m', memory: '64Mi' };
  expect(qosClass(pod())).toBe('BestEffort');
  expect(qosClass(resources({ cpu: '100m' }))).toBe('Burstable');
  expect(qosClass(resources(full, { cpu: '0.5', memory: '64Mi' }))).toBe('Guaranteed');
  expect(podCgroup('/n', resources({ cpu: '1' }))).toBe('/n/burstable/podu');
  expect(podCgroup('/n', resources(full, full))).toBe('/n/podu');
  const classes = [resources(full, full), resources({ cpu: '1' }), pod()];
  expect(podCgroups('/n', 'u')).toEqual(classes.map((one) => podCgroup('/n', one)));
  const burstable = resources({ cpu: '250m', memory: '1Gi' }, { cpu: '1500m', memory: '2Gi' });
  const [container = { name: 'c' }] = burstable.spec.containers;
  const nodeMemory = 4 * 2 ** 30;
  const expected = {
    cpuShares: 256,
    cpuPeriod: 100_000,
    cpuQuota: 150_000,
    memoryLimitInBytes: 2 ** 31,
    oomScoreAdj: 750,
  };
  expect(containerResources(burstable, container, { nodeMemory, isUnified: false })).toEqual(expected);
  expect(containerResources(burstable, container, { nodeMemory, isUnified: true })).toEqual({
    ...expected,
    unified: { 'memory.oom.group': '1' },
  });
});

test('the name of a pod: its own, in full where it asks for that, or quite another', () => {
  const name = (spec: Partial<PodSpec>) => sandboxHostname(pod(spec), 'cluster.local');
  expect(name({})).toBe('web-0');
  expect(name({ hostname: 'h', subdomain: 's' })).toBe('h');
  expect(name({ hostname: 'h', subdomain: 's', setHostnameAsFQDN: true })).toBe('h.s.shop.svc.cluster.local');
  expect(name({ setHostnameAsFQDN: true })).toBe('web-0');
  expect(name({ hostname: 'h', subdomain: 's', hostnameOverride: 'other.example' })).toBe('other.example');
  expect(() => name({ hostname: 'h'.repeat(40), subdomain: 's', setHostnameAsFQDN: true })).toThrow(
    'is too long (64 characters is the max, 65 characters requested)',
  );
});

test("a pod's cgroup is limited where it says so itself, or all of its containers do", () => {
  const resources = (limits: Record<string, string>) => ({ resources: { limits, requests: limits } });
  const one = { name: 'a', ...resources({ cpu: '500m', memory: '1Ki' }) };
  const of = (spec: Partial<PodSpec>) => podCgroupResources(pod(spec));
  expect(of({ containers: [{ name: 'a' }] })).toEqual({ cpuShares: 2 });
  expect(of({ containers: [one, { ...one, name: 'b' }] })).toEqual({
    cpuShares: 1024,
    cpuQuota: 100_000,
    memoryLimit: 2048,
  });
  expect(of({ containers: [one, { name: 'b' }] })).toEqual({ cpuShares: 512 });
  const own = resources({ cpu: '250m', memory: '4Ki' });
  expect(of({ containers: [{ name: 'a' }], ...own })).toEqual({ cpuShares: 256, cpuQuota: 25_000, memoryLimit: 4096 });
});

test.each([
  [{ resource: 'limits.cpu', divisor: '1' }, {}, {}, '2'],
  [{ resource: 'limits.memory' }, {}, {}, '4294967296'],
  [{ resource: 'limits.memory', divisor: '1Mi' }, {}, { memory: '1Gi' }, '1024'],
  [{ resource: 'limits.cpu', divisor: '1m' }, { limits: { cpu: '0' } }, { cpu: '250m' }, '250'],
  [{ resource: 'limits.cpu' }, { limits: { cpu: '1500m' } }, { cpu: '4' }, '2'],
  [{ resource: 'requests.cpu', divisor: '0' }, { requests: { cpu: '100m' } }, {}, '1'],
  [{ resource: 'requests.memory' }, { limits: { memory: '1Gi' } }, {}, '0'],
])('the field %j of %j in a pod with limits %j', (reference, resources, limits, expected) => {
  const defaults = defaultLimits(pod({ resources: { limits } }), { cpu: '2', memory: '4Gi' });
  expect(resourceField({ name: 'c', resources }, reference, defaults)).toBe(expected);
});

test('labels are quoted as Go does', () => {
  const labelled: Pod = {
    metadata: { name: 'p', annotations: { b: 'line\n\u001b"é"', a: '' } },
    spec: { containers: [] },
  };
  const field = podField(labelled, 'metadata.annotations', { podIPs: [], hostIPs: [] });
  expect(field).toBe('a=""\nb="line\\n\\x1b\\"é\\""');
});
