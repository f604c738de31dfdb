import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../system/fake/clock.ts';
import { checkConfiguration, issuerOfFlags, type JwtIssuer, type OidcFlags } from './configuration.ts';
import { checkExpression } from './expressions.ts';
import { JwtAuthenticator } from './jwt-authenticator.ts';
import type { Claims } from './token.ts';

const url = 'https://issuer.example';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });
const keys = [jwk(rsa.publicKey, 'rsa'), jwk(ec.publicKey, 'ec')];

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Signing {
  readonly alg?: string;
  readonly kid?: string;
  readonly key?: KeyObject;
  readonly crit?: readonly string[];
}

function token(claims: Claims, { alg = 'RS256', kid = 'rsa', key = rsa.privateKey, crit }: Signing = {}): string {
  const input = `${encode({ alg, kid, ...(crit && { crit }) })}.${encode(claims)}`;
  const manners: Readonly<Record<string, object>> = {
    ES: { dsaEncoding: 'ieee-p1363' },
    PS: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  };
  const manner = manners[alg.slice(0, 2)];
  return `${input}.${sign(`sha${alg.slice(2)}`, Buffer.from(input), { key, ...manner }).toString('base64url')}`;
}

const clock = new FakeClock();
const now = clock.now() / 1000;
const good: Claims = { iss: url, aud: 'me', sub: 'jane', exp: now + 60 };
const flags: OidcFlags = { issuerURL: url, clientID: 'me' };

async function authenticator(config: JwtIssuer, documents: Readonly<Record<string, unknown>> = {}) {
  const all: Readonly<Record<string, unknown>> = {
    [`${url}/.well-known/openid-configuration`]: { issuer: url, jwks_uri: `${url}/keys` },
    [`${url}/keys`]: { keys },
    ...documents,
  };
  const asked: string[] = [];
  const errors: string[] = [];
  const fetchText = async (from: string, accessToken?: string) => {
    asked.push(accessToken === undefined ? from : `${from} as ${accessToken}`);
    const document = all[from];
    if (!document) throw new Error(`${from} answered 404`);
    return typeof document === 'string' ? document : JSON.stringify(document);
  };
  const onError = (error: unknown) => void errors.push((error as Error).message);
  return { jwt: await JwtAuthenticator.create([config], { clock, onError, fetchText }), asked, errors };
}

describe('whether a token is good', () => {
  test.each<[string, string, string | undefined]>([
    ['RS256', token(good), 'jane'],
    ['PS512', token(good, { alg: 'PS512' }), 'jane'],
    ['ES256', token(good, { alg: 'ES256', kid: 'ec', key: ec.privateKey }), 'jane'],
    ['without the name of a key', token(good, { kid: '' }), 'jane'],
    ['for several', token({ ...good, aud: ['you', 'me'] }), 'jane'],
    ['for another', token({ ...good, aud: 'you' }), undefined],
    ['for nobody', token({ ...good, aud: undefined }), undefined],
    ['over', token({ ...good, exp: now - 1 }), undefined],
    ['without an end', token({ ...good, exp: undefined }), undefined],
    ['not good yet', token({ ...good, nbf: now + 120 }), undefined],
    ["with another's signature", token(good, { key: stranger.privateKey }), undefined],
    ['of a key that is not there', token(good, { kid: 'gone' }), undefined],
    ['of another issuer', token({ ...good, iss: 'https://other.example' }), undefined],
    ['with an extension that is critical', token(good, { crit: ['b64'] }), undefined],
    ['unsigned', `${encode({ alg: 'none' })}.${encode(good)}.`, undefined],
    ['in HMAC under the public key', `${encode({ alg: 'HS256', kid: 'rsa' })}.${encode(good)}.AAAA`, undefined],
    ['changed', token(good).replace(/\.[^.]*\./, `.${encode({ ...good, sub: 'root' })}.`), undefined],
    ['no token', 'a.b.c', undefined],
  ])('%s', async (_, given, expected) => {
    const config = issuerOfFlags({ ...flags, usernamePrefix: '-', signingAlgorithms: ['RS256', 'PS512', 'ES256'] });
    const { jwt } = await authenticator(config);
    expect((await jwt.authenticate(given))?.name).toBe(expected);
  });

  test('an algorithm that was not asked for', async () => {
    const { jwt, errors } = await authenticator(issuerOfFlags(flags));
    expect(await jwt.authenticate(token(good, { alg: 'RS384' }))).toBeUndefined();
    expect(errors).toEqual(['oidc: unexpected signature algorithm "RS384"']);
  });

  test('keys are fetched once, and again for an unknown one, but not for each', async () => {
    const { jwt, asked } = await authenticator(issuerOfFlags(flags));
    await Promise.all([jwt.authenticate(token(good)), jwt.authenticate(token(good))]);
    await jwt.authenticate(token(good, { kid: 'new' }));
    expect(asked).toEqual([`${url}/.well-known/openid-configuration`, `${url}/keys`]);
    clock.advance(10_000);
    await jwt.authenticate(token(good, { kid: 'new' }));
    await jwt.authenticate(token(good, { kid: 'newer' }));
    expect(asked.slice(2)).toEqual([`${url}/keys`]);
  });

  test('an issuer that names another in its document is not believed', async () => {
    const document = { issuer: 'https://other.example', jwks_uri: `${url}/keys` };
    const { jwt, errors } = await authenticator(issuerOfFlags(flags), {
      [`${url}/.well-known/openid-configuration`]: document,
    });
    expect(await jwt.authenticate(token(good))).toBeUndefined();
    expect(errors[0]).toContain('issuer did not match the issuer returned by provider');
  });
});

