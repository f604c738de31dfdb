import { expect, test } from 'vitest';
import type { Job, JobSpec, JobStatus } from '../../api/batch/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { failuresSinceSuccess } from './failures.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';
import { finishTime, podOf, trackingFinalizer } from './job-pods.ts';
import { judgeSuccess } from './policies.ts';
import { reconcile } from './reconcile.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const startTime = '2026-01-01T00:00:00Z';

function job(spec: Partial<JobSpec> = {}, status: JobStatus = {}): Job {
  return {
    metadata: { name: 'work', namespace: 'default', uid: 'job', generation: 1 },
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      template: { spec: { containers: [], restartPolicy: 'Never' } },
      ...spec,
    },
    status: { startTime, ...status },
  };
}

interface PodFacts {
  /** Seconds since it ended. */
  readonly ago?: number;
  readonly index?: number;
  readonly failures?: number;
  readonly tracked?: boolean;
  readonly exitCode?: number;
  readonly going?: boolean;
}

function pod(name: string, phase: string, facts: PodFacts = {}): Pod {
  const { ago = 3600, index, failures, tracked = true, exitCode = 1, going } = facts;
  const made = podOf(job(), {
    ...(index !== undefined && { index }),
    ...(failures !== undefined && { failures: { counted: failures, ignored: 0 } }),
  });
  made.metadata.name = name;
  made.metadata.uid = name;
  if (!tracked) delete made.metadata.finalizers;
  if (going) made.metadata.deletionTimestamp = formatTime(now);
  const terminated = { exitCode: phase === 'Succeeded' ? 0 : exitCode, finishedAt: formatTime(now - ago * 1000) };
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const state = ended ? { terminated } : { running: { startedAt: startTime } };
  made.status = {
    phase,
    containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state }],
  };
  return made;
}

function plan(one: Job, ...pods: Pod[]) {
  const result = reconcile({ job: one, pods, now });
  const conditions = (result.status?.conditions ?? [])
    .filter((c) => c.status === 'True')
    .map((c) => `${c.type}:${c.reason}`);
  return {
    create: result.create.map(({ index }) => index ?? 'pod'),
    delete: result.delete.map(({ metadata }) => metadata.name),
    untrack: result.removeFinalizers.map(({ metadata }) => metadata.name),
    conditions,
    wait: result.requeueAfter,
    status: result.status,
  };
}

const whenFailed = { podReplacementPolicy: 'Failed' };

/** Without completions: the pods agree among themselves when all is done. */
function queue(parallelism: number): Job {
  const one = job({ parallelism });
  delete one.spec.completions;
  return one;
}

const indexed = (more: Partial<JobSpec> = {}) =>
  job({ completionMode: 'Indexed', completions: 3, parallelism: 3, ...more });

const running = (index?: number) => pod(`r${index ?? ''}`, 'Running', index === undefined ? {} : { index });

test.each<[string, Job, Pod[], string]>([
  ['as many as run at once', job({ completions: 5, parallelism: 2 }), [], '+pod +pod'],
  ['no more than are missing', job({ completions: 2, parallelism: 2 }, { succeeded: 1 }), [], '+pod'],
  ['a work queue shrinks after a success', queue(2), [running(), pod('b', 'Succeeded')], ''],
  ['all indexes', indexed(), [], '+0 +1 +2'],
  ['the lowest free index', indexed({ parallelism: 2 }), [running(1)], '+0'],
  ['no index that has succeeded', indexed(), [pod('a', 'Succeeded', { index: 0 })], '+1 +2'],
  ['two of one index are one too many', indexed(), [running(0), pod('twin', 'Running', { index: 0 })], '-r0'],
  ['fewer when parallelism shrinks', job({ completions: 3, parallelism: 1 }), [running(), pod('b', 'Pending')], '-b'],
  ['none while suspended', job({ suspend: true }), [running()], '-r'],
  ['one that goes has failed, and is replaced after a while', job(), [pod('a', 'Running', { going: true })], ''],
  ['only failed ones are replaced', job(whenFailed), [pod('a', 'Running', { going: true })], ''],
])('%s', (_, one, pods, expected) => {
  const found = plan(one, ...pods);
  expect([...found.create.map((made) => `+${made}`), ...found.delete.map((name) => `-${name}`)].join(' ')).toBe(
    expected,
  );
});

