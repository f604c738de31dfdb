import { expect, test } from 'vitest';
import { checkConfiguration } from './configuration.ts';
import { expressionError } from './match-conditions.ts';

const apiVersion = 'apiserver.config.k8s.io/v1';
const kind = 'AuthorizationConfiguration';
const checks = {
  expression: expressionError,
  file: (path: string) => (path === '/kc' ? undefined : `error loading file: stat ${path}: no such file or directory`),
};
const good = {
  ...{ timeout: '3s', subjectAccessReviewVersion: 'v1', matchConditionSubjectAccessReviewVersion: 'v1' },
  ...{ failurePolicy: 'Deny', connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/kc' } },
};
const webhook = (fields: object) => [{ type: 'Webhook', name: 'a', webhook: { ...good, ...fields } }];

function messageOf(authorizers: unknown): string {
  try {
    checkConfiguration({ apiVersion, kind, authorizers }, checks);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

const types = '"ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"';

// What Kubernetes 1.36.4 says of the same.
test.each([
  [[], 'authorizers: Required value: at least one authorization mode must be defined'],
  [[{ name: 'a' }], 'authorizers[0].type: Required value'],
  [[{ type: 'X', name: 'a' }], `authorizers[0].type: Unsupported value: "X": supported values: ${types}`],
  [
    [
      { type: 'Node', name: 'node' },
      { type: 'Node', name: 'b' },
    ],
    'authorizers[1].type: Duplicate value: "Node"',
  ],
  [[{ type: 'RBAC' }], 'authorizers[0].name: Required value'],
  [[{ type: 'RBAC', name: 'x' }], 'expected name rbac for authorizer RBAC instead of x'],
  [[...webhook({}), ...webhook({})], 'authorizers[1].name: Duplicate value: "a"'],
  [[{ type: 'Webhook', name: 'a' }], 'authorizers[0].webhook: Required value: required when type=Webhook'],
  [
    [{ type: 'Node', name: 'node', webhook: good }],
    'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
  ],
  [webhook({ timeout: undefined }), 'authorizers[0].timeout: Required value'],
  [webhook({ timeout: '31s' }), 'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s'],
  [
    webhook({ timeout: '5' }),
    'failed to load AuthorizationConfiguration from file: time: missing unit in duration "5"',
  ],
  [webhook({ authorizedTTL: '-1s' }), 'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s'],
  [
    webhook({ subjectAccessReviewVersion: 'v2' }),
    'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
  ],
  [
    webhook({ matchConditionSubjectAccessReviewVersion: '', matchConditions: [{ expression: 'true' }] }),
    'authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
  ],
  [
    webhook({ failurePolicy: 'Fail' }),
    'authorizers[0].failurePolicy: Unsupported value: "Fail": supported values: "NoOpinion", "Deny"',
  ],
  [
    webhook({ connectionInfo: { type: 'x' } }),
    'authorizers[0].connectionInfo.type: Unsupported value: {"Type":"x","KubeConfigFile":null}: supported values: "InClusterConfig", "KubeConfigFile"',
  ],
  [
    webhook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'kc' } }),
    'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "kc": must be an absolute path',
  ],
  [
    webhook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/no' } }),
    'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "/no": error loading file: stat /no: no such file or directory',
  ],
  [
    webhook({ matchConditions: [{ expression: '1' }] }),
    'authorizers[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int',
  ],
  [
    webhook({ matchConditions: [{ expression: 'true' }, { expression: 'true' }, { expression: ' ' }] }),
    '[authorizers[0].matchConditions[1].expression: Duplicate value: "true", authorizers[0].matchConditions[2].expression: Required value]',
  ],
  [
    webhook({ timeout: 3 }),
    'failed to load AuthorizationConfiguration from file: json: cannot unmarshal number into Go struct field WebhookConfiguration.authorizers.webhook.timeout of type string',
  ],
  [
    {},
    'failed to load AuthorizationConfiguration from file: json: cannot unmarshal object into Go struct field AuthorizationConfiguration.authorizers of type []v1.AuthorizerConfiguration',
  ],
  [
    webhook({ foo: 1 }),
    'failed to load AuthorizationConfiguration from file: strict decoding error: unknown field "authorizers[0].webhook.foo"',
  ],
])('%j', (authorizers, wanted) => {
  expect(messageOf(authorizers)).toBe(wanted);
});

test('what a file leaves out has its defaults', () => {
  const [first] = checkConfiguration({ apiVersion, kind, authorizers: webhook({}) }, checks);
  expect(first?.webhook).toMatchObject({
    ...{ authorizedTTL: 300_000, unauthorizedTTL: 30_000, timeout: 3000 },
    ...{ cacheAuthorizedRequests: true, cacheUnauthorizedRequests: true, matchConditions: [] },
  });
});
