import { expect, test } from 'vitest';
import { authorizationFlags } from './authorization-flags.ts';

test.each([
  [{}, undefined],
  [{ authorizationMode: 'RBAC,Node' }, undefined],
  [{ authorizationMode: 'RBAC' }, { modes: ['RBAC'] }],
  [{ authorizationConfig: '/c' }, { configFile: '/c' }],
  [
    { authorizationMode: 'ABAC', authorizationPolicyFile: '/p' },
    { modes: ['ABAC'], policyFile: '/p' },
  ],
  [
    { authorizationMode: 'Node,Webhook', authorizationWebhookConfigFile: '/w' },
    {
      modes: ['Node', 'Webhook'],
      webhook: { configFile: '/w', version: 'v1beta1', authorizedTTL: 300_000, unauthorizedTTL: 30_000 },
    },
  ],
])('%j', (flags, wanted) => {
  expect(authorizationFlags(flags)).toEqual(wanted);
});

test.each([
  [{ authorizationMode: 'x' }, 'authorization-mode "x" is not a valid mode'],
  [{ authorizationMode: 'ABAC' }, "authorization-mode ABAC's authorization policy file not passed"],
  [{ authorizationMode: 'Webhook' }, "authorization-mode Webhook's authorization config file not passed"],
  [{ authorizationPolicyFile: 'p' }, 'cannot specify --authorization-policy-file without mode ABAC'],
  [{ authorizationWebhookConfigFile: 'w' }, 'cannot specify --authorization-webhook-config-file without mode Webhook'],
  [{ authorizationMode: 'RBAC,RBAC' }, 'authorization-mode ["RBAC" "RBAC"] has mode specified more than once'],
  [
    { authorizationConfig: 'c', authorizationMode: 'RBAC' },
    '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
  ],
  [
    {
      ...{ authorizationMode: 'Webhook', authorizationWebhookConfigFile: 'w', authorizationWebhookVersion: 'v2' },
    },
    'unsupported webhook authorizer version "v2", supported versions are "v1", "v1beta1"',
  ],
])('%j is refused', (flags, message) => {
  expect(() => authorizationFlags(flags)).toThrow(message);
});
