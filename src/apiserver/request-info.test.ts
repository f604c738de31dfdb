import { expect, test } from 'vitest';
import { namedBySelector, parseRequestInfo } from './request-info.ts';

function read(method: string, url: string) {
  const { pathname, searchParams } = new URL(url, 'http://host');
  const { verb, group, version, resource, subresource, namespace, name } = parseRequestInfo(
    method,
    pathname,
    searchParams,
  );
  return [verb, `${group}/${version}`, [resource, subresource].filter(Boolean).join('/'), namespace, name]
    .join(' ')
    .trim();
}

test.each([
  ['GET', '/api/v1/namespaces', 'list /v1 namespaces'],
  ['GET', '/api/v1/namespaces/a', 'get /v1 namespaces a a'],
  ['PUT', '/api/v1/namespaces/a/finalize', 'update /v1 namespaces/finalize a a'],
  ['GET', '/api/v1/namespaces/a/status', 'get /v1 namespaces/status a a'],
  ['GET', '/api/v1/pods', 'list /v1 pods'],
  ['GET', '/api/v1/pods?watch=1', 'watch /v1 pods'],
  ['GET', '/api/v1/pods?watch=false', 'list /v1 pods'],
  ['GET', '/api/v1/watch/namespaces/a/pods', 'watch /v1 pods a'],
  ['DELETE', '/api/v1/namespaces/a/pods', 'deletecollection /v1 pods a'],
  ['POST', '/api/v1/namespaces/a/pods/b/binding', 'create /v1 pods/binding a b'],
  ['PATCH', '/apis/apps/v1/namespaces/a/deployments/d/scale', 'patch apps/v1 deployments/scale a d'],
  ['GET', '/api/v1/namespaces/a/pods%2Fb', 'get /v1 pods a b'],
  ['GET', '/api/v1/namespaces/a/pods/b%2Fstatus', 'get /v1 pods/status a b'],
  ['GET', '/apis/networking.k8s.io/v1/ipaddresses/fd00%3A%3A1', 'get networking.k8s.io/v1 ipaddresses  fd00::1'],
])('%s %s is %s', (method, url, expected) => {
  expect(read(method, url)).toBe(expected);
});

test('discovery and other paths name no resource', () => {
  for (const path of ['/', '/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/healthz', '/metrics']) {
    expect(parseRequestInfo('GET', path, new URLSearchParams()), path).toMatchObject({
      isResource: false,
      verb: 'get',
      path,
    });
  }
});

test('what follows a proxy subresource is kept', () => {
  const info = parseRequestInfo('GET', '/api/v1/namespaces/a/services/web:80/proxy/x/y', new URLSearchParams());
  expect(info).toMatchObject({ subresource: 'proxy', name: 'web:80', rest: ['x', 'y'] });
});

test.each([
  ['?fieldSelector=metadata.name%3Da', 'list a'],
  ['?watch=1&fieldSelector=spec.x%3Dy,metadata.name%3Da', 'watch a'],
  ['?fieldSelector=metadata.name%3Da/b', 'list '],
  ['?fieldSelector=metadata.name!%3Da', 'list '],
  ['?fieldSelector=%3D%3D', 'list '],
])('a list of one object by its name names it: %s', (search, expected) => {
  const query = new URLSearchParams(search);
  const { verb, name } = namedBySelector(parseRequestInfo('GET', '/api/v1/namespaces/n/secrets', query), query);
  expect(`${verb} ${name}`).toBe(expected);
});

test('who asks for one object gets it, whatever the query says of watches; other methods have no verb', () => {
  const watch = new URLSearchParams('watch=1');
  expect(parseRequestInfo('GET', '/api/v1/namespaces/n/secrets/s', watch).verb).toBe('get');
  expect(parseRequestInfo('OPTIONS', '/api/v1/namespaces/n/secrets/s', watch).verb).toBe('');
  expect(parseRequestInfo('GET', '/x%3Cy', watch).path).toBe('/x<y');
});

test('what a collection’s path names is kept, but not for a path of any length', () => {
  const ask = (namespace: string) =>
    parseRequestInfo('POST', `/api/v1/namespaces/${namespace}/pods`, new URLSearchParams());
  expect(ask('default')).toBe(ask('default'));
  const long = 'a'.repeat(1000);
  expect(ask(long)).toMatchObject({ namespace: long, resource: 'pods' });
  expect(ask(long)).not.toBe(ask(long));
});
