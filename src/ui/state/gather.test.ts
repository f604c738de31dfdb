import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PictureChange } from '../../explain/picture/picture.ts';
import { gather } from './gather.ts';

const change = (revision: number): PictureChange => ({ revision, time: 0, set: [], gone: [] });

let frames: Map<number, () => void>;
beforeEach(() => {
  frames = new Map();
  let count = 0;
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => frames.set(++count, draw) && count);
  vi.stubGlobal('cancelAnimationFrame', (id: number) => frames.delete(id));
});
afterEach(() => vi.unstubAllGlobals());

function gathering() {
  const told: number[][] = [];
  const gathered = gather((changes) => told.push(changes.map(({ revision }) => revision)));
  return { told, gathered };
}

const draw = () => {
  const due = [...frames.values()];
  frames.clear();
  for (const one of due) one();
};

test('the changes of a frame are handed over together, in their order', () => {
  const { told, gathered } = gathering();
  for (const revision of [1, 2, 3]) gathered.add(change(revision));
  expect([told, frames.size]).toEqual([[], 1]);
  draw();
  gathered.add(change(4));
  draw();
  draw();
  expect(told).toEqual([[1, 2, 3], [4]]);
});

test('where there are no frames they do not pile up', () => {
  const { told, gathered } = gathering();
  for (let revision = 1; revision <= 250; revision++) gathered.add(change(revision));
  expect(told.map((changes) => changes.length)).toEqual([100, 100]);
  draw();
  expect(told.flat()).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
});

test('what waits can be let go', () => {
  const { told, gathered } = gathering();
  gathered.add(change(1));
  gathered.clear();
  draw();
  expect([told, frames.size]).toEqual([[], 0]);
});
