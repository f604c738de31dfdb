import { describe, expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../../testing/refusals.ts';

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x:1' }] } };
const body = (spec: Body) => ({ metadata: { uid: 'u' }, spec: { template, ...spec } });
const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 3 };
const success = (rule: Body) => ({ ...indexed, successPolicy: { rules: [rule] } });
const at = 'spec.successPolicy.rules[0]';
const rule = 'spec.podFailurePolicy.rules[0]';

test.each<[string, Body, string[]]>([
  [
    'failures are limited, but not how many of each',
    { maxFailedIndexes: 1, ...indexed },
    ['spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified'],
  ],
  [
    'very many indexes, each with its limit',
    { completionMode: 'Indexed', completions: 100_001, parallelism: 10_001, backoffLimitPerIndex: 1 },
    [
      'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
      'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
    ],
  ],
  [
    'somebody of no path',
    { managedBy: 'a.b/<' },
    [
      "spec.managedBy: Invalid value: \"<\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
    ],
  ],
  ['somebody of no name', { managedBy: '' }, ['spec.managedBy: Required value']],
  [
    'success without indexes',
    { successPolicy: { rules: [{ succeededCount: 1 }] } },
    [
      'spec.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed completion mode',
    ],
  ],
  [
    'success of nothing',
    success({}),
    [`${at}: Required value: at least one of succeededCount or succeededIndexes must be specified`],
  ],
  [
    'success of more than there are',
    success({ succeededIndexes: '0-1', succeededCount: 4 }),
    [
      `${at}.succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)`,
      `${at}.succeededCount: Invalid value: 4: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)`,
    ],
  ],
  [
    'indexes that go back',
    success({ succeededIndexes: '2,1' }),
    [
      `${at}.succeededIndexes: Invalid value: "2,1": error parsing succeededIndexes: non-increasing order, previous: 2, current: 1`,
    ],
  ],
  [
    'a failure policy that says nothing',
    { podFailurePolicy: { rules: [{ onExitCodes: {} }] } },
    [
      `${rule}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`,
      `${rule}.onExitCodes.operator: Required value: valid values: ["In" "NotIn"]`,
      `${rule}.onExitCodes.values: Invalid value: null: at least one value is required`,
    ],
  ],
  [
    'a failure policy of Pods that try again',
    { podFailurePolicy: { rules: [] }, template: { spec: { ...template.spec, restartPolicy: 'OnFailure' } } },
    [
      'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
    ],
  ],
])('refused: %s', (_what, spec, messages) => expect(judgeOf('jobs').create(body(spec))).toEqual(messages));

test('a condition that a failure policy names is one that holds', () => {
  const policy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] };
  const { spec } = prepared('jobs', body({ podFailurePolicy: policy }));
  expect((spec as Body).podFailurePolicy).toEqual({
    rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
  });
});

const conditions = (...types: string[]) => ({ conditions: types.map((type) => ({ type, status: 'True' })) });
const [start, end] = ['2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'];
const done = { ...conditions('SuccessCriteriaMet', 'Complete'), startTime: start, completionTime: end, succeeded: 1 };
const cannot = (what: string) => `status.conditions: Invalid value: cannot ${what}`;

