import { expect, test } from 'vitest';
import { credentialsFor, registryCredentials } from './registry-auth.ts';

const encoded = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');

/** Credentials by the names of their users. */
const secret = (auths: Readonly<Record<string, string>>) => ({
  metadata: { name: 's' },
  data: {
    '.dockerconfigjson': encoded({
      auths: Object.fromEntries(Object.entries(auths).map(([server, username]) => [server, { username }])),
    }),
  },
});

const users = (image: string, ...secrets: ReturnType<typeof secret>[]) =>
  credentialsFor(image, registryCredentials(secrets)).map(({ username }) => username);

test.each([
  ['hello.example.io', 'hello.example.io/a', true],
  ['https://hello.example.io', 'hello.example.io/a/b:1', true],
  ['*.example.io', 'prefix.example.io/a', true],
  ['prefix.*.io', 'prefix.example.io/a', true],
  ['prefix.example.*', 'prefix.example.io/a', true],
  ['*-good.example.io', 'prefix-good.example.io/a', true],
  ['pre?ix.example.io', 'prefix.example.io/a', true],
  ['prefix.*.io/foo', 'prefix.example.io/foo/bar@sha256:0', true],
  ['*.example.io:1111/blah', 'prefix.example.io:1111/blah', true],
  ['https://*.example.io/v1/', 'prefix.example.io/a', true],
  ['https://*.example.io/v2/team', 'prefix.example.io/team/a', true],
  ['*.example.io', 'example.io/a', false],
  ['*.*.example.io', 'prefix.example.io/a', false],
  ['example.io', 'example.com/a', false],
  ['k*.io', 'quay.io/a', false],
  ['*.example.io:1234', 'prefix.example.io:1111/a', false],
  ['prefix.*.io/foo', 'prefix.example.io:1111/foo/bar', false],
  ['prefix.*.io/path', 'prefix.example.io/other', false],
  ['https://index.docker.io/v1/', 'busybox:1.36', true],
  ['https://index.docker.io/v1/', 'team/app', true],
  ['docker.io', 'team/app', true],
  ['index.docker.io', 'docker.io/team/app', true],
  ['index.docker.io', 'index.docker.io/team/app', true],
  ['https://index.docker.io/v1/', 'registry:5000/a', false],
  ['https://index.docker.io/v1/', 'myhostdocker.io/a/b', false],
  ['localhost:5000', 'localhost:5000/a', true],
])('credentials for %s and an image %s', (server, image, expected) =>
  expect(users(image, secret({ [server]: 'ada' }))).toEqual(expected ? ['ada'] : []),
);

test('all that match are tried, the deepest path first, then in the order of the Secrets', () => {
  const both = secret({ 'bar.example.com': 'ada', 'bar.example.com/pong': 'grace' });
  expect(users('bar.example.com/pong/pang', both)).toEqual(['grace', 'ada']);
  expect(users('bar.example.com/ping', both, secret({ 'bar.example.com': 'eve' }))).toEqual(['ada', 'eve']);
});

test('Secrets of the older kind are read, and those that cannot be are passed over', () => {
  const old = { metadata: { name: 'o' }, data: { '.dockercfg': encoded({ 'a.io': { auth: 'YTpi' } }) } };
  const broken = { metadata: { name: 'b' }, data: { '.dockerconfigjson': encoded('{') } };
  const other = { metadata: { name: 'c' }, data: { key: encoded('x') } };
  expect(registryCredentials([old, broken, other])).toEqual([{ location: 'a.io', auth: { auth: 'YTpi' } }]);
});
