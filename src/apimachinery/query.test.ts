import { expect, test } from 'vitest';
import { isOn } from './query.ts';

test.each([
  ['true', true],
  ['True', true],
  ['1', true],
  ['', true],
  ['yes', true],
  ['0', false],
  ['false', false],
  ['False', false],
  [null, false],
])('%j is %s', (value, expected) => expect(isOn(value)).toBe(expected));
