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

test('a RuntimeClass is held to its rules when it changes, too', () => {
  const nodeSelector = { 'not a key': 'x' };
  const [message] = judgeOf('runtimeclasses').create({ handler: 'h', scheduling: { nodeSelector } });
  expect(message).toMatch(/^scheduling.nodeSelector: Invalid value: "not a key": name part must consist of/);
  expect(judgeOf('runtimeclasses').update({ handler: 'h' }, { handler: 'g', scheduling: { nodeSelector } })).toEqual([
    message,
    'handler: Invalid value: "g": field is immutable',
  ]);
});

test('labels of nodes that have other names now are told of', () => {
  const nodeSelector = { 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' };
  expect(judgeOf('runtimeclasses').warnings({ handler: 'h', scheduling: { nodeSelector } })).toEqual([
    'scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead',
  ]);
});
