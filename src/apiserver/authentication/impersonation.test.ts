import { expect, test } from 'vitest';
import { StatusError } from '../../apimachinery/status.ts';
import type { Attributes } from '../access-control.ts';
import { parseRequestInfo } from '../request-info.ts';
import { Impersonator } from './impersonation.ts';

interface Asked {
  /** What the asking user may do, as `VERB RESOURCE`; `*` is anything. */
  readonly may: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

const foo = '/apis/srv.example.com/v1/namespaces/default/foos/a';

async function impersonate({ may, headers, url = foo, extra }: Asked, impersonator = impersonatorOf(may)) {
  const info = parseRequestInfo('GET', url, new URLSearchParams());
  const user = { name: 'system:serviceaccount:ns:agent', groups: [], ...(extra && { extra }) };
  try {
    const found = await impersonator.impersonate({ headers }, { user, verb: info.verb, info });
    return found && `${found.user.name} ${found.user.groups.join()} by ${found.constraint || 'impersonate'}`;
  } catch (error) {
    return error instanceof StatusError ? `${error.status.code} ${error.status.message}` : String(error);
  }
}

function impersonatorOf(may: readonly string[]): Impersonator {
  const covers = (right: string, asked: string) => {
    const [verbs, resources] = right.split(' ');
    const [verb = '', resource = ''] = asked.split(' ');
    return (verbs === '*' || verbs === verb) && (resources === '*' || resources === resource);
  };
  return new Impersonator({
    authorize: ({ verb, info }: Attributes) => ({
      allowed: may.some((right) => covers(right, `${verb} ${info.isResource ? info.resource : info.path}`)),
    }),
  });
}

const account = 'system:serviceaccount:default:default';
const node = 'system:node:n1';

test.each<[string, Asked, string]>([
  [
    'all at once',
    { may: ['impersonate *'], headers: { 'impersonate-user': 'jane', 'impersonate-group': 'dev' } },
    'jane dev,system:authenticated by impersonate',
  ],
  [
    'a user, for one verb',
    { may: ['impersonate:user-info *', 'impersonate-on:user-info:get foos'], headers: { 'impersonate-user': 'jane' } },
    'jane system:authenticated by impersonate:user-info',
  ],
  [
    'a user with fields that every object has',
    {
      may: ['impersonate *'],
      headers: { 'impersonate-user': 'jane', 'impersonate-extra-constructor': 'x', 'impersonate-extra-__proto__': 'y' },
    },
    'jane system:authenticated by impersonate',
  ],
  [
    'a path',
    {
      may: ['impersonate:user-info *', 'impersonate-on:user-info:get /version'],
      headers: { 'impersonate-user': 'system:anonymous' },
      url: '/version',
    },
    'system:anonymous system:unauthenticated by impersonate:user-info',
  ],
  [
    'a service account',
    {
      may: ['impersonate:serviceaccount serviceaccounts', 'impersonate-on:serviceaccount:get *'],
      headers: { 'impersonate-user': account },
    },
    `${account} system:serviceaccounts,system:serviceaccounts:default,system:authenticated by impersonate:serviceaccount`,
  ],
  [
    'a node',
    {
      may: ['impersonate:arbitrary-node nodes', 'impersonate-on:arbitrary-node:get *'],
      headers: { 'impersonate-user': node },
    },
    `${node} system:nodes,system:authenticated by impersonate:arbitrary-node`,
  ],
  [
    'the own node',
    {
      may: ['impersonate:associated-node nodes', 'impersonate-on:associated-node:get *'],
      headers: { 'impersonate-user': node },
      extra: { 'authentication.kubernetes.io/node-name': ['n1'] },
    },
    `${node} system:nodes,system:authenticated by impersonate:associated-node`,
  ],
])('who may impersonate %s does', async (_, asked, expected) => {
  expect(await impersonate(asked)).toBe(expected);
});

const me = 'User "system:serviceaccount:ns:agent"';
const asUser = ['impersonate:user-info *', 'impersonate-on:user-info:get *'];

// Recorded from k8s.io/apiserver 1.36.4.
test.each<[string, Asked, string]>([
  [
    'nobody may do anything',
    { may: [], headers: { 'impersonate-user': 'jane' } },
    `403 foos.srv.example.com "a" is forbidden: ${me} cannot impersonate-on:user-info:get resource "foos" in API group "srv.example.com" in the namespace "default"`,
  ],
  [
    'what is done is not allowed, but the user is',
    { may: ['impersonate:user-info *'], headers: { 'impersonate-user': 'jane' }, url: '/version' },
    `403 forbidden: ${me} cannot impersonate-on:user-info:get path "/version"`,
  ],
  [
    'the user is not',
    { may: ['impersonate-on:user-info:get *'], headers: { 'impersonate-user': 'jane' } },
    `403 users.authentication.k8s.io "jane" is forbidden: ${me} cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope`,
  ],
  [
    'another node than the own',
    {
      may: ['impersonate:associated-node nodes', 'impersonate-on:associated-node:get *'],
      headers: { 'impersonate-user': node },
      extra: { 'authentication.kubernetes.io/node-name': ['n2'] },
    },
    `403 foos.srv.example.com "a" is forbidden: ${me} cannot impersonate-on:arbitrary-node:get resource "foos" in API group "srv.example.com" in the namespace "default"`,
  ],
  [
    'a group that may everything',
    { may: asUser, headers: { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' } },
    `403 groups.authentication.k8s.io "system:masters" is forbidden: ${me} cannot impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope: impersonating the system:masters group is not allowed`,
  ],
  [
    'a group without a name',
    { may: asUser, headers: { 'impersonate-user': 'jane', 'impersonate-group': '' } },
    `403 groups.authentication.k8s.io is forbidden: ${me} cannot impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope: impersonating the empty string group is not allowed`,
  ],
  [
    'a field that is no path of a domain',
    { may: asUser, headers: { 'impersonate-user': 'jane', 'impersonate-extra-scopes': 'x' } },
    `403 userextras.authentication.k8s.io is forbidden: ${me} cannot impersonate:user-info resource "userextras" in API group "authentication.k8s.io" at the cluster scope: impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "scopes": must be a domain-prefixed path (such as "acme.io/foo")`,
  ],
  [
    'no user',
    { may: asUser, headers: { 'impersonate-group': 'x', 'impersonate-extra-a': 'b' } },
    '400 requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"x"}, Extra:map[string][]string{"a":[]string{"b"}}} without impersonating a user name',
  ],
])('a refusal: %s', async (_, asked, expected) => {
  expect(await impersonate(asked)).toBe(expected);
});

test('who impersonated the old way before hears of that', async () => {
  const impersonator = impersonatorOf(['impersonate users']);
  const headers = { 'impersonate-user': 'jane' };
  expect(await impersonate({ may: [], headers }, impersonator)).toBe('jane system:authenticated by impersonate');
  const refused = await impersonate({ may: [], headers: { ...headers, 'impersonate-group': 'dev' } }, impersonator);
  expect(refused).toBe(
    `403 groups "dev" is forbidden: ${me} cannot impersonate resource "groups" in API group "" at the cluster scope`,
  );
});

test('no headers of it: nobody is impersonated', async () => {
  expect(await impersonate({ may: [], headers: { 'impersonate-user': '' } })).toBeUndefined();
});
