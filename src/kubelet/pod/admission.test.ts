import { describe, expect, test } from 'vitest';
import type { Container, Node, Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import { admission } from './admission.ts';

const node: Node = {
  spec: {
    taints: [
      { key: 'away', effect: 'NoExecute' },
      { key: 'full', effect: 'NoSchedule' },
    ],
  },
  metadata: { name: 'n', labels: { disk: 'ssd' } },
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '3', 'example.com/gpu': '1', 'hugepages-2Mi': '0' } },
};

function pod(container: Partial<Container> = {}, spec: Partial<PodSpec> = {}): Pod {
  const tolerations = [{ key: 'away', operator: 'Exists' }];
  return { metadata: { name: 'p' }, spec: { tolerations, containers: [{ name: 'c', ...container }], ...spec } };
}

const labelled = (os: string): Pod => ({ ...pod(), metadata: { name: 'p', labels: { 'kubernetes.io/os': os } } });
const asking = (requests: Record<string, string>, spec: Partial<PodSpec> = {}) =>
  pod({ resources: { requests } }, spec);

const port = (hostPort: number, more: object = {}) => pod({ ports: [{ containerPort: 80, hostPort, ...more }] });
const cpu = (amount: string) => pod({ resources: { requests: { cpu: amount } } });

test.each<[string, Pod, readonly Pod[], string | undefined]>([
  ['a free port', port(80), [port(81)], undefined],
  [
    'a taken port',
    port(80),
    [port(80)],
    "NodePorts: Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  ],
  ['a port taken on every address', port(80, { hostIP: '10.0.0.1' }), [port(80)], 'NodePorts'],
  ['a port on two addresses', port(80, { hostIP: '10.0.0.1' }), [port(80, { hostIP: '10.0.0.2' })], undefined],
  ['a port on an address and on ::', port(80, { hostIP: '10.0.0.1' }), [port(80, { hostIP: '::' })], undefined],
  ['a port of two protocols', port(80), [port(80, { protocol: 'UDP' })], undefined],
  [
    'too little CPU',
    cpu('1500m'),
    [cpu('1')],
    "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  ],
  ['just enough CPU', cpu('1'), [cpu('1')], undefined],
  ['too many pods', pod(), [pod(), pod(), pod()], 'OutOfpods'],
  ['too little of more than one', asking({ memory: '2Gi', cpu: '3' }), [], 'OutOfcpu'],
  [
    'a kind of memory that it has not',
    asking({ 'hugepages-2Mi': '2Mi' }),
    [],
    "OutOfhugepages-2Mi: Pod was rejected: Node didn't have enough resource: hugepages-2Mi, requested: 2097152, used: 0, capacity: 0",
  ],
  ['too many devices', asking({ 'example.com/gpu': '2' }), [], 'OutOfexample.com/gpu'],
  ['devices that it does not know', asking({ 'example.com/other': '2' }), [], undefined],
  ['too little, on another node', asking({ cpu: '3' }, { nodeSelector: { disk: 'hdd' } }), [], 'OutOfcpu'],
  [
    'a taint that it does not bear',
    pod({}, { tolerations: [] }),
    [],
    "TaintToleration: Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
  ],
  [
    'another system by its label',
    labelled('windows'),
    [],
    "PodOSSelectorNodeLabelDoesNotMatch: Pod was rejected: Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
  ],
  ['this system by its label', labelled('linux'), [], undefined],
  [
    'another system',
    pod({}, { os: { name: 'windows' } }),
    [],
    "PodOSNotSupported: Pod was rejected: Failed to admit pod as the OS field doesn't match node OS",
  ],
  ['another node wanted', pod({}, { nodeSelector: { disk: 'hdd' } }), [], 'NodeAffinity'],
  ['this node wanted', pod({}, { nodeSelector: { disk: 'ssd' } }), [], undefined],
  [
    'an AppArmor profile',
    pod({}, { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }),
    [],
    'AppArmor: Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host',
  ],
  ['no AppArmor profile', pod({}, { securityContext: { appArmorProfile: { type: 'Unconfined' } } }), [], undefined],
  [
    'groups of the image left out',
    pod({}, { securityContext: { supplementalGroupsPolicy: 'Strict' } }),
    [],
    'SupplementalGroupsPolicyNotSupported: Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node',
  ],
])('%s', (_, one, others, expected) => {
  const why = admission({ pod: one, node, others }).refused;
  if (expected === undefined) expect(why).toBeUndefined();
  else expect(`${why?.reason}: ${why?.message}`.startsWith(`${expected}`), why?.message).toBe(true);
});

describe('a critical pod', () => {
  const critical = (amount: string, spec: Partial<PodSpec> = {}) =>
    asking({ cpu: amount }, { priority: 2_000_000_000, ...spec });
  const others = [cpu('1500m'), cpu('500m')];

  test('ends others where it does not fit', () => {
    expect(admission({ pod: critical('400m'), node, others })).toEqual({ preempted: [others[1]] });
    expect(admission({ pod: critical('2'), node, others })).toEqual({ preempted: [others[0], others[1]] });
    expect(admission({ pod: critical('1'), node, others: [] })).toEqual({ refused: undefined });
  });

  test('ends nobody for what is refused anyway', () => {
    const elsewhere = critical('400m', { nodeSelector: { disk: 'hdd' } });
    expect(admission({ pod: elsewhere, node, others }).refused?.reason).toBe('NodeAffinity');
  });

  test('says why nobody can make room', () =>
    expect(admission({ pod: critical('3'), node, others })).toEqual({
      refused: {
        reason: 'UnexpectedAdmissionError',
        message:
          'Pod was rejected: Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 1000), ]',
      },
    }));
});
