// What a plan brings, changes and takes, by id of the item. Pure.
import type { PlanAnswer } from '../../explain/answers.ts';
import type { Mark } from './boxes.tsx';

const words = { created: 'new', changed: 'changed', deleted: 'gone' } as const;
const none: ReadonlyMap<string, Mark> = new Map();

export function marksOf(answer: PlanAnswer | undefined): ReadonlyMap<string, Mark> {
  if (!answer) return none;
  const { objects, slices } = answer.plan;
  return new Map([...objects, ...slices].map(({ object, change }) => [object, words[change]]));
}
