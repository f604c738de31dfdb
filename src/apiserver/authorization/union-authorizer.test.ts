import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import type { Attributes } from '../access-control.ts';
import { parseRequestInfo } from '../request-info.ts';
import { abacLink, parsePolicies } from './abac.ts';
import type { WebhookConfiguration } from './configuration.ts';
import { matcherOf } from './match-conditions.ts';
import { type AuthorizerLink, alwaysAllow, alwaysDeny, type LinkAnswer, UnionAuthorizer } from './union-authorizer.ts';
import { reviewSpec, WebhookAuthorizer } from './webhook-authorizer.ts';

function asking(name: string, url = '/api/v1/namespaces/ns/pods/a', method = 'GET'): Attributes {
  const [path = '', query = ''] = url.split('?');
  const parameters = new URLSearchParams(query);
  const info = parseRequestInfo(method, path, parameters);
  const [fieldSelector, labelSelector] = ['fieldSelector', 'labelSelector'].map(
    (one) => parameters.get(one) ?? undefined,
  );
  return { user: { name, groups: ['system:authenticated'] }, verb: info.verb, info, fieldSelector, labelSelector };
}

const link = (name: string, answer: LinkAnswer): AuthorizerLink => ({
  ...{ type: 'Webhook', name },
  authorize: () => Promise.resolve(answer),
  rulesFor: () => ({ rules: [], incomplete: true, error: `${name} cannot say` }),
});
const none = (reason?: string, error?: string) =>
  link('n', { decision: 'none', reason, ...(error !== undefined && { error }) });

test.each([
  ['the first that allows decides', [none('a'), alwaysAllow, none('b')], { allowed: true, by: 'alwaysallow' }],
  [
    'one that denies ends it, before one that allows',
    [link('d', { decision: 'deny', reason: 'no' }), alwaysAllow],
    { allowed: false, denied: true, reason: 'no', by: 'd' },
  ],
  [
    'reasons of those without an opinion are joined',
    [none('a'), alwaysDeny],
    { allowed: false, reason: 'a\nEverything is forbidden.' },
  ],
  ['so are their errors', [none('', 'x'), none('', 'y'), none('', 'x')], { allowed: false, error: '[x, y]' }],
  ['an error does not keep others from allowing', [none('', 'x'), alwaysAllow], { allowed: true, by: 'alwaysallow' }],
])('%s', async (_, links, wanted) => {
  const { by, ...decision } = await new UnionAuthorizer(links).authorize(asking('jane'));
  expect({ ...decision, ...(by && { by: by.name }) }).toEqual(wanted);
});

test('system:masters are asked for by nobody, and what cannot be told is told as such', () => {
  const union = new UnionAuthorizer([alwaysDeny, none(), none()]);
  const root = { ...asking('root'), user: { name: 'root', groups: ['system:masters'] } };
  expect(union.authorize(root)).toEqual({ allowed: true });
  expect(union.rulesFor({ name: 'jane', groups: [] }, 'ns')).toEqual({
    rules: [],
    incomplete: true,
    error: 'n cannot say',
  });
});

test('what a webhook is asked', () => {
  const url =
    '/apis/apps/v1/namespaces/ns/deployments?fieldSelector=metadata.name!=x&labelSelector=a=b,c,d notin (f,e),!g';
  expect(reviewSpec(asking('jane', url))).toEqual({
    user: 'jane',
    groups: ['system:authenticated'],
    resourceAttributes: {
      ...{ namespace: 'ns', verb: 'list', group: 'apps', version: 'v1', resource: 'deployments' },
      fieldSelector: { requirements: [{ key: 'metadata.name', operator: 'NotIn', values: ['x'] }] },
      labelSelector: {
        requirements: [
          { key: 'a', operator: 'In', values: ['b'] },
          { key: 'c', operator: 'Exists' },
          { key: 'd', operator: 'NotIn', values: ['e', 'f'] },
          { key: 'g', operator: 'DoesNotExist' },
        ],
      },
    },
  });
  expect(reviewSpec(asking('jane', '/version')).nonResourceAttributes).toEqual({ path: '/version', verb: 'get' });
});

const configuration: WebhookConfiguration = {
  ...{ authorizedTTL: 300_000, unauthorizedTTL: 30_000, timeout: 3000 },
  ...{ cacheAuthorizedRequests: true, cacheUnauthorizedRequests: true },
  ...{ subjectAccessReviewVersion: 'v1beta1', matchConditionSubjectAccessReviewVersion: 'v1', failurePolicy: 'Deny' },
  ...{ connectionInfo: { type: 'KubeConfigFile' }, matchConditions: [] },
};