test('a pod that ended becomes uncounted, then loses its finalizer, then is a number', () => {
  const first = plan(job({ completions: 2 }), pod('a', 'Succeeded'));
  expect(first.status?.uncountedTerminatedPods).toEqual({ succeeded: ['a'] });
  expect(first.status?.succeeded).toBe(0);
  expect(first.untrack).toEqual(['a']);
  const waiting = job({ completions: 2 }, first.status);
  expect(plan(waiting, pod('a', 'Succeeded')).status?.succeeded ?? 0).toBe(0);
  const second = plan(waiting, pod('a', 'Succeeded', { tracked: false }));
  expect(second.status).toMatchObject({ succeeded: 1, uncountedTerminatedPods: {} });
  expect(
    plan(job({ completions: 2 }, second.status), pod('a', 'Succeeded', { tracked: false })).status?.succeeded ?? 1,
  ).toBe(1);
});

test.each<[string, Job, Pod[], string]>([
  [
    'too many failures',
    job({ backoffLimit: 1 }, { failed: 1 }),
    [pod('a', 'Failed')],
    'FailureTarget:BackoffLimitExceeded',
  ],
  ['too long', job({ activeDeadlineSeconds: 60 }), [pod('a', 'Running')], 'FailureTarget:DeadlineExceeded'],
  [
    'an index that failed for good',
    indexed({ backoffLimitPerIndex: 0, completions: 1 }),
    [pod('a', 'Failed', { index: 0, failures: 0 })],
    'FailureTarget:FailedIndexes',
  ],
  [
    'too many failed indexes',
    indexed({ backoffLimitPerIndex: 0, maxFailedIndexes: 0 }),
    [pod('a', 'Failed', { index: 0, failures: 0 })],
    'FailureTarget:MaxFailedIndexesExceeded',
  ],
  ['enough successes', job(), [pod('a', 'Succeeded')], 'SuccessCriteriaMet:CompletionsReached'],
  [
    'early success',
    indexed({ successPolicy: { rules: [{ succeededIndexes: '1' }] } }),
    [pod('a', 'Succeeded', { index: 1 })],
    'SuccessCriteriaMet:SuccessPolicy',
  ],
  ['suspension', job({ suspend: true }), [], 'Suspended:JobSuspended'],
])('%s', (_, one, pods, condition) => expect(plan(one, ...pods).conditions).toEqual([condition]));

test('a suspended Job has no start, and starts anew when it is resumed', () => {
  const started = { startTime: formatTime(now - 600_000), active: 1 };
  const held = plan(job({ suspend: true }, started), running());
  expect(held.status).not.toHaveProperty('startTime');
  expect(held.status?.active).toBe(0);
  const { startTime: _, ...status } = held.status ?? {};
  const resumed = plan({ ...job({ suspend: false, activeDeadlineSeconds: 60 }), status });
  expect(resumed.status?.startTime).toBe(formatTime(now));
  expect(resumed.status?.conditions).toMatchObject([{ type: 'Suspended', status: 'False', reason: 'JobResumed' }]);
});

