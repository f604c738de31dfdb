import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('work is done one after the other, whether what was before it failed', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.take(async () => {
    seen.push('first begins');
    await gate.promise;
    seen.push('first fails');
    throw new Error('no');
  });
  const second = turns.take(async () => seen.push('second'));
  await Promise.resolve();
  expect(seen).toEqual(['first begins']);
  gate.resolve();
  await expect(first).rejects.toThrow('no');
  expect(await second).toBe(3);
  expect(seen).toEqual(['first begins', 'first fails', 'second']);
});
