import { expect, test } from 'vitest';
import { printAmounts } from '../../../../apimachinery/resource-list.ts';
import type { Container, Pod } from '../types.generated.ts';
import { evaluatorOf } from './evaluators.ts';

const now = Date.parse('2026-01-01T00:10:00Z');
const pods = evaluatorOf({ group: '', resource: 'pods' })!;

type Amounts = Record<string, string>;

function container(name: string, requests: Amounts = {}, limits: Amounts = {}): Container {
  return { name, image: 'i', resources: { requests, limits } };
}

function pod(spec: Partial<NonNullable<Pod['spec']>>, more: Partial<Pod> = {}): Pod {
  return { metadata: { name: 'a', ...more.metadata }, spec: { containers: [], ...spec }, ...more };
}

const cpu = container('a', { cpu: '1m' }, { cpu: '2m' });
const dongles = (count: string) => ({ 'example.com/dongle': count });
const ofCpu = { pods: '1', cpu: '1m', 'requests.cpu': '1m', 'limits.cpu': '2m' };
const deleted = (deletionTimestamp: string) => ({
  metadata: { name: 'a', deletionTimestamp, deletionGracePeriodSeconds: 30 },
});

test.each<[string, Pod, Amounts]>([
  ['a container', pod({ containers: [cpu] }), ofCpu],
  ['an init container', pod({ initContainers: [cpu] }), ofCpu],
  [
    'storage',
    pod({ containers: [container('a', { 'ephemeral-storage': '32Mi' }, { 'ephemeral-storage': '64Mi' })] }),
    {
      pods: '1',
      'ephemeral-storage': '32Mi',
      'requests.ephemeral-storage': '32Mi',
      'limits.ephemeral-storage': '64Mi',
    },
  ],
  [
    'huge pages',
    pod({ containers: [container('a', { 'hugepages-2Mi': '100Mi' })] }),
    { pods: '1', 'hugepages-2Mi': '100Mi', 'requests.hugepages-2Mi': '100Mi' },
  ],
  [
    'what is no resource of ours',
    pod({ containers: [container('a', dongles('3'), dongles('3'))] }),
    { pods: '1', 'requests.example.com/dongle': '3' },
  ],
  [
    'the larger of init containers and the others',
    pod({
      initContainers: [container('a', { cpu: '4' }, { cpu: '8' }), container('b', { cpu: '1' }, { cpu: '2' })],
      containers: [container('c', { cpu: '1' }, { cpu: '2' }), container('d', { cpu: '2' }, { cpu: '5' })],
    }),
    { pods: '1', cpu: '4', 'requests.cpu': '4', 'limits.cpu': '8' },
  ],
  [
    'with overhead',
    pod({ overhead: { cpu: '1' }, containers: [container('a', { cpu: '1' }, { cpu: '2' })] }),
    { pods: '1', cpu: '2', 'requests.cpu': '2', 'limits.cpu': '3' },
  ],
  ['as a whole', pod({ resources: { requests: { cpu: '1m' }, limits: { cpu: '2m' } } }), ofCpu],
  ['one that has ended', pod({ containers: [cpu] }, { status: { phase: 'Succeeded' } }), {}],
  ['one that should be gone', pod({ containers: [cpu] }, deleted('2026-01-01T00:09:00Z')), {}],
  ['one that is about to go', pod({ containers: [cpu] }, deleted('2026-01-01T00:10:00Z')), ofCpu],
  [
    'one that becomes smaller',
    pod(
      { containers: [cpu] },
      {
        status: {
          containerStatuses: [{ ...cpu, resources: { requests: { cpu: '3m' }, limits: { cpu: '4m' } } } as never],
        },
      },
    ),
    { pods: '1', cpu: '3m', 'requests.cpu': '3m', 'limits.cpu': '4m' },
  ],
  [
    'one that becomes larger',
    pod(
      { containers: [container('a', { cpu: '5m' }, { cpu: '6m' })] },
      {
        status: {
          containerStatuses: [{ ...cpu, resources: { requests: { cpu: '3m' }, limits: { cpu: '4m' } } } as never],
        },
      },
    ),
    { pods: '1', cpu: '5m', 'requests.cpu': '5m', 'limits.cpu': '6m' },
  ],
])('what a pod costs: %s', (_, one, expected) => {
  expect(printAmounts(pods.usage(one, now))).toEqual({ 'count/pods': '1', ...expected });
});

const silent = [container('foo'), container('bar')];

test.each<[string, Pod, string[], string | undefined]>([
  ['nothing is limited', pod({ containers: silent }), [], undefined],
  ['all is said', pod({ containers: [cpu] }), ['cpu', 'limits.cpu'], undefined],
  ['of a container', pod({ containers: [cpu] }), ['memory'], 'must specify memory for: a'],
  ['of an init container', pod({ initContainers: [cpu] }), ['memory'], 'must specify memory for: a'],
  ['of several', pod({ containers: silent }), ['memory', 'cpu'], 'must specify cpu for: bar,foo; memory for: bar,foo'],
  [
    'the pod says it as a whole',
    pod({ resources: { requests: { cpu: '1m' } }, containers: silent }),
    ['memory', 'cpu'],
    undefined,
  ],
])('what a pod must say: %s', (_, one, required, expected) => {
  expect(pods.missing?.(required, one)).toBe(expected);
});
