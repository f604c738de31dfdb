import { expect, test } from 'vitest';
import { judgeOf } from '../../../../testing/refusals.ts';

test('overhead is as resources are, and a toleration is there once, however long it holds', () => {
  const given = {
    handler: 'runc',
    overhead: { podFixed: { 'hugepages-2Mi': '1Mi' } },
    scheduling: {
      tolerations: [
        { key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 },
        { key: 'a', operator: 'Exists', effect: 'NoExecute' },
      ],
    },
  };
  expect(judgeOf('runtimeclasses').create(given)).toEqual([
    'overhead.limits[hugepages-2Mi]: Invalid value: "1Mi": 1Mi is not positive integer multiple of hugepages-2Mi',
    'overhead: Forbidden: HugePages require cpu or memory',
    'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"","Effect":"NoExecute","TolerationSeconds":null}',
  ]);
});
