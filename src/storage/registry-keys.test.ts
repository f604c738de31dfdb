import { expect, test } from 'vitest';
import { resourceOf, resourcePrefix, resourcePrefixOf } from './registry-keys.ts';

test.each([
  ['/registry/core/nodes/', 'a', { group: '', resource: 'nodes' }],
  ['/registry/core/pods/', 'default/a', { group: '', resource: 'pods' }],
  ['/registry/apps/deployments/', 'default/a', { group: 'apps', resource: 'deployments' }],
  ['/registry/apps/deployments/', '', { group: 'apps', resource: 'deployments' }],
])('%s%s', (prefix, rest, resource) => {
  expect(resourcePrefix(resource)).toBe(prefix);
  expect(resourcePrefixOf(prefix + rest)).toBe(prefix);
  expect(resourceOf(prefix + rest)).toEqual(resource);
});
