import { expect, test } from 'vitest';
import type { DaemonSet } from '../../api/apps/v1/types.generated.ts';
import type { Node, Pod, PodSpec, Taint } from '../../api/core/v1/types.generated.ts';
import type { FailedPod } from './failed-pods.ts';
import { placeOn, podOf, targetOf } from './pods.ts';
import { reconcile } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:10:00Z');

function set(change: Partial<DaemonSet['spec']> = {}, pod: Partial<PodSpec> = {}): DaemonSet {
  return {
    metadata: { name: 'agent', namespace: 'default', uid: 'set', generation: 1 },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [], ...pod } },
      ...change,
    },
  };
}

function node(name: string, taints: Taint[] = [], labels: Record<string, string> = {}): Node {
  return { metadata: { name, labels }, spec: { taints } };
}

/** `a:ready@old`: a pod of the old template on node a. */
function pods(...texts: string[]): Pod[] {
  return texts.map((text, i) => {
    const [, name = '', state, of = 'new'] = /^(\w+):(\w+)(?:@(\w+))?$/.exec(text) ?? [];
    const pod = podOf(set(), name, of);
    pod.metadata.name = text.replace(':', '-');
    pod.metadata.creationTimestamp = `2026-01-01T00:00:0${i}Z`;
    const status = state === 'ready' || state === 'going' ? 'True' : 'False';
    const phase = state === 'failed' ? 'Failed' : 'Running';
    pod.status = { phase, conditions: [{ type: 'Ready', status, lastTransitionTime: '2026-01-01T00:00:00Z' }] };
    if (state === 'going') pod.metadata.deletionTimestamp = '2026-01-01T00:09:00Z';
    return pod;
  });
}

function plan(change: Partial<DaemonSet['spec']>, present: string[]): string {
  const nodes = ['a', 'b', 'c'].map((name) => node(name));
  const input = { set: set(change), nodes, pods: pods(...present), hash: 'new', now, collisionCount: undefined };
  const { create, delete: end } = reconcile(input);
  return [...create.map((name) => `+${name}`), ...end.map((pod) => `-${pod.metadata.name}`)].join(' ');
}

const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
const old = ['a:ready@old', 'b:ready@old', 'c:ready@old'];

test.each<[string, Partial<DaemonSet['spec']>, string[], string]>([
  ['one on each node', {}, [], '+a +b +c'],
  ['where it is missing', {}, ['a:ready', 'c:ready'], '+b'],
  ['no second one while the first goes', {}, ['a:going', 'b:ready', 'c:ready'], ''],
  ['of two the younger goes', {}, ['a:ready', 'a:unready', 'b:ready', 'c:ready'], '-a-unready'],
  ['one that failed goes', {}, ['a:failed', 'b:ready', 'c:ready'], '-a-failed'],
  ['one that waits for a node that is gone goes', {}, ['a:ready', 'b:ready', 'c:ready', 'd:unready'], '-d-unready'],
  ['an update takes one at a time', {}, old, '-a-ready@old'],
  ['and waits for it', {}, ['a:unready', ...old.slice(1)], ''],
  ['a broken old one goes at once', {}, ['a:unready@old', 'b:unready', 'c:ready@old'], '-a-unready@old'],
  ['as many as may be missing', rolling({ maxUnavailable: 2 }), old, '-a-ready@old -b-ready@old'],
  ['a share is rounded up', rolling({ maxUnavailable: '34%' }), old, '-a-ready@old -b-ready@old'],
  ['a surge makes the new one first', rolling({ maxSurge: 1, maxUnavailable: 0 }), old, '+a'],
  [
    'and ends the old one when it serves',
    rolling({ maxSurge: 1, maxUnavailable: 0 }),
    [...old, 'a:ready'],
    '-a-ready@old',
  ],
  [
    'or when it serves no more itself',
    rolling({ maxSurge: 1, maxUnavailable: 0 }),
    ['a:unready@old', ...old.slice(1), 'a:unready'],
    '-a-unready@old',
  ],
  ['not before', rolling({ maxSurge: 1, maxUnavailable: 0 }), [...old, 'a:unready'], ''],
  ['OnDelete leaves pods alone', { updateStrategy: { type: 'OnDelete' } }, old, ''],
])('%s', (_, change, present, expected) => expect(plan(change, present)).toBe(expected));