describe('the user that claims make, by flags', () => {
  test.each<[string, Partial<OidcFlags>, Claims, unknown]>([
    ['the usual prefix', {}, {}, { name: `${url}#jane`, groups: [] }],
    ['an own prefix', { usernamePrefix: 'oidc:' }, {}, { name: 'oidc:jane', groups: [] }],
    [
      'an address',
      { usernameClaim: 'email' },
      { email: 'j@x.io', email_verified: true },
      { name: 'j@x.io', groups: [] },
    ],
    [
      'an address that is not verified',
      { usernameClaim: 'email' },
      { email: 'j@x.io', email_verified: false },
      undefined,
    ],
    ['no such claim', { usernameClaim: 'login' }, {}, undefined],
    [
      'groups',
      { usernamePrefix: '-', groupsClaim: 'roles', groupsPrefix: 'g:' },
      { roles: ['a', 'b'] },
      { name: 'jane', groups: ['g:a', 'g:b'] },
    ],
    ['one group', { usernamePrefix: '-', groupsClaim: 'roles' }, { roles: 'a' }, { name: 'jane', groups: ['a'] }],
    ['groups that are none', { groupsClaim: 'roles' }, { roles: [1] }, undefined],
    [
      'a claim that is required',
      { usernamePrefix: '-', requiredClaims: { hd: 'x.io' } },
      { hd: 'x.io' },
      { name: 'jane', groups: [] },
    ],
    ['and is not there', { requiredClaims: { hd: 'x.io' } }, {}, undefined],
  ])('%s', async (_, more, claims, expected) => {
    const { jwt } = await authenticator(issuerOfFlags({ ...flags, ...more }));
    expect(await jwt.authenticate(token({ ...good, ...claims, exp: now + 3600 }))).toEqual(expected);
  });
});

describe('a claim that is told elsewhere', () => {
  const other = 'https://other.example';
  const place = `${other}/claims`;
  const config = issuerOfFlags({ ...flags, usernamePrefix: '-', groupsClaim: 'roles' });
  const told = { ...good, exp: now + 3600, iss: other, roles: ['a', 'b'] };
  const documents = (text: string) => ({
    [`${other}/.well-known/openid-configuration`]: { issuer: other, jwks_uri: `${other}/keys` },
    [`${other}/keys`]: { keys: [jwk(stranger.publicKey, 'other')] },
    [place]: text,
  });
  const signed = (claims: Claims) => token(claims, { kid: 'other', key: stranger.privateKey });
  const naming = { ...good, exp: now + 3600, _claim_names: { roles: 'src1' } };
  const sources = { src1: { endpoint: place, access_token: 'secret' } };

  test('is fetched with the token that its source gives, and believed when its issuer signed it', async () => {
    const { jwt, asked, errors } = await authenticator(config, documents(signed(told)));
    const user = await jwt.authenticate(token({ ...naming, _claim_sources: sources }));
    expect({ user, errors }).toEqual({ user: { name: 'jane', groups: ['a', 'b'] }, errors: [] });
    expect(asked).toContain(`${place} as secret`);
  });

  test.each<[string, Claims, unknown]>([
    ['the token tells it itself', { roles: ['own'], _claim_sources: sources }, ['own']],
    ['nobody tells where', {}, []],
    ['another claim is told elsewhere', { _claim_names: { constructor: 'src1' }, _claim_sources: sources }, []],
  ])('not asked for: %s', async (_, more, groups) => {
    const { jwt, asked } = await authenticator(config, documents(signed(told)));
    expect((await jwt.authenticate(token({ ...naming, ...more })))?.groups).toEqual(groups);
    expect(asked.filter((from) => from.startsWith(other))).toEqual([]);
  });

  test.each<[string, string, Claims, string]>([
    ['a source that is not there', signed(told), {}, 'contained a source src1 missing in _claims_sources'],
    ['no endpoint', signed(told), { src1: { JWT: 'x' } }, 'the source of the claim roles has no endpoint'],
    ['no token', 'roles=a', sources, 'answered no token'],
    ["another's signature", token({ ...told }), sources, 'failed to verify signature'],
    ['for others', signed({ ...told, aud: 'you' }), sources, 'expected audience in'],
    ['over', signed({ ...told, exp: now - 1 }), sources, 'token is expired'],
    ['without the claim', signed({ ...told, roles: undefined }), sources, 'did not contain claim: roles'],
  ])('refused: %s', async (_, text, given, message) => {
    const { jwt, errors } = await authenticator(config, documents(text));
    expect(await jwt.authenticate(token({ ...naming, _claim_sources: given }))).toBeUndefined();
    expect(errors).toEqual([expect.stringContaining(message)]);
  });
});

