import fc from 'fast-check';
import { expect, test } from 'vitest';

test('property tests draw the same values in every run, unless they are asked for others', () => {
  const { FUZZ_SEED: seed = '1' } = process.env;
  expect(fc.readConfigureGlobal().seed).toBe(seed === 'random' ? undefined : Number(seed));
});
