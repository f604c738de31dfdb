import { describe, expect, test } from 'vitest';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../api/core/v1/types.generated.ts';
import { containerResources } from './resources.ts';

const node = { nodeMemory: 8_000_000_000, isUnified: false };
const memory = (request: number | string): Container => ({
  name: 'c',
  resources: { requests: { memory: `${request}` } },
});

function resourcesOf(container: Container, spec: Partial<PodSpec> = {}) {
  const pod: Pod = { metadata: { name: 'p' }, spec: { containers: [container], ...spec } };
  return containerResources(pod, container, node);
}

describe('who the kernel kills first', () => {
  const both = { cpu: '5m', memory: '10G' };
  const sidecar: Container = { ...memory(1000), name: 's', restartPolicy: 'Always' };
  const whole = (request: number): Partial<PodSpec> => ({ resources: { requests: { memory: `${request}` } } });
  test.each<[string, Container, Partial<PodSpec>, number]>([
    ['asks for nothing', { name: 'c' }, {}, 1000],
    ['asks for half of the node', memory(4_000_000_000), {}, 500],
    ['a little less than half', memory(3_999_999_999), {}, 501],
    ['almost nothing', memory(1), {}, 999],
    ['only processor', { name: 'c', resources: { limits: { cpu: '1' } } }, {}, 999],
    ['all of the node', memory(7_999_999_999), {}, 3],
    ['is guaranteed', { name: 'c', resources: { requests: both, limits: both } }, {}, -997],
    [
      'the node cannot do without',
      { name: 'c' },
      { priority: 2_000_001_000, priorityClassName: 'system-node-critical' },
      -997,
    ],
    [
      'the cluster cannot do without',
      { name: 'c' },
      { priority: 2_000_000_000, priorityClassName: 'system-cluster-critical' },
      1000,
    ],
    ['serves others', sidecar, { containers: [memory(4_000_000_000)], initContainers: [sidecar] }, 500],
    ['serves smaller ones', memory(4_000_000_000), { initContainers: [memory(1)] }, 500],
    [
      'shares what its pod asks for',
      { name: 'c' },
      { ...whole(4_000_000_000), containers: [{ name: 'c' }, { name: 'd' }] },
      750,
    ],
    ['has its own and a share', memory(2_000_000_000), whole(4_000_000_000), 500],
  ])('one that %s', (_, container, spec, score) => expect(resourcesOf(container, spec).oomScoreAdj).toBe(score));
});

test.each<[ResourceRequirements, object]>([
  [{}, { cpuShares: 2 }],
  [{ requests: { cpu: '128m', memory: '128M' } }, { cpuShares: 131 }],
  [
    { requests: { cpu: '2' }, limits: { cpu: '4' } },
    { cpuShares: 2048, cpuPeriod: 100_000, cpuQuota: 400_000 },
  ],
  [{ limits: { cpu: '5m' } }, { cpuShares: 5, cpuPeriod: 100_000, cpuQuota: 1000 }],
  [{ limits: { memory: '128M' } }, { cpuShares: 2, memoryLimitInBytes: 128_000_000 }],
  [{ limits: { memory: '0', cpu: '0' } }, { cpuShares: 2 }],
  [{ requests: { cpu: '1000' } }, { cpuShares: 262_144 }],
])('%j as cgroups count', (resources, expected) => {
  const { oomScoreAdj: _, ...counted } = resourcesOf({ name: 'c', resources });
  expect(counted).toEqual(expected);
});

test('a container without limits of its own has those of its pod', () => {
  const spec = { resources: { limits: { cpu: '1', memory: '1Gi' } } };
  const pods = resourcesOf({ name: 'c', resources: { requests: { cpu: '100m' } } }, spec);
  expect(pods).toMatchObject({ cpuShares: 102, cpuQuota: 100_000, memoryLimitInBytes: 2 ** 30 });
  const own = resourcesOf({ name: 'c', resources: { limits: { cpu: '500m' } } }, spec);
  expect(own).toMatchObject({ cpuShares: 512, cpuQuota: 50_000, memoryLimitInBytes: 2 ** 30 });
});
