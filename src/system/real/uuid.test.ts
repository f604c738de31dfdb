import { expect, test } from 'vitest';
import { UuidSource } from './uuid.ts';

test('each is a random one of version 4, and no two are the same', () => {
  const uuids = new UuidSource();
  // More than are written at a time, several times over.
  const made = Array.from({ length: 5000 }, () => uuids.next());
  for (const uuid of made) expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(new Set(made).size).toBe(made.length);
  // Every digit that is free takes every value.
  const places = Array.from({ length: 36 }, (_, place) => new Set(made.map((uuid) => uuid[place])).size);
  expect(places.filter((values) => values === 1)).toHaveLength(5);
  expect(places[19]).toBe(4);
  expect(places.filter((values) => values === 16)).toHaveLength(30);
});
