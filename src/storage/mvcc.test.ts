import { expect, test } from 'vitest';
import { Mvcc } from './mvcc.ts';

test('a store of very many keys is opened', () => {
  const count = 200_000;
  const state = new Mvcc();
  function* stored() {
    for (let i = 0; i < count; i++) {
      const key = `/k${(i * 7919) % count}`;
      const current = { key, value: '', createRevision: i + 2, modRevision: i + 2, version: 1 };
      yield { type: 'put', key, revision: i + 2, current } as const;
    }
  }
  state.restore(stored(), { revision: count + 1, compacted: count + 1 });
  const { items, count: found } = state.range({ prefix: '/k19999', limit: 2 });
  expect([found, items.map((item) => item.key)]).toEqual([11, ['/k19999', '/k199990']]);
});
