import { expect, test } from 'vitest';
import { Store } from './store.ts';

test('objects are listed by namespace, whether they came before or after the first such list', () => {
  const store = new Store();
  const object = (namespace: string, name: string) => ({ metadata: { namespace, name } });
  const names = (namespace?: string) => store.list(namespace).map(({ metadata }) => metadata.name);
  store.set(object('a', 'one'));
  store.set(object('b', 'two'));
  expect(names('a')).toEqual(['one']);
  store.set(object('a', 'three'));
  store.set({ metadata: { name: 'four' } });
  expect(names('a')).toEqual(['one', 'three']);
  store.delete(object('b', 'two'));
  expect(names('b')).toEqual([]);
  expect(names()).toEqual(['one', 'three', 'four']);
});
