import { describe, expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../testing/refusals.ts';

const pod = { containers: [{ name: 'c', image: 'x:1' }] };
const template = { metadata: { labels: { a: 'b' } }, spec: pod };
const selector = { matchLabels: { a: 'b' } };
const whole = { selector, template };
const notMatching =
  'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`';
const percent =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
const noOperator = 'spec.selector.matchExpressions[0].operator: Invalid value: "X": not a valid selector operator';
const broken = { matchExpressions: [{ key: 'a', operator: 'X' }] };

type Case = [string, Body, string[]];

describe.each<[string, Case[]]>([
  [
    'deployments',
    [
      ['no selector', { template }, ['spec.selector: Required value', notMatching]],
      [
        'any selector',
        { ...whole, selector: {} },
        ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
      ],
      [
        'a selector that cannot be read',
        { ...whole, selector: broken },
        [
          noOperator,
          'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"X"}]}: invalid label selector',
        ],
      ],
      [
        'a policy that is none',
        { selector, template: { ...template, spec: { ...pod, restartPolicy: 'Once' } } },
        [
          'spec.template.spec.restartPolicy: Unsupported value: "Once": supported values: "Always", "OnFailure", "Never"',
          'spec.template.spec.restartPolicy: Unsupported value: "Once": supported values: "Always"',
        ],
      ],
      [
        'a strategy that is none',
        { ...whole, strategy: { type: 'Blue', rollingUpdate: { maxSurge: '5%' } } },
        [
          'spec.strategy: Unsupported value: {"Type":"Blue","RollingUpdate":{"MaxUnavailable":0,"MaxSurge":"5%"}}: supported values: "Recreate", "RollingUpdate"',
        ],
      ],
      [
        'an update with Recreate',
        { ...whole, strategy: { type: 'Recreate', rollingUpdate: {} } },
        ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
      ],
      [
        'nothing may move',
        { ...whole, strategy: { rollingUpdate: { maxUnavailable: '0%', maxSurge: 'abc' } } },
        [
          `spec.strategy.rollingUpdate.maxSurge: Invalid value: "abc": ${percent}`,
          'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
        ],
      ],
      [
        'more than all',
        { ...whole, strategy: { rollingUpdate: { maxUnavailable: '101%' } } },
        ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
      ],
    ],
  ],
  [
    'daemonsets',
    [
      ['no selector is told of by the labels alone', { template }, [notMatching]],
      [
        'any selector',
        { ...whole, selector: {} },
        ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset'],
      ],
      ['a selector that cannot be read', { ...whole, selector: broken }, [noOperator]],
      [
        'a strategy that is none',
        { ...whole, updateStrategy: { type: 'Blue' } },
        [
          'spec.updateStrategy: Unsupported value: {"Type":"Blue","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
        ],
      ],
      [
        'nothing may move',
        { ...whole, updateStrategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } } },
        ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
      ],
      [
        'both move',
        { ...whole, updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: '10%' } } },
        [
          'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero',
        ],
      ],
    ],
  ],
  [
    'statefulsets',
    [
      [
        'a selector that cannot be read',
        { ...whole, selector: broken },
        [noOperator, 'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"X"}]}'],
      ],
      [
        'an update that is not done',
        { ...whole, updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } },
        [
          'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed for updateStrategy \'RollingUpdate\'',
        ],
      ],
      [
        'a strategy that is none',
        { ...whole, updateStrategy: { type: 'Blue' } },
        [
          'spec.updateStrategy: Invalid value: {"Type":"Blue","RollingUpdate":null}: must be \'RollingUpdate\' or \'OnDelete\'',
        ],
      ],
      [
        'an update that never moves',
        { ...whole, updateStrategy: { rollingUpdate: { partition: -1, maxUnavailable: 0 } } },
        [
          'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0',
          'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0',
        ],
      ],
      [
        'claims that nobody keeps or drops',
        { ...whole, persistentVolumeClaimRetentionPolicy: { whenScaled: 'Later' } },
        [
          'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Later": supported values: "Retain", "Delete"',
        ],
      ],
      [
        'a Service of no name, and claims of nothing',
        { ...whole, serviceName: 'a.b', volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: {} }] },
        [
          'spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required',
          'spec.volumeClaimTemplates[0].spec.resources[storage]: Required value',
          'spec.serviceName: Invalid value: "a.b": must not contain dots',
        ],
      ],
    ],
  ],
])('%s', (resource, cases) => {
  test.each(cases)('refused: %s', (_what, spec, messages) =>
    expect(judgeOf(resource).create({ spec })).toEqual(messages),
  );
});

test('the Pods of a StatefulSet have its name in theirs', () => {
  expect(judgeOf('statefulsets').create({ metadata: { name: 'a.b' }, spec: whole })).toEqual([
    'metadata.name: Invalid value: "a.b": must not contain dots',
  ]);
  expect(judgeOf('deployments').create({ metadata: { name: 'a.b' }, spec: whole })).toEqual([]);
});

test('what a StatefulSet has from before stays', () => {
  const old = { spec: { ...whole, serviceName: 'a.b', volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: {} }] } };
  expect(judgeOf('statefulsets').update(old, { spec: { replicas: 3 } })).toEqual([]);
});

test.each(['replicasets', 'daemonsets'])('%s: a change is looked at as a new one and as an old one', (resource) => {
  const negative = 'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0';
  expect(judgeOf(resource).update({ spec: whole }, { spec: { minReadySeconds: -1 } })).toEqual([negative, negative]);
});

test('the budget of an update of a StatefulSet has no default', () => {
  const { spec } = prepared('statefulsets', { spec: whole });
  expect((spec as Body).updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
});

test.each([{}, { status: {} }])('a claim of a StatefulSet is pending: %j', (given) => {
  const claim = { metadata: { name: 'd' }, spec: {}, ...given };
  const { spec } = prepared('statefulsets', { spec: { template: {}, volumeClaimTemplates: [claim] } });
  expect(spec).toMatchObject({ volumeClaimTemplates: [{ status: { phase: 'Pending' } }] });
});