test('a decided Job ends its pods, and is done when all are counted', () => {
  const target = { type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded', message: 'm' };
  const decided = job({}, { conditions: [target] });
  expect(plan(decided, pod('a', 'Running'))).toMatchObject({
    delete: ['a'],
    conditions: ['FailureTarget:DeadlineExceeded'],
  });
  expect(plan(decided, pod('a', 'Running', { going: true, tracked: false })).conditions).not.toContain(
    'Failed:DeadlineExceeded',
  );
  expect(plan(decided).conditions).toEqual(['FailureTarget:DeadlineExceeded', 'Failed:DeadlineExceeded']);
});

test.each<[string, Job, Pod[], { delete: string[]; untrack: string[]; failed: string[] }]>([
  [
    'counts the pods that it takes down as failed',
    job({ backoffLimit: 0, parallelism: 2 }),
    [pod('a', 'Failed'), pod('b', 'Running'), pod('c', 'Pending')],
    { delete: ['b', 'c'], untrack: ['a', 'b', 'c'], failed: ['a', 'b', 'c'] },
  ],
  [
    'counts those that are going already',
    job({ ...whenFailed, activeDeadlineSeconds: 60 }),
    [pod('a', 'Running', { going: true }), pod('b', 'Running')],
    { delete: ['b'], untrack: ['a', 'b'], failed: ['a', 'b'] },
  ],
  [
    'counts none without an index',
    indexed({ backoffLimit: 0 }),
    [pod('a', 'Failed', { index: 0 }), pod('b', 'Running', { index: 99 }), pod('c', 'Failed', { index: 99 })],
    { delete: ['b'], untrack: ['a', 'c', 'b'], failed: ['a'] },
  ],
  [
    'that succeeds takes pods down that have not failed',
    indexed({ successPolicy: { rules: [{ succeededIndexes: '1' }] } }),
    [pod('a', 'Succeeded', { index: 1 }), pod('b', 'Running', { index: 0 })],
    { delete: ['b'], untrack: ['a', 'b'], failed: [] },
  ],
  [
    'that is over counts pods that were held for their index',
    indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 0 }),
    [pod('a', 'Failed', { index: 0, failures: 0 }), pod('b', 'Failed', { index: 1, failures: 1 })],
    { delete: [], untrack: ['b', 'a'], failed: ['b', 'a'] },
  ],
  [
    'that is deleted lets go of all',
    { ...job(), metadata: { ...job().metadata, deletionTimestamp: startTime } },
    [pod('a', 'Running')],
    { delete: [], untrack: ['a'], failed: [] },
  ],
])('a Job %s', (_, one, pods, expected) => {
  const found = plan(one, ...pods);
  const failed = found.status?.uncountedTerminatedPods?.failed ?? [];
  expect({ delete: found.delete, untrack: found.untrack, failed }).toEqual(expected);
});

test('rules of the pod failure policy', () => {
  const rules = (action: string) => ({
    podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] },
  });
  const failed = (exitCode: number) => pod('a', 'Failed', { exitCode });
  const fail = plan(job(rules('FailJob')), failed(42));
  expect(fail.status?.conditions?.[0]?.message).toBe(
    'Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0',
  );
  expect(plan(job(rules('FailJob')), failed(1)).conditions).toEqual([]);
  const ignored = plan(job({ backoffLimit: 0, ...rules('Ignore') }), failed(42));
  expect(ignored).toMatchObject({ conditions: [], untrack: ['a'], create: ['pod'] });
  expect(plan(job({ backoffLimit: 0, ...rules('Ignore') }), failed(1)).conditions).toEqual([
    'FailureTarget:BackoffLimitExceeded',
  ]);
});

test.each([
  [1, 10],
  [2, 20],
  [3, 40],
  [7, 600],
  [12, 600],
])('after %i failures in a row the next pod waits %i seconds', (failures, seconds) => {
  const pods = Array.from({ length: failures }, (_, i) => pod(`p${i}`, 'Failed', { ago: i, tracked: false }));
  const found = plan(job({ backoffLimit: 100 }), ...pods);
  expect([found.create, found.wait]).toEqual([[], seconds * 1000]);
});

test('a success ends the back-off', () => {
  const pods = [pod('a', 'Failed', { ago: 5, tracked: false }), pod('b', 'Succeeded', { ago: 1, tracked: false })];
  expect(plan(job({ completions: 2 }, { succeeded: 1 }), ...pods).create).toEqual(['pod']);
});

