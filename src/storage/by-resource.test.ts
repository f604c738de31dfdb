import { expect, test } from 'vitest';
import { ByResource } from './by-resource.ts';

test('keys have the value of their resource, whatever was asked for before', () => {
  const values = new ByResource((prefix) => ({ prefix }));
  const keys = [
    '/registry/core/pods/a/b',
    '/registry/',
    '/registry/core/pods/c/d',
    '/registry/portico/own',
    '/registry/apps/pods/a/b',
  ];
  const expected = ['/registry/core/pods/', '/', '/registry/core/pods/', '', '/registry/apps/pods/'];
  expect(keys.map((key) => values.of(key).prefix)).toEqual(expected);
  expect(values.of(keys[0]!)).toBe(values.at('/registry/core/pods/'));
  expect([...values.entries()].map(([prefix]) => prefix)).toEqual([...new Set(expected)]);
});
