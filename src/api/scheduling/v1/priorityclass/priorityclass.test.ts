import { expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../../testing/refusals.ts';
import { builtinResources } from '../../../registry.ts';

test.each<[string, Body, string[]]>([
  [
    'priorityclasses',
    { value: 1, preemptionPolicy: 'Maybe' },
    ['preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"'],
  ],
  ['priorityclasses', { value: 1, preemptionPolicy: '' }, ['preemptionPolicy: Required value']],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

test('a PriorityClass is of its first generation for ever', () => {
  const { strategy } = builtinResources().find(({ resource }) => resource === 'priorityclasses')!;
  const old = prepared('priorityclasses', { value: 1 });
  const object = { ...structuredClone(old), description: 'other' };
  strategy.prepareForUpdate?.(object, old);
  expect([old.metadata.generation, object.metadata.generation]).toEqual([1, 1]);
});
