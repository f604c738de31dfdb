import { expect, test } from 'vitest';
import { SharedTurn } from './shared-turn.ts';

test('who waits in one turn of the event loop takes each step beside the others, who comes later comes after them', async () => {
  const turn = new SharedTurn();
  const steps: string[] = [];
  const walk = async (name: string) => {
    await turn.wait();
    steps.push(`${name}: first step`);
    await Promise.resolve();
    steps.push(`${name}: second step`);
  };
  const early = [walk('a'), walk('b')];
  await Promise.all(early);
  await walk('c');
  expect(steps).toEqual([
    'a: first step',
    'b: first step',
    'a: second step',
    'b: second step',
    'c: first step',
    'c: second step',
  ]);
});
