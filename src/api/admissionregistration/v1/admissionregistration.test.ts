import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const webhook = {
  name: 'w.example.com',
  clientConfig: { url: 'https://w.example.com/' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  rules: [rule],
};
const hooks = (more: Body): Body => ({ webhooks: [{ ...webhook, ...more }] });
const at = 'webhooks[0]';

test.each<[Body, string[]]>([
  [hooks({}), []],
  [
    hooks({ name: 'w.example' }),
    [`${at}.name: Invalid value: "w.example": should be a domain with at least three segments separated by dots`],
  ],
  [hooks({ sideEffects: undefined }), [`${at}.sideEffects: Required value: must specify one of None, NoneOnDryRun`]],
  [hooks({ sideEffects: '' }), [`${at}.sideEffects: Unsupported value: "": supported values: "None", "NoneOnDryRun"`]],
  [
    hooks({ timeoutSeconds: 31 }),
    [`${at}.timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds`],
  ],
  [
    hooks({ admissionReviewVersions: ['v1', 'v1', '0v'] }),
    [
      `${at}.admissionReviewVersions[1]: Invalid value: "v1": duplicate version`,
      `${at}.admissionReviewVersions[2]: Invalid value: "0v": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    ],
  ],
  [
    hooks({ admissionReviewVersions: ['v2'] }),
    [`${at}.admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1`],
  ],
  [{ webhooks: [webhook, webhook] }, ['webhooks[1].name: Duplicate value: "w.example.com"']],
  [
    hooks({ rules: [{ ...rule, operations: ['CREATE', '*'], resources: ['a/*', 'a/b', '*/c', 'd/c', '*/*'] }] }),
    [
      `${at}.rules[0].operations: Invalid value: ["CREATE","*"]: if '*' is present, must not specify other operations`,
      `${at}.rules[0].resources[1]: Invalid value: "a/b": if 'a/*' is present, must not specify a/b`,
      `${at}.rules[0].resources[3]: Invalid value: "d/c": if '*/c' is present, must not specify d/c`,
      `${at}.rules[0].resources: Invalid value: ["a/*","a/b","*/c","d/c","*/*"]: if '*/*' is present, must not specify other resources`,
    ],
  ],
])('webhooks: %j', (body, messages) => expect(judgeOf('mutatingwebhookconfigurations').create(body)).toEqual(messages));

const policy = (more: Body): Body => ({
  spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'true' }], ...more },
});

test.each<[Body, string[]]>([
  [policy({}), []],
  [
    policy({ validations: [], matchConstraints: {} }),
    [
      'spec.matchConstraints.resourceRules: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  ],
  [
    policy({ paramKind: { apiVersion: 'a/b/c', kind: 'a.b' } }),
    [
      'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      `spec.paramKind.kind: Invalid value: "a.b": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    ],
  ],
  [
    policy({
      variables: [{ name: 'in', expression: ' ' }],
      auditAnnotations: [{ key: 'k', valueExpression: 'ä'.repeat(2561) }],
    }),
    [
      'spec.variables[0].name: Invalid value: "in": name is not a valid CEL identifier',
      'spec.variables[0].expression: Required value: expression is not specified',
      'spec.auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in length',
    ],
  ],
  [
    policy({ validations: [{ expression: ' ', message: ' ', messageExpression: ' ', reason: 'Why' }] }),
    [
      'spec.validations[0].expression: Required value: expression is not specified',
      'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
      'spec.validations[0].message: Invalid value: " ": message must be non-empty if specified',
      'spec.validations[0].reason: Unsupported value: "Why": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
    ],
  ],
])('policies: %j', (body, messages) => expect(judgeOf('validatingadmissionpolicies').create(body)).toEqual(messages));

test('what is said of the types in a policy names the expression', () => {
  const status = { typeChecking: { expressionWarnings: [{ fieldRef: ' ', warning: '' }] }, conditions: [{}] };
  expect(judgeOf('validatingadmissionpolicies').updateStatus(policy({}), {}, status).slice(0, 2)).toEqual([
    'status.typeChecking.expressionWarnings[0].warning: Required value',
    'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
  ]);
});

test.each<[Body, string[]]>([
  [{ policyName: 'p', validationActions: ['Deny'] }, []],
  [
    { policyName: 'p', validationActions: ['Deny', 'Warn', 'Deny'], matchResources: { matchPolicy: 'Any' } },
    [
      'spec.matchResources.matchPolicy: Unsupported value: "Any": supported values: "Equivalent", "Exact"',
      'spec.validationActions[2]: Duplicate value: "Deny"',
      'spec.validationActions: Invalid value: ["Deny","Warn","Deny"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ],
  ],
  [
    {
      policyName: 'p',
      validationActions: ['Audit'],
      paramRef: { name: 'n', selector: {}, parameterNotFoundAction: 'Warn' },
    },
    [
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Unsupported value: "Warn": supported values: "Deny", "Allow"',
    ],
  ],
  [
    { paramRef: {} },
    [
      'spec.policyName: Required value',
      'spec.paramRef: Required value: one of name or selector must be specified',
      'spec.paramRef.parameterNotFoundAction: Required value',
      'spec.validationActions: Required value: at least one validation action is required',
    ],
  ],
])('bindings: %j', (spec, messages) =>
  expect(judgeOf('validatingadmissionpolicybindings').create({ spec })).toEqual(messages),
);
