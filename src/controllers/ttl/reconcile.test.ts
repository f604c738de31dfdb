import { expect, test } from 'vitest';
import { nextStep, secondsOf } from './reconcile.ts';

test.each([
  [0, 3, 0],
  [0, 101, 15],
  [1, 95, 15],
  [1, 89, 0],
  [0, 5000, 300],
  [4, 10, 0],
])('from step %i, %i nodes: %i s', (step, nodes, seconds) => expect(secondsOf(nextStep(step, nodes))).toBe(seconds));
