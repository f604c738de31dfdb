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
  ['it is told of the whole pod', { allocatedResources: { cpu: '4' }, resources: { requests: { cpu: '2' } } }, '4'],
])('while a pod is resized its node keeps the largest: %s', (_, status, cpu) => {
  expect(inForce(status)).toEqual({ cpu, memory: '1Gi' });
});

test('what the pod asks as a whole is resized likewise; its status has the overhead in it', () => {
  const whole = { resources: { requests: { cpu: '2' } }, overhead: { cpu: '100m' } };
  const status = { resources: { requests: { cpu: '3100m' } }, allocatedResources: { cpu: '2100m' } };
  expect(inForce(status, whole)).toEqual({ cpu: '3100m', memory: '1Gi' });
  expect(inForce({ ...status, conditions: infeasible }, whole)).toMatchObject({ cpu: '3100m' });
});