describe('a status', () => {
  test.each<[string, Body, unknown, unknown, string[]]>([
    ['done', {}, {}, done, []],
    ['failed', {}, {}, { ...conditions('FailureTarget', 'Failed'), startTime: start }, []],
    [
      'complete, out of nothing',
      {},
      {},
      conditions('Complete'),
      [
        'status.completionTime: Required value: completionTime is required for Complete jobs',
        cannot('set Complete=True condition without the SuccessCriteriaMet=true condition'),
        'status.startTime: Required value: startTime is required for finished job',
      ],
    ],
    [
      'failed, out of nothing',
      {},
      {},
      { ...conditions('Failed'), startTime: start, active: 1, terminating: 2 },
      [
        cannot('set Failed=True condition without the FailureTarget=true condition'),
        'status.active: Invalid value: 1: active>0 is invalid for finished job',
        'status.terminating: Invalid value: 2: terminating>0 is invalid for finished job',
      ],
    ],
    [
      'complete and failed',
      {},
      {},
      { ...done, ...conditions('SuccessCriteriaMet', 'Complete', 'FailureTarget', 'Failed') },
      [
        cannot('set Complete=True and Failed=true conditions'),
        cannot('set Complete=True and FailureTarget=true conditions'),
        cannot('set SuccessCriteriaMet=True and Failed=true conditions'),
        cannot('set SuccessCriteriaMet=True and FailureTarget=true conditions'),
      ],
    ],
    [
      'an end without an end',
      {},
      { startTime: end },
      { startTime: end, completionTime: start },
      [
        `status.completionTime: Invalid value: "${start}": cannot set completionTime when there is no Complete=True condition`,
        `status.completionTime: Invalid value: "${start}": completionTime cannot be set before startTime`,
      ],
    ],
    [
      'Pods that are not counted',
      {},
      {},
      { ...done, uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } },
      [
        'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
        'status.uncountedTerminatedPods: Invalid value: {"Succeeded":["a",""],"Failed":["a"]}: uncountedTerminatedPods needs to be empty for finished job',
      ],
    ],
    [
      'what is decided, and counted, is forgotten',
      {},
      { ...done, failed: 2 },
      { startTime: start, failed: 1 },
      [
        cannot('disable the terminal Complete=True condition'),
        'status.failed: Invalid value: 1: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
        cannot('disable the SuccessCriteriaMet=True condition'),
      ],
    ],
    [
      'another beginning',
      {},
      { startTime: start },
      { startTime: end },
      ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    ],
    ['a beginning that a pause takes back', { suspend: true }, { startTime: start }, {}, []],
    [
      'indexes of a Job without',
      {},
      {},
      { completedIndexes: '0', failedIndexes: '' },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
        'status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ],
    ],
    [
      'indexes that failed and did not',
      { ...indexed, backoffLimitPerIndex: 1 },
      {},
      { completedIndexes: '0,3', failedIndexes: '0-1' },
      [
        'status.completedIndexes: Invalid value: "0,3": error parsing completedIndexes: too large index: "3"',
        'status.failedIndexes: Invalid value: "0-1": failedIndexes and completedIndexes overlap at index: 0',
      ],
    ],
    [
      'what was wrong before does not stand in the way',
      {},
      { completedIndexes: '9' },
      { completedIndexes: '9', failed: 1 },
      [],
    ],
    [
      'more ready than active',
      {},
      {},
      { active: 1, ready: 2 },
      ['status.ready: Invalid value: 2: cannot set more ready pods than active'],
    ],
  ])('%s', (...[, spec, before, after, messages]) => {
    expect(judgeOf('jobs').updateStatus(body(spec), before, after)).toEqual(messages);
  });
});

test.each<[string, Body, string[]]>([
  [
    'a zone of this machine',
    { timeZone: 'Local' },
    [
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
  ],
  ['no zone', { timeZone: '' }, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
  [
    'Jobs that replace their Pods nobody knows when',
    { jobTemplate: { spec: { template, podReplacementPolicy: 'Soon' } } },
    [
      'spec.jobTemplate.spec.podReplacementPolicy: Unsupported value: "Soon": supported values: "Failed", "TerminatingOrFailed"',
    ],
  ],
  [
    'nothing that is right',
    { startingDeadlineSeconds: -1, timeZone: 'Moon', concurrencyPolicy: 'Some' },
    [
      'spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.timeZone: Invalid value: "Moon": unknown time zone Moon',
      'spec.concurrencyPolicy: Unsupported value: "Some": supported values: "Allow", "Forbid", "Replace"',
    ],
  ],
])('a CronJob with %s', (_what, spec, messages) => {
  const cron = { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...spec } };
  expect(judgeOf('cronjobs').create(cron)).toEqual(messages);
});

test.each([{}, { podReplacementPolicy: 'Failed' }])('a CronJob keeps what its Jobs are said to be: %j', (said) => {
  const { spec } = prepared('cronjobs', {
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template, ...said } } },
  });
  const { template: _, ...kept } = (spec as { jobTemplate: { spec: Body } }).jobTemplate.spec;
  expect(kept).toEqual(said);
});

test('what a Job is made of is shown as upstream has it: by its own names, maps in order', () => {
  const labels = { z: '1', a: 'b' };
  const one = { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  const selector = { matchExpressions: [{ operator: 'In', values: ['1'], key: 'z' }], matchLabels: labels };
  const job = { spec: { manualSelector: true, selector, template: one } };
  const container = { name: 'c', image: 'other' };
  const [message = ''] = judgeOf('jobs').update(job, { spec: { template: { spec: { containers: [container] } } } });
  expect(message).toMatch(
    /^spec\.template: Invalid value: \{"labels":\{"a":"b","z":"1"\},"Spec":\{"Volumes":null,"InitContainers":null,"Containers":\[\{"Name":"c","Image":"other",/,
  );
  expect(judgeOf('jobs').update(job, { spec: { selector: { matchLabels: { b: 'c' } } } })).toContain(
    'spec.selector: Invalid value: {"matchLabels":{"a":"b","b":"c","z":"1"},"matchExpressions":[{"key":"z","operator":"In","values":["1"]}]}: field is immutable',
  );
  const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }];
  expect(judgeOf('jobs').update(job, { spec: { podFailurePolicy: { rules } } })).toContain(
    'spec.podFailurePolicy: Invalid value: {"Rules":[{"Action":"Ignore","OnExitCodes":null,"OnPodConditions":[{"Type":"DisruptionTarget","Status":"True"}]}]}: field is immutable',
  );
});
