import { expect, test } from 'vitest';
import type { ResourceDefinition } from '../../api/resource.ts';
import { StatusError } from '../../apimachinery/status.ts';
import { parseRequestInfo } from '../request-info.ts';
import { routeTo } from './route.ts';

const objectVerbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];

function definition(group: string, resource: string, more: object): ResourceDefinition {
  const subresources = ['status', 'log', 'proxy'].map((name) => ({
    resource: `${resource}/${name}`,
    verbs: ['get', 'patch', 'update'],
  }));
  const facts = { group, version: 'v1', resource, namespaced: true, verbs: objectVerbs, subresources };
  return { ...facts, ...more } as unknown as ResourceDefinition;
}

const definitions = [
  definition('', 'pods', {}),
  definition('', 'bindings', { verbs: ['create'] }),
  definition('', 'nodes', { namespaced: false }),
  definition('x.io', 'foos', { schema: {} }),
  definition('x.io', 'bars', { schema: {}, namespaced: false, subresources: [] }),
];
const registry = {
  find: (group: string, version: string, resource: string) =>
    definitions.find((one) => one.group === group && one.version === version && one.resource === resource),
  hasBuiltInGroup: (group: string) => group === '',
};

function routed(method: string, path: string): string {
  try {
    const route = routeTo(registry, parseRequestInfo(method, path, new URLSearchParams()), method);
    return route ? (route.subresource ?? route.definition).resource : 'nowhere';
  } catch (error) {
    if (error instanceof StatusError) return `${error.status.code} ${error.message}`;
    throw error;
  }
}

const notThere = '404 the server could not find the requested resource';
const notAllowed = '405 the server does not allow this method on the requested resource';

test.each([
  ['GET', '/api/v1/namespaces/n/pods/a', 'pods'],
  ['GET', '/api/v1/namespaces/n/pods/', 'pods'],
  ['GET', '/api/v1/namespaces/n/pods/a/', notThere],
  ['GET', '/api/v1/namespaces/n/pods/a/status', 'pods/status'],
  ['GET', '/api/v1/namespaces/n/pods/a/status/x', notThere],
  ['GET', '/api/v1/namespaces/n/pods/a/log', 'pods/log'],
  ['GET', '/api/v1/namespaces/n/pods/a/log/x', notThere],
  ['HEAD', '/api/v1/namespaces/n/pods/a/log', notAllowed],
  ['HEAD', '/api/v1/namespaces/n/pods/a/proxy/x/', 'pods/proxy'],
  ['GET', '/api/v1/watch/namespaces/n/pods/a', 'pods'],
  ['GET', '/api/v1/watch/namespaces/n/pods/a/status', notThere],
  ['PUT', '/api/v1/watch/pods', notAllowed],
  ['HEAD', '/api/v1/watch/pods', notAllowed],
  ['POST', '/api/v1/namespaces/n/bindings', 'bindings'],
  ['GET', '/api/v1/namespaces/n/bindings/a', notThere],
  ['POST', '/api/v1/bindings', notThere],
  ['POST', '/apis/x.io/v1/watch/namespaces/n/foos', 'foos'],
  ['GET', '/api/v1/namespaces/n/pods/a/scale', notThere],
  ['GET', '/api/v1/pods/a', notThere],
  ['GET', '/api/v1/namespaces/n/nodes', notThere],
  ['HEAD', '/api/v1/nodes', notAllowed],
  ['GET', '/api/v1/nothing', notThere],
  ['GET', '/api/v2/pods', notThere],
  ['GET', '/apis/y.io/v1/foos', 'nowhere'],
  ['GET', '/apis/x.io/v1/nothing', 'nowhere'],
  ['GET', '/apis/x.io/v1/foos', 'foos'],
  ['HEAD', '/apis/x.io/v1/namespaces/n/foos/a', 'foos'],
  ['GET', '/apis/x.io/v1/namespaces/n/foos/a/', 'foos'],
  ['POST', '/apis/x.io/v1/namespaces/n/foos/a', 'foos'],
  ['POST', '/apis/x.io/v1/foos', 'nowhere'],
  ['GET', '/apis/x.io/v1/foos/a', 'nowhere'],
  ['GET', '/apis/x.io/v1/namespaces/n/bars', 'nowhere'],
  ['GET', '/apis/x.io/v1/namespaces/n/foos/a/scale', '404 foos.x.io "a" not found'],
  ['GET', '/apis/x.io/v1/bars/a/status', '404 bars.x.io "a" not found'],
  ['POST', '/apis/x.io/v1/namespaces/n/foos/a/status', '405 create is not supported on resources of kind "foos.x.io"'],
  ['OPTIONS', '/apis/x.io/v1/namespaces/n/foos', '405  is not supported on resources of kind "foos.x.io"'],
  ['PUT', '/apis/x.io/v1/namespaces/n/foos', '400 name must be provided'],
])('%s %s: %s', (method, path, expected) => {
  expect(routed(method, path)).toBe(expected);
});
