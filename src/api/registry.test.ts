import { expect, test } from 'vitest';
import { table } from './facts/resources.generated.ts';
import { kinds } from './kinds.ts';
import { builtinResources, parseResourceFacts } from './registry.ts';

test('every resource of the facts is defined once, and every subresource belongs to one', () => {
  const facts = parseResourceFacts(table);
  const resources = builtinResources();
  const names = resources.flatMap(({ group, version, resource, subresources }) =>
    [resource, ...subresources.map((sub) => sub.resource)].map((name) => `${group}/${version}/${name}`),
  );
  expect(names.sort()).toEqual(facts.map(({ group, version, resource }) => `${group}/${version}/${resource}`).sort());
});

test('every entry of the table of kinds finds its resource', () => {
  const known = new Set(
    builtinResources().flatMap(({ group, version, resource }) => [
      group === '' ? resource : `${resource}.${group}`,
      `${resource}.${version}.${group}`,
    ]),
  );
  expect(Object.keys(kinds).filter((name) => !known.has(name))).toEqual([]);
});

test('scale lives in autoscaling/v1', () => {
  const deployments = builtinResources().find(({ resource }) => resource === 'deployments')!;
  const scale = deployments.subresources.find(({ resource }) => resource === 'deployments/scale');
  expect(scale?.kindGroupVersion).toEqual({ group: 'autoscaling', version: 'v1' });
});
