// The table is upstream's (pkg/kubelet/preemption/preemption_test.go).
import { expect, test } from 'vitest';
import type { Pod, PodSpec, ResourceRequirements } from '../../api/core/v1/types.generated.ts';
import { type Need, podsToPreempt } from './preemption.ts';

const Mi = 1024 * 1024;
const critical = 2_000_000_000;

function pod(
  name: string,
  amount: number,
  { isGuaranteed = false, ...spec }: Partial<PodSpec> & { isGuaranteed?: boolean } = {},
): Pod {
  const asked = { cpu: `${amount}m`, memory: `${amount}Mi` };
  const resources: ResourceRequirements =
    amount === 0 ? {} : { requests: asked, ...(isGuaranteed && { limits: asked }) };
  return { metadata: { name }, spec: { containers: [{ name: 'c', resources }], ...spec } };
}

const clusterCritical = pod('cluster-critical', 100, {
  priority: critical,
  priorityClassName: 'system-cluster-critical',
});
const nodeCritical = pod('node-critical', 100, { priority: critical + 100, priorityClassName: 'system-node-critical' });
const bestEffort = pod('best-effort', 0);
const burstable = pod('burstable', 100);
const highBurstable = pod('high-burstable', 300);
const guaranteed = pod('guaranteed', 100, { isGuaranteed: true });
const highGuaranteed = pod('high-guaranteed', 300, { isGuaranteed: true });
const all = [bestEffort, burstable, highBurstable, guaranteed, highGuaranteed];

/** Thousandths of a core, Mi of memory, pods. */
function needs(cpu: number, memory: number, pods: number): Need[] {
  const list = [
    { name: 'cpu', amount: cpu },
    { name: 'memory', amount: memory * Mi },
    { name: 'pods', amount: pods },
  ];
  return list.filter(({ amount }) => amount > 0);
}

const none = 'no set of running pods found to reclaim resources: ';

test.each<[string, Parameters<typeof podsToPreempt>, readonly Pod[] | string]>([
  ['nothing is missing', [clusterCritical, [], needs(0, 0, 0)], []],
  ['there is nobody', [clusterCritical, [], needs(0, 0, 1)], `${none}[(res: pods, q: 1), ]`],
  ['another has all of it', [clusterCritical, [burstable], needs(100, 100, 1)], [burstable]],
  [
    'others have too little',
    [clusterCritical, [burstable], needs(200, 200, 2)],
    `${none}[(res: cpu, q: 100), (res: memory, q: ${100 * Mi}), (res: pods, q: 1), ]`,
  ],
  ['best effort before burstable', [clusterCritical, [burstable, bestEffort], needs(0, 0, 1)], [bestEffort]],
  ['burstable before guaranteed', [clusterCritical, [burstable, guaranteed], needs(0, 0, 1)], [burstable]],
  [
    'the smaller where it suffices',
    [clusterCritical, [bestEffort, highBurstable, burstable], needs(100, 100, 0)],
    [burstable],
  ],
  [
    'the larger where it does not',
    [clusterCritical, [bestEffort, burstable, highBurstable], needs(150, 150, 0)],
    [highBurstable],
  ],
  ['more than one', [clusterCritical, all, needs(350, 350, 0)], [highBurstable, burstable]],
  ['no more than must be of each class', [clusterCritical, all, needs(0, 550, 0)], [highBurstable, highGuaranteed]],
  ['a critical pod for one of the node', [nodeCritical, [clusterCritical], needs(100, 0, 0)], [clusterCritical]],
  [
    'none of the node for another',
    [clusterCritical, [nodeCritical], needs(100, 0, 0)],
    `${none}[(res: cpu, q: 100), ]`,
  ],
  [
    'no critical pod for its like',
    [clusterCritical, [clusterCritical], needs(0, 0, 1)],
    `${none}[(res: pods, q: 1), ]`,
  ],
  [
    'nobody who asks for nothing',
    [clusterCritical, [bestEffort], needs(0, 1, 0)],
    `${none}[(res: memory, q: ${Mi}), ]`,
  ],
])('%s', (_, input, expected) => expect(podsToPreempt(...input)).toEqual(expected));

test('a static pod is critical without a priority', () => {
  const fromFile: Pod = {
    ...pod('static', 100),
    metadata: { name: 's', annotations: { 'kubernetes.io/config.source': 'file' } },
  };
  expect(podsToPreempt(fromFile, [burstable], needs(1, 0, 0))).toEqual([burstable]);
  expect(podsToPreempt(nodeCritical, [fromFile], needs(1, 0, 0))).toBe(`${none}[(res: cpu, q: 1), ]`);
});