const taint = (key: string, effect: string): Taint => ({ key, effect });

test.each<[string, Node, Partial<PodSpec>, string]>([
  ['any node', node('a'), {}, 'runs'],
  ['a cordoned one', node('a', [taint('node.kubernetes.io/unschedulable', 'NoSchedule')]), {}, 'runs'],
  ['a lost one', node('a', [taint('node.kubernetes.io/unreachable', 'NoExecute')]), {}, 'runs'],
  ['one without network', node('a', [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')]), {}, 'stays'],
  [
    'the same for the host network',
    node('a', [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')]),
    { hostNetwork: true },
    'runs',
  ],
  ['one that takes no new pods', node('a', [taint('x', 'NoSchedule')]), {}, 'stays'],
  ['one that sends pods away', node('a', [taint('x', 'NoExecute')]), {}, 'goes'],
  ['one that is tolerated', node('a', [taint('x', 'NoExecute')]), { tolerations: [{ operator: 'Exists' }] }, 'runs'],
  ['one that is not selected', node('a'), { nodeSelector: { disk: 'ssd' } }, 'goes'],
  ['one that is', node('a', [], { disk: 'ssd' }), { nodeSelector: { disk: 'ssd' } }, 'runs'],
])('%s', (_, where, pod, expected) => {
  const { shouldRun, mayStay } = placeOn(set({}, pod), where);
  expect(shouldRun ? 'runs' : mayStay ? 'stays' : 'goes').toBe(expected);
});

test('a pod is for one node; its name takes the place of what the template requires of nodes', () => {
  const term = { matchExpressions: [{ key: 'disk', operator: 'Exists' }] };
  const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: term }] };
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term, term] } };
  const pod = podOf(set({}, { affinity: { nodeAffinity: { ...required, ...preferred } } }), 'b', 'new');
  expect(targetOf(pod)).toBe('b');
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['b'] }];
  expect(pod.spec.affinity?.nodeAffinity).toEqual({
    ...preferred,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
  });
});

test('pods that fail on a node again and again are taken away ever later', () => {
  const input = { set: set(), nodes: [node('a')], pods: pods('a:failed'), hash: 'new', collisionCount: undefined };
  const failed = new Map<string, FailedPod>();
  const seen: (number | undefined)[] = [];
  let time = now;
  for (let i = 0; i < 13; i += 1) {
    const first = reconcile({ ...input, now, failed: { byNode: failed, at: time } });
    expect(first.delete).toHaveLength(1);
    for (const [name, pod] of first.failed) failed.set(name, pod);
    const next = reconcile({ ...input, now, failed: { byNode: failed, at: time } });
    expect([next.delete, next.events]).toEqual([[], []]);
    seen.push(next.requeueAfter);
    time += next.requeueAfter ?? 0;
  }
  expect(seen.map((wait) => (wait ?? 0) / 1000)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  // After half an hour of peace it begins anew.
  const later = reconcile({ ...input, now, failed: { byNode: failed, at: time + 1_800_001 } });
  expect(later.failed.get('a')?.wait).toBe(1000);
});

test('of several pods on a node the one that has it stays, though it is the younger', () => {
  const [waiting, bound] = pods('a:unready', 'a:ready');
  if (!waiting || !bound) throw new Error('no pods');
  bound.spec.nodeName = 'a';
  const input = { set: set(), nodes: [node('a')], pods: [waiting, bound], hash: 'new', now, collisionCount: undefined };
  expect(reconcile(input).delete).toEqual([waiting]);
});

test('the status', () => {
  const nodes = [node('a'), node('b'), node('c', [taint('x', 'NoSchedule')])];
  const present = pods('a:ready', 'b:unready@old', 'c:ready');
  const { status } = reconcile({ set: set(), nodes, pods: present, hash: 'new', now, collisionCount: undefined });
  expect(status).toMatchObject({
    desiredNumberScheduled: 2,
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
    numberUnavailable: 1,
    updatedNumberScheduled: 1,
  });
});