const file = (jwt: object, more: object = {}) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  jwt: [{ issuer: { url, audiences: ['me'] }, claimMappings: { username: { claim: 'sub', prefix: '' } }, ...jwt }],
  ...more,
});

describe('a configuration file', () => {
  const mapped = {
    claimMappings: {
      username: { expression: "claims.sub + '@x'" },
      groups: { expression: "claims.roles.split(',')" },
      uid: { claim: 'oid' },
      extra: [{ key: 'x.io/team', valueExpression: "claims.?team.orValue('')" }],
    },
    claimValidationRules: [{ expression: 'claims.level > 1', message: 'too low' }],
    userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: 'reserved' }],
  };
  const claims = { ...good, exp: now + 3600, roles: 'a,b', oid: '7', team: 'red', level: 2 };

  test('maps claims by expressions, and holds users to rules', async () => {
    const { jwt, errors } = await authenticator(checkConfiguration(file(mapped), checkExpression).jwt[0]!);
    expect(await jwt.authenticate(token(claims))).toEqual({
      name: 'jane@x',
      uid: '7',
      groups: ['a', 'b'],
      extra: { 'x.io/team': ['red'] },
    });
    expect(await jwt.authenticate(token({ ...claims, team: undefined }))).not.toHaveProperty('extra');
    expect(await jwt.authenticate(token({ ...claims, level: 1 }))).toBeUndefined();
    expect(await jwt.authenticate(token({ ...claims, sub: 'system:admin' }))).toBeUndefined();
    expect(errors).toEqual([
      "validation expression 'claims.level > 1' failed: too low",
      "validation expression '!user.username.startsWith('system:')' failed: reserved",
    ]);
  });

  // Recorded from k8s.io/apiserver 1.36.4.
  test.each<[string, object, object, object | undefined]>([
    [
      'numbers are doubles',
      { username: { expression: "'u' + string(claims.n)" } },
      { n: 12_345_678_901_234 },
      { name: 'u1.2345678901234e+13', groups: [] },
    ],
    [
      'empty groups of a claim are groups',
      { username: { claim: 'sub', prefix: '' }, groups: { claim: 'roles', prefix: 'p:' } },
      { roles: ['', 'a'] },
      { name: 'jane', groups: ['p:', 'p:a'] },
    ],
    [
      'those of an expression are none',
      { username: { claim: 'sub', prefix: '' }, groups: { expression: 'claims.roles' } },
      { roles: ['', 'a'] },
      { name: 'jane', groups: ['a'] },
    ],
    [
      'no uid',
      { username: { claim: 'sub', prefix: '' }, uid: { claim: 'oid' } },
      { oid: null },
      { name: 'jane', uid: '', groups: [] },
    ],
    ['a subject that is no text', { username: { claim: 'name', prefix: '' } }, { sub: 7, name: 'x' }, undefined],
  ])('claims: %s', async (_, claimMappings, more, expected) => {
    const { jwt } = await authenticator(checkConfiguration(file({ claimMappings }), checkExpression).jwt[0]!);
    expect(await jwt.authenticate(token({ ...good, ...more }))).toEqual(expected);
  });

  test.each<[string, object, string]>([
    ['another kind', { kind: 'Policy' }, 'expected apiVersion'],
    ['an unknown field', file({ claims: 1 }), 'strict decoding error: unknown field "jwt[0].claims"'],
    ['no https', file({ issuer: { url: 'http://x', audiences: ['me'] } }), 'jwt[0].issuer.url: Invalid value'],
    [
      'no audience',
      file({ issuer: { url } }),
      'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required',
    ],
    [
      'audiences without a policy',
      file({ issuer: { url, audiences: ['a', 'b'] } }),
      'audienceMatchPolicy must be MatchAny',
    ],
    [
      'no user',
      file({ claimMappings: {} }),
      'jwt[0].claimMappings.username: Required value: claim or expression is required',
    ],
    ['no prefix', file({ claimMappings: { username: { claim: 'sub' } } }), 'prefix is required when claim is set'],
    [
      'two ways',
      file({ claimMappings: { username: { claim: 'sub', expression: 'claims.sub' } } }),
      "claim and expression can't both be set",
    ],
    [
      'anonymous conditions',
      file({}, { anonymous: { enabled: false, conditions: [{ path: '/x' }] } }),
      'anonymous.conditions: Invalid value: [{"Path":"/x"}]: enabled should be set to true when conditions are defined',
    ],
    [
      'a rule that is no question',
      file({ claimValidationRules: [{ expression: 'claims.sub' }, { expression: "'x'", message: 'x' }] }),
      `jwt[0].claimValidationRules[1].expression: Invalid value: "'x'": must evaluate to bool`,
    ],
    [
      'an address that nobody verified',
      file({ claimMappings: { username: { expression: 'claims.email' } } }),
      'claims.email_verified must be used in',
    ],
    [
      'one whose proof is no question',
      file({
        claimMappings: { username: { expression: 'claims.email' } },
        claimValidationRules: [{ expression: '[claims.email_verified]' }],
      }),
      'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in',
    ],
    [
      'several things at once',
      file({ issuer: { url: 'http://x?q', audiences: ['a', 'a'] } }),
      '[jwt[0].issuer.url: Invalid value: "http://x?q": URL scheme must be https, jwt[0].issuer.url: Invalid value: "http://x?q": URL must not contain a query, jwt[0].issuer.audiences[1]: Duplicate value: "a", jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences]',
    ],
    [
      'a reserved field',
      file({ claimMappings: { ...mapped.claimMappings, extra: [{ key: 'x.K8s.io/a', valueExpression: '1' }] } }),
      'jwt[0].claimMappings.extra[0].key: Invalid value: "x.K8s.io/a": must be lowercase',
    ],
  ])('refuses %s', (_, given, message) => {
    expect(() => checkConfiguration(given, checkExpression)).toThrow(message);
  });

  test('refuses an expression that does not compile', () => {
    const given = file({ claimValidationRules: [{ expression: 'claims.' }] });
    expect(() => checkConfiguration(given, checkExpression)).toThrow(
      'jwt[0].claimValidationRules[0].expression: Invalid value: "claims.": compilation failed: ERROR: ',
    );
  });

  const range = "expression of type 'any' cannot be range of a comprehension (must be list, map, or dynamic)";

  // Claims are of the type any.
  test.each([
    ['claims.a.all(x, true)', `1:7: ${range}`],
    ["claims['a'].exists(k, v, true)", `1:7: ${range}`],
    ['claims.all(k, v, v.all(x, true))', `1:18: ${range}`],
    ['(true ? claims.a : [1]).all(x, true)', `1:7: ${range}`],
    ['[1, claims.a].all(x, x.all(y, true))', `1:22: ${range}`],
    ["claims.?a.orValue([]).all(x, x == 'a')", `1:18: ${range}`],
    ['claims + 1', "found no matching overload for '_+_' applied to '(map(string, any), int)'"],
    ['claims.a.all(x, true', 'Syntax error'],
    ['dyn(claims.a).all(x, true)', undefined],
    ['claims.a.b.all(x, true)', undefined],
    ['claims.all(k, true)', undefined],
    ["(claims.a + claims.b) == claims.c || claims.a in ['x']", undefined],
  ])('%s: %s', (source, wrong) => {
    const found = checkExpression(source, { variable: 'claims', result: 'bool' }).wrong;
    if (wrong === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(wrong);
  });
});
