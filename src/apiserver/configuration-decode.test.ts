import { expect, test } from 'vitest';
import { checkPolicy } from './audit/policy.ts';
import { checkConfiguration as checkAuthentication } from './authentication/jwt/configuration.ts';
import { checkConfiguration as checkAuthorization } from './authorization/configuration.ts';
import { readConfiguration as checkEncryption } from './encryption/configuration.ts';

const group = 'apiserver.config.k8s.io/v1';
const checks = {
  authentication: (fields: object) =>
    checkAuthentication({ apiVersion: group, kind: 'AuthenticationConfiguration', ...fields }, () => ({
      claims: new Set(),
    })),
  authorization: (fields: object) =>
    checkAuthorization(
      { apiVersion: group, kind: 'AuthorizationConfiguration', ...fields },
      { expression: () => undefined, file: () => undefined },
    ),
  encryption: (fields: object) => checkEncryption({ apiVersion: group, kind: 'EncryptionConfiguration', ...fields }),
  policy: (fields: object) => checkPolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...fields }),
};

function messageOf(kind: keyof typeof checks, fields: object): string {
  try {
    checks[kind](fields);
    return '';
  } catch (error) {
    return (error as Error).message.replace('failed to load AuthorizationConfiguration from file: ', '');
  }
}

const cannot = (what: string) => `json: cannot unmarshal ${what}`;
const noRules = 'loaded illegal policy with 0 rules';

// Recorded from k8s.io/apiserver 1.36.4.
test.each<[keyof typeof checks, object, string]>([
  [
    'authentication',
    { jwt: 1 },
    cannot('number into Go struct field AuthenticationConfiguration.jwt of type []v1.JWTAuthenticator'),
  ],
  [
    'authentication',
    { jwt: ['x'] },
    cannot('string into Go struct field AuthenticationConfiguration.jwt of type v1.JWTAuthenticator'),
  ],
  [
    'authentication',
    { jwt: [{ issuer: { audiences: [[]] } }] },
    cannot('array into Go struct field Issuer.jwt.issuer.audiences of type string'),
  ],
  [
    'authentication',
    { jwt: [{ issuer: { audienceMatchPolicy: {} } }] },
    cannot('object into Go struct field Issuer.jwt.issuer.audienceMatchPolicy of type v1.AudienceMatchPolicyType'),
  ],
  [
    'authentication',
    { jwt: [], x: 1, anonymous: { y: 2 } },
    'strict decoding error: unknown field "x", unknown field "anonymous.y"',
  ],
  ['authentication', { jwt: null, anonymous: null }, ''],
  [
    'authentication',
    {
      jwt: [
        { issuer: { url: 'https://a/%zz', audiences: ['a'] }, claimMappings: { username: { claim: 'a', prefix: '' } } },
      ],
    },
    'jwt[0].issuer.url: Invalid value: "https://a/%zz": parse "https://a/%zz": invalid URL escape "%zz"',
  ],
  [
    'authentication',
    {
      jwt: [
        {
          issuer: { url: 'https://a', egressSelectorType: 'x', audiences: ['a'] },
          claimMappings: { username: { claim: 'a', prefix: '' } },
        },
      ],
    },
    'jwt[0].issuer.egressSelectorType: Invalid value: "x": egress selector must be either controlplane or cluster',
  ],
  [
    'authorization',
    { authorizers: [{ type: true }] },
    cannot('bool into Go struct field AuthorizerConfiguration.authorizers.type of type string'),
  ],
  ['authorization', { authorizers: [{ webhook: { timeout: null } }] }, 'time: invalid duration ""'],
  ['authorization', { authorizers: [null] }, 'authorizers[0].type: Required value'],
  [
    'encryption',
    { resources: [{ providers: [{ kms: { cachesize: 1.5 } }] }] },
    cannot('number 1.5 into Go struct field KMSConfiguration.resources.providers.kms.cachesize of type int32'),
  ],
  ['encryption', { resources: [{ providers: [{ aesgcm: { keys: [null] } }] }] }, ''],
  [
    'policy',
    { rules: [{ level: 'None', resources: [{ resources: 1 }] }] },
    `failed decoding: ${cannot('number into Go struct field GroupResources.rules.resources.resources of type []string')}`,
  ],
  [
    'policy',
    { rules: [{ level: 'None', omitStages: [1] }] },
    `failed decoding: ${cannot('number into Go struct field PolicyRule.rules.omitStages of type v1.Stage')}`,
  ],
  [
    'policy',
    { metadata: [], rules: [] },
    `failed decoding: ${cannot('array into Go struct field Policy.metadata of type v1.ObjectMeta')}`,
  ],
  ['policy', { rules: null }, noRules],
  ['policy', { rules: [{ level: 'None', resources: null, users: [null], x: 1 }] }, ''],
  ['policy', { rules: [null] }, 'rules[0].level: Required value'],
])('%s of %j: %s', (kind, fields, expected) => {
  expect(messageOf(kind, fields)).toBe(expected);
});
