import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const spec = { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 3 };
const at = 'spec.metrics[0]';
const utilization = { type: 'Utilization', averageUtilization: 50 };
const kinds = '"ContainerResource", "External", "Object", "Pods", "Resource"';

test.each<[string, Body, string[]]>([
  ['nothing', {}, []],
  [
    'none at all, of what has no others to look at',
    { minReplicas: 0 },
    [
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
    ],
  ],
  [
    'a metric of no type',
    { metrics: [{}] },
    [
      `${at}.type: Required value: must specify a metric source type`,
      `${at}.type: Unsupported value: "": supported values: ${kinds}`,
      `${at}.type: Unsupported value: "": supported values: ${kinds}`,
    ],
  ],
  [
    'two sources, of which the first is looked into',
    { metrics: [{ type: 'Resource', pods: { metric: {}, target: {} }, resource: { name: '', target: {} } }] },
    [
      `${at}.pods.metric.name: Required value: must specify a metric name`,
      `${at}.pods.target.type: Required value: must specify a metric target type`,
      `${at}.pods.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue`,
      `${at}.pods.target.averageValue: Required value: must specify a positive target averageValue`,
      `${at}.pods: Forbidden: must populate the given metric source only`,
    ],
  ],
  [
    'an object without a target',
    {
      metrics: [
        {
          type: 'Object',
          object: { describedObject: { kind: 'K', name: 'a/b' }, metric: { name: 'm' }, target: { type: 'Value' } },
        },
      ],
    },
    [
      `${at}.object.describedObject.name: Invalid value: "a/b": may not contain '/'`,
      `${at}.object.target.averageValue: Required value: must set either a target value or averageValue`,
    ],
  ],
  [
    'a container of no name',
    {
      metrics: [
        { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'a.b', target: utilization } },
      ],
    },
    [`${at}.containerResource.container: Invalid value: "a.b": must not contain dots`],
  ],
  [
    'an amount of nothing',
    {
      metrics: [{ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '0' } } }],
    },
    [`${at}.pods.target.averageValue: Invalid value: "0": must be positive`],
  ],
  [
    'less than no tolerance',
    { behavior: { scaleUp: { tolerance: '-1' } } },
    ['spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0'],
  ],
])('refused: %s', (_what, more, messages) => {
  expect(judgeOf('horizontalpodautoscalers.autoscaling').create({ spec: { ...spec, ...more } })).toEqual(messages);
});