test('one that goes is replaced when its back-off is over, even if it is gone by then', () => {
  const going = pod('a', 'Running', { going: true });
  expect(reconcile({ job: job(), pods: [going], now }).requeueAfter).toBe(10_000);
  expect(reconcile({ job: job(), pods: [going], now: now + 10_000 }).create).toEqual([{}]);
  const failures = failuresSinceSuccess(job(), [going], { now });
  expect(reconcile({ job: job(), pods: [], now: now + 1000, failures }).requeueAfter).toBe(9000);
  expect(reconcile({ job: job(), pods: [], now: now + 10_000, failures }).create).toEqual([{}]);
  const done = pod('b', 'Succeeded', { ago: -1 });
  expect([...failuresSinceSuccess(job(), [done], { now, known: failures })]).toEqual([]);
});

test('an index waits for its own failures, and its failed pod is held until it has another', () => {
  const one = indexed({ backoffLimitPerIndex: 2, completions: 2, parallelism: 2 });
  const failed = pod('a', 'Failed', { index: 0, failures: 1, ago: 5 });
  const early = reconcile({ job: one, pods: [failed, pod('b', 'Running', { index: 1 })], now });
  expect([early.create, early.removeFinalizers, early.requeueAfter]).toEqual([[], [], 15_000]);
  const late = reconcile({ job: one, pods: [failed, pod('b', 'Running', { index: 1 })], now: now + 15_000 });
  expect(late.create).toEqual([{ index: 0, failures: { counted: 2, ignored: 0 } }]);
  const next = pod('c', 'Running', { index: 0, failures: 2 });
  expect(reconcile({ job: one, pods: [failed, next], now }).removeFinalizers).toEqual([failed]);
});

test.each([
  [[], ''],
  [[3], '3'],
  [[0, 1], '0,1'],
  [[0, 1, 2, 5, 7, 8, 9], '0-2,5,7-9'],
])('the indexes %j are %j', (indexes, text) => {
  expect(formatIndexes(new Set(indexes))).toBe(text);
  expect([...parseIndexes(text, 100)]).toEqual(indexes);
});

test('a pod of an index knows it', () => {
  const made = podOf(job({ template: { spec: { containers: [{ name: 'c' }] } } }), { index: 2 });
  expect(made.metadata).toMatchObject({ generateName: 'work-2-', finalizers: [trackingFinalizer] });
  expect(made.spec.hostname).toBe('work-2');
  expect(made.spec.containers[0]?.env?.[0]?.name).toBe('JOB_COMPLETION_INDEX');
});

test('a rule about no index, or none that there is, ends no Job', () => {
  const met = (succeededIndexes: string, succeeded: readonly number[], succeededCount?: number) =>
    judgeSuccess(
      job({
        completions: 10,
        completionMode: 'Indexed',
        successPolicy: {
          rules: [{ succeededIndexes, ...(succeededCount !== undefined && { succeededCount }) }],
        },
      }),
      new Set(succeeded),
    );
  expect([met('', []), met('', [1]), met('10-12', [1, 2]), met('no', [0])]).toEqual(Array(4).fill(undefined));
  const first = 'Matched rules at index 0';
  expect([met('2-4,8-12', [2, 3, 4, 7, 8, 9]), met('1-3,5-7', [2, 3, 6, 7], 4), met('3', [0, 1])]).toEqual([
    first,
    first,
    undefined,
  ]);
});

test('a long name leaves room for the index', () => {
  const long = { ...job({ completionMode: 'Indexed' }), metadata: { name: 'h'.repeat(60), uid: 'job' } };
  expect(podOf(long, { index: 12 }).metadata.generateName).toBe(`${'h'.repeat(54)}-12-`);
});

test('a pod has ended when its sidecars have', () => {
  const end = (seconds: number) => ({ finishedAt: formatTime(now - seconds * 1000), exitCode: 1 });
  const status = (name: string, seconds: number) => ({
    name,
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: { terminated: end(seconds) },
  });
  const initContainers = [{ name: 'proxy', restartPolicy: 'Always' }, { name: 'setup' }];
  const ended = pod('a', 'Failed');
  ended.spec.initContainers = initContainers;
  const initContainerStatuses = [status('proxy', 10), status('setup', 5)];
  ended.status = { phase: 'Failed', containerStatuses: [status('c', 20)], initContainerStatuses };
  expect(finishTime(ended, now)).toBe(now - 10_000);
});
