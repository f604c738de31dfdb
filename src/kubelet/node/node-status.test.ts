import { expect, test } from 'vitest';
import type { NodeStatus } from '../../api/core/v1/types.generated.ts';
import { parseThresholds, type Threshold } from '../eviction/thresholds.ts';
import { type NodeFacts, nodeStatus } from './node-status.ts';

const Gi = 1024 ** 3;

function status(over: Partial<NodeFacts>, old?: NodeStatus) {
  const facts: NodeFacts = {
    nodeName: 'n',
    nodeIPs: ['192.0.2.1'],
    cpus: 2,
    memory: 4 * Gi,
    ephemeralStorage: 100 * Gi,
    architecture: 'amd64',
    kernelVersion: '6',
    osImage: 'Linux',
    machineID: 'm',
    bootID: 'b',
    runtimeVersion: 'containerd://2',
    kubeletVersion: 'v1.36.2',
    images: [],
    problems: [],
    ...over,
  };
  return nodeStatus(facts, old, 0);
}

test.each([
  ['', '4Gi', '100Gi'],
  ['memory.available<100Mi,nodefs.available<10%', '3996Mi', '96636764000'],
  ['memory.available<5Gi', '0', '100Gi'],
])('pods get what is left above the thresholds %j', (flag, memory, disk) => {
  const { capacity, allocatable } = status({ evictionHard: parseThresholds(flag) as readonly Threshold[] });
  expect(capacity).toMatchObject({ memory: '4194304Ki', 'ephemeral-storage': '104857600Ki' });
  expect(allocatable).toMatchObject({ cpu: '2', memory, 'ephemeral-storage': disk, pods: '110' });
});

test.each([
  [{}, 'Ready', 'True', 'kubelet is posting ready status'],
  [{ problems: ['a'] }, 'Ready', 'False', 'a'],
  [{ problems: ['a', 'b'] }, 'Ready', 'False', '[a, b]'],
  [{ pressures: ['PIDPressure'] }, 'PIDPressure', 'True', 'kubelet has insufficient PID available'],
  [{ pressures: ['MemoryPressure'] }, 'MemoryPressure', 'True', 'kubelet has insufficient memory available'],
  [{ pressures: ['MemoryPressure'] }, 'DiskPressure', 'False', 'kubelet has no disk pressure'],
])('of a node with %j the condition %s is %s', (over, type, expected, message) => {
  const condition = status(over).conditions?.find((one) => one.type === type);
  expect(condition).toMatchObject({ status: expected, message });
});

test('what the runtime can do is told, once it tells', () => {
  expect(status({})).not.toHaveProperty('features');
  const features = { supplementalGroupsPolicy: true };
  expect(status({ features }).features).toEqual(features);
  expect(status({ runtimeHandlers: [] })).not.toHaveProperty('runtimeHandlers');
  const runtimeHandlers = [{ name: '', features: { recursiveReadOnlyMounts: true, userNamespaces: false } }];
  expect(status({ runtimeHandlers }).runtimeHandlers).toEqual(runtimeHandlers);
  expect(status({}, { runtimeHandlers })).not.toHaveProperty('runtimeHandlers');
  expect(status({ runtimeHandlers: [] }, { runtimeHandlers }).runtimeHandlers).toEqual([]);
});

test('the largest images are listed, each by at most five names', () => {
  const names = Array.from({ length: 7 }, (_, i) => `name${i}`);
  const images = Array.from({ length: 60 }, (_, i) => ({ names, sizeBytes: i }));
  const listed = status({ images }).images ?? [];
  expect([listed.length, listed[0]]).toEqual([50, { names: names.slice(0, 5), sizeBytes: 59 }]);
});

test('what others advertise of a node its pods may have', () => {
  const old = { capacity: { 'example.com/dongle': '4', cpu: '99' }, allocatable: { 'example.com/gone': '1' } };
  const { capacity, allocatable } = status({}, old);
  expect(capacity).toMatchObject({ 'example.com/dongle': '4', cpu: '2' });
  expect(allocatable).toMatchObject({ 'example.com/dongle': '4', cpu: '2' });
  expect(allocatable).not.toHaveProperty(['example.com/gone']);
});
