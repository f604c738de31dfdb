import { expect, test } from 'vitest';
import { printAmounts } from '../../../../apimachinery/resource-list.ts';
import type { Pod, PodStatus } from '../types.generated.ts';
import { podRequestsInForce } from './resources.ts';

const spec: Pod['spec'] = { containers: [{ name: 'web', resources: { requests: { cpu: '1', memory: '1Gi' } } }] };
const infeasible = [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }];

function inForce(status: PodStatus, more: Partial<Pod['spec']> = {}): Record<string, string> {
  return printAmounts(podRequestsInForce({ spec: { ...spec, ...more }, status }));
}

const container = (allocated: string, actual: string) => ({
  name: 'web',
  image: 'web',
  imageID: 'web',
  ready: true,
  restartCount: 0,
  allocatedResources: { cpu: allocated, memory: '1Gi' },
  resources: { requests: { cpu: actual, memory: '1Gi' } },
});

test.each<[string, PodStatus, string]>([
  ['nothing is told yet', {}, '1'],
  ['more is wanted', { containerStatuses: [container('500m', '500m')] }, '1'],
  ['more was set aside', { containerStatuses: [container('2', '500m')] }, '2'],
  ['more is in force', { containerStatuses: [container('1', '3')] }, '3'],
  ['what is wanted can never be', { containerStatuses: [container('500m', '600m')], conditions: infeasible }, '600m'],
  [
    'only what is set aside is told',
    { containerStatuses: [{ ...container('2', '2'), resources: undefined as never }] },
    '1',
  ],
  ['a pod asks nothing as a whole', { allocatedResources: { cpu: '4' }, resources: { requests: { cpu: '2' } } }, '1'],
])('while a pod is resized its node keeps the largest: %s', (_, status, cpu) => {
  expect(inForce(status)).toEqual({ cpu, memory: '1Gi' });
});

test('what the pod asks as a whole is resized likewise; overhead comes on top', () => {
  const whole = { resources: { requests: { cpu: '2' } }, overhead: { cpu: '100m' } };
  const status = { resources: { requests: { cpu: '1' } }, allocatedResources: { cpu: '1500m' } };
  expect(inForce(status, whole)).toEqual({ cpu: '2100m', memory: '1Gi' });
  expect(inForce({ ...status, conditions: infeasible }, whole)).toEqual({ cpu: '1600m', memory: '1Gi' });
});

test('an init container that ends keeps what it asks for; a sidecar is resized', () => {
  const resources = { requests: { cpu: '1' } };
  const initContainers = [
    { name: 'side', restartPolicy: 'Always', resources },
    { name: 'first', resources: { requests: { cpu: '4' } } },
  ];
  const told = (name: string, cpu: string) => ({ ...container(cpu, cpu), name });
  const initContainerStatuses = [told('side', '2'), told('first', '8')];
  expect(inForce({ initContainerStatuses }, { initContainers })).toMatchObject({ cpu: '6' });
});
