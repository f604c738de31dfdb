import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const percent =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

test.each<[Body, string[]]>([
  [{ minAvailable: '50%' }, []],
  [
    { minAvailable: 1, maxUnavailable: '101%' },
    [
      'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":"101%","UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
      'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
  ],
  [{ minAvailable: '5' }, [`spec.minAvailable: Invalid value: "5": ${percent}`]],
  [
    { unhealthyPodEvictionPolicy: 'Never' },
    ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"'],
  ],
])('%j', (spec, messages) => expect(judgeOf('poddisruptionbudgets').create({ spec })).toEqual(messages));

test('conditions are whole, and no type is there twice', () => {
  const time = '2026-01-01T00:00:00Z';
  const right = {
    type: 'DisruptionAllowed',
    status: 'True',
    reason: 'SufficientPods',
    message: '',
    lastTransitionTime: time,
  };
  const wrong = { ...right, status: 'Maybe', reason: '' };
  const judge = judgeOf('poddisruptionbudgets');
  expect(judge.updateStatus({ spec: {} }, {}, { conditions: [right] })).toEqual([]);
  expect(judge.updateStatus({ spec: {} }, {}, { conditions: [right, wrong], expectedPods: -1 })).toEqual([
    'status.conditions[1].type: Duplicate value: "DisruptionAllowed"',
    'status.conditions[1].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    'status.conditions[1].reason: Required value',
    'status.expectedPods: Invalid value: -1: must be greater than or equal to 0',
  ]);
});