function webhook(status: object | Error, { failurePolicy = 'Deny', conditions = [] as string[] } = {}) {
  const asked: unknown[] = [];
  const clock = new FakeClock();
  const authorizer = new WebhookAuthorizer({
    configuration: { ...configuration, failurePolicy },
    webhook: {
      async ask(review) {
        asked.push(review);
        if (status instanceof Error) throw status;
        return { status };
      },
    },
    matcher: conditions.length > 0 ? matcherOf(conditions) : undefined,
    clock,
  });
  return { asked, clock, authorizer };
}

test.each([
  [
    { allowed: true, reason: 'r' },
    { decision: 'allow', reason: 'r' },
  ],
  [{ allowed: false }, { decision: 'none', reason: '' }],
  [
    { allowed: false, denied: true, reason: 'r' },
    { decision: 'deny', reason: 'r' },
  ],
  [
    { allowed: true, denied: true },
    { decision: 'deny', reason: '', error: 'webhook subject access review returned both allow and deny response' },
  ],
  [new Error('down'), { decision: 'deny', error: 'down' }],
  [
    { allowed: true, denied: null, reason: null },
    { decision: 'allow', reason: '' },
  ],
  [
    { allowed: 'false' },
    {
      decision: 'deny',
      error: 'json: cannot unmarshal string into Go struct field SubjectAccessReviewStatus.status.allowed of type bool',
    },
  ],
])('a webhook that says %j', async (status, wanted) => {
  expect(await webhook(status).authorizer.authorize(asking('jane'))).toEqual(wanted);
});

test('answers are kept, yes longer than no, and failures not at all', async () => {
  const yes = webhook({ allowed: true });
  const no = webhook({ allowed: false });
  const down = webhook(new Error('down'), { failurePolicy: 'NoOpinion' });
  for (const { authorizer, clock } of [yes, no, down]) {
    for (let i = 0; i < 3; i += 1) {
      await authorizer.authorize(asking('jane'));
      clock.advance(20_000);
    }
    await authorizer.authorize(asking('joe'));
  }
  expect([yes, no, down].map(({ asked }) => asked.length)).toEqual([2, 3, 4]);
  expect(yes.asked[0]).toMatchObject({
    apiVersion: 'authorization.k8s.io/v1beta1',
    spec: { user: 'jane', group: ['system:authenticated'] },
  });
});

test.each([
  [["request.user == 'jane'"], 'allow'],
  [["request.user == 'joe'"], 'none'],
  [['has(request.resourceAttributes)', "request.resourceAttributes.verb == 'get'"], 'allow'],
  [["request.nonResourceAttributes.path == '/'"], 'deny'],
  // One that is false decides, whatever is wrong with others.
  [["request.nonResourceAttributes.path == '/'", "request.user == 'joe'"], 'none'],
  [["'system:authenticated' in request.groups && request.uid == '' && size(request.extra) == 0"], 'allow'],
])('a webhook with the conditions %j', async (conditions, wanted) => {
  const { authorizer } = webhook({ allowed: true }, { conditions });
  expect((await authorizer.authorize(asking('jane'))).decision).toBe(wanted);
});

test('policies of ABAC', () => {
  const line = (spec: object) =>
    JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec });
  const text = [
    '# who may what',
    '',
    line({ user: 'jane', namespace: 'ns', resource: 'pods', apiGroup: '', readonly: true }),
    line({ group: 'system:authenticated', nonResourcePath: '/api*' }),
    line({ resource: '*', namespace: '*', apiGroup: '*' }),
  ].join('\n');
  const abac = abacLink(parsePolicies(text, 'f'));
  const decide = (...asked: Parameters<typeof asking>) => (abac.authorize(asking(...asked)) as LinkAnswer).decision;
  expect(decide('jane')).toBe('allow');
  expect(decide('joe')).toBe('none');
  expect(decide('jane', '/api/v1/namespaces/ns/pods/a', 'DELETE')).toBe('none');
  expect(decide('jane', '/api/v1/namespaces/other/pods/a')).toBe('none');
  expect([decide('joe', '/apis'), decide('joe', '/version')]).toEqual(['allow', 'none']);
  expect(abac.rulesFor({ name: 'jane', groups: [] }, 'ns').rules).toEqual([
    { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] },
  ]);
  expect(() => parsePolicies('\n{"user":"jane"}', 'f')).toThrow(
    'error reading policy file f, line 2: {"user":"jane"}: expected apiVersion abac.authorization.kubernetes.io/v1beta1 and kind Policy',
  );
});
