import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { StatusError } from '../../apimachinery/status.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import type { Attributes } from '../access-control.ts';
import { FixedObjectView } from '../fake/object-view.ts';
import type { ApiRequest } from '../request.ts';
import { parseRequestInfo } from '../request-info.ts';
import { RequestAuthenticator } from './authenticator.ts';
import { signLegacyToken } from './legacy-token.ts';
import { selfSubjectReview, tokenReview } from './reviews.ts';
import { serviceAccountIssuer, signToken, verifyToken } from './service-account-token.ts';
import { ServiceAccounts } from './service-accounts.ts';
import { parseTokenFile } from './token-file.ts';
import { tokenRequest } from './token-request.ts';

const core = (resource: string) => ({ group: '', resource });
const base64 = (text: string) => Buffer.from(text).toString('base64');
const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const keyPem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

function bootstrapSecret(data: Record<string, string> = {}): KubeObject {
  const all = {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-authentication': 'true',
    expiration: '2026-01-01T01:00:00Z',
    ...data,
  };
  return {
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(all).map(([key, value]) => [key, base64(value)])),
  } as KubeObject;
}

function setUp() {
  const clock = new FakeClock();
  const account = { metadata: { name: 'default', namespace: 'ns', uid: 'u-sa' } };
  const pod = {
    metadata: { name: 'p', namespace: 'ns', uid: 'u-p' },
    spec: { serviceAccountName: 'default', nodeName: 'node-1' },
  };
  const view = new FixedObjectView()
    .set(core('serviceaccounts'), [account])
    .set(core('pods'), [pod as KubeObject])
    .set(core('nodes'), [{ metadata: { name: 'node-1', uid: 'u-n' } }])
    .set(core('secrets'), [bootstrapSecret()]);
  const serviceAccounts = new ServiceAccounts({ keyPem, view, clock, random: new FakeRandom() });
  const asked: Attributes[] = [];
  const authenticator = new RequestAuthenticator({
    staticTokens: parseTokenFile('secret,jane,7,"devs,ops"\nplain,joe,8\n'),
    serviceAccounts,
    view,
    clock,
    authorizer: {
      authorize(attributes) {
        asked.push(attributes);
        return { allowed: attributes.user.name === 'jane' };
      },
    },
  });
  const answerTokenRequest = tokenRequest({ issuer: serviceAccounts, view, clock });
  return { clock, view, serviceAccounts, answerTokenRequest, authenticator, asked };
}

function request(parts: Partial<ApiRequest>): ApiRequest {
  return {
    method: 'GET',
    path: '/',
    query: new URLSearchParams(),
    headers: {},
    body: async () => new Uint8Array(),
    signal: new AbortController().signal,
    ...parts,
  };
}
const bearer = (token: string) => request({ headers: { authorization: `Bearer ${token}` } });

/** The user as `name:group,group`, or the code of the refusal. */
async function who(
  { authenticator }: ReturnType<typeof setUp>,
  asked: ApiRequest,
): Promise<string | number | undefined> {
  try {
    const user = await authenticator.authenticate(asked);
    const info = parseRequestInfo('GET', '/api/v1/namespaces/ns/pods/p', new URLSearchParams());
    const acting = await authenticator.impersonate(asked, { user, verb: info.verb, info });
    const { name, groups } = acting?.user ?? user;
    return `${name} ${groups.join(',')}`;
  } catch (error) {
    return error instanceof StatusError ? error.status.code : String(error);
  }
}

describe('the chain', () => {
  const verifiedBy = ['client'] as const;
  const certificate = {
    commonName: 'system:node:n',
    organizations: ['system:nodes'],
    raw: new Uint8Array(),
    verifiedBy,
  };
  test.each<[string, ApiRequest, string | number]>([
    ['nobody', request({}), 'system:anonymous system:unauthenticated'],
    ['a certificate', request({ clientCertificate: certificate }), 'system:node:n system:nodes,system:authenticated'],
    [
      'a certificate without a name',
      request({ clientCertificate: { ...certificate, commonName: '' } }),
      'system:anonymous system:unauthenticated',
    ],
    [
      'a certificate goes before a token',
      { ...bearer('wrong'), clientCertificate: certificate },
      'system:node:n system:nodes,system:authenticated',
    ],
    ['a certificate that nobody vouches for', request({ clientCertificate: { ...certificate, verifiedBy: [] } }), 401],
    [
      'a certificate that nobody vouches for, and a token',
      { ...bearer('plain'), clientCertificate: { ...certificate, verifiedBy: [] } },
      'joe system:authenticated',
    ],
    [
      'a certificate of a proxy that names nobody',
      request({ clientCertificate: { ...certificate, verifiedBy: ['requestHeader'] } }),
      401,
    ],
    ['a static token', bearer('secret'), 'jane devs,ops,system:authenticated'],
    ['a static token without groups', bearer('plain'), 'joe system:authenticated'],
    ['an unknown token', bearer('x'), 401],
    [
      'a bootstrap token',
      bearer('abcdef.0123456789abcdef'),
      'system:bootstrap:abcdef system:bootstrappers,system:authenticated',
    ],
    ['a wrong bootstrap secret', bearer('abcdef.0123456789abcdee'), 401],
    ['an unknown bootstrap token', bearer('ghijkl.0123456789abcdef'), 401],
    ['another scheme', request({ headers: { authorization: 'Basic abc' } }), 'system:anonymous system:unauthenticated'],
  ])('%s', async (_, asked, expected) => {
    expect(await who(setUp(), asked)).toBe(expected);
  });

  test('a bootstrap token ends at its time, or with its use', async () => {
    const setup = setUp();
    setup.clock.advance(3_600_000);
    expect(await who(setup, bearer('abcdef.0123456789abcdef'))).toBe(401);
    const unused = setUp();
    unused.view.set(core('secrets'), [bootstrapSecret({ 'usage-bootstrap-authentication': 'false' })]);
    expect(await who(unused, bearer('abcdef.0123456789abcdef'))).toBe(401);
  });
});

describe('service account tokens', () => {
  const issue = ({ serviceAccounts }: ReturnType<typeof setUp>, extra = {}) =>
    serviceAccounts.issue({
      namespace: 'ns',
      serviceAccount: { name: 'default', uid: 'u-sa' },
      audiences: [serviceAccountIssuer],
      expirationSeconds: 600,
      ...extra,
    }).token;

  test('name the account and its groups', async () => {
    const setup = setUp();
    expect(await who(setup, bearer(issue(setup)))).toBe(
      'system:serviceaccount:ns:default system:serviceaccounts,system:serviceaccounts:ns,system:authenticated',
    );
  });

  test.each<[string, object, (setup: ReturnType<typeof setUp>) => void]>([
    ['expire', {}, ({ clock }) => clock.advance(600_000)],
    ['end with the account', {}, ({ view }) => view.set(core('serviceaccounts'), [])],
    [
      'end with the account made anew',
      {},
      ({ view }) => view.set(core('serviceaccounts'), [{ metadata: { name: 'default', namespace: 'ns', uid: 'u-2' } }]),
    ],
    ['end with the pod', { pod: { name: 'p', uid: 'u-p' } }, ({ view }) => view.set(core('pods'), [])],
  ])('%s', async (_, extra, change) => {
    const setup = setUp();
    const token = issue(setup, extra);
    expect(await who(setup, bearer(token))).toContain('system:serviceaccount:ns:default');
    change(setup);
    expect(await who(setup, bearer(token))).toBe(401);
  });

  test('for another audience are refused', async () => {
    const setup = setUp();
    expect(await who(setup, bearer(issue(setup, { audiences: ['vault'] })))).toBe(401);
  });

  test('of another key, or altered, are refused', async () => {
    const setup = setUp();
    const token = issue(setup);
    const claims = verifyToken(token, privateKey)!;
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const [header, , signature] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'x' })).toString('base64url');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`;
    for (const wrong of [signToken(claims, other), `${header}.${forged}.${signature}`, unsigned]) {
      expect(await who(setup, bearer(wrong))).toBe(401);
    }
  });

  test('TokenRequest binds to a pod and names its node', async () => {
    const { answerTokenRequest } = setUp();
    const info = parseRequestInfo('POST', '/api/v1/namespaces/ns/serviceaccounts/default/token', new URLSearchParams());
    const ask = (spec: object, metadata: object = { name: '' }) =>
      answerTokenRequest({ metadata, spec } as KubeObject, {
        user: { name: 'x', groups: [] },
        info,
        dryRun: false,
      });
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' };
    const answer = (await ask({ expirationSeconds: 600, boundObjectRef })) as KubeObject & {
      spec: object;
      status: { token: string; expirationTimestamp: string };
    };
    expect(answer.status.expirationTimestamp).toBe('2026-01-01T00:10:00Z');
    expect(verifyToken(answer.status.token, privateKey)?.['kubernetes.io']).toEqual({
      namespace: 'ns',
      node: { name: 'node-1', uid: 'u-n' },
      pod: { name: 'p', uid: 'u-p' },
      serviceaccount: { name: 'default', uid: 'u-sa' },
    });
    expect(answer.metadata).toEqual({
      name: 'default',
      namespace: 'ns',
      uid: 'u-sa',
      creationTimestamp: '2026-01-01T00:00:00Z',
    });
    await expect(ask({}, { name: 'x' })).rejects.toThrow(
      'TokenRequest.authentication.k8s.io "default" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified',
    );
    await expect(ask({}, { uid: 'x' })).rejects.toThrow(
      'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "default": the UID in the token request (x) does not match the UID of the service account (u-sa)',
    );
    await expect(ask({ boundObjectRef: { kind: 'Job', apiVersion: 'batch/v1', name: 'j' } })).rejects.toThrow(
      'cannot bind token to object of type batch/v1, Kind=Job',
    );
    await expect(ask({ expirationSeconds: 10 })).rejects.toThrow(
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes',
    );
    await expect(ask({ boundObjectRef: { kind: 'Pod', name: 'p' } })).resolves.toBeDefined();
    await expect(ask({ boundObjectRef: { ...boundObjectRef, name: 'q' } })).rejects.toThrow('pods "q" not found');
    await expect(ask({ boundObjectRef: { ...boundObjectRef, uid: 'old' } })).rejects.toThrow('UID in record');
  });
});

describe('reviews', () => {
  const context = {
    user: { name: 'jane', groups: ['devs'] },
    info: parseRequestInfo('POST', '/', new URLSearchParams()),
    dryRun: false,
  };

  test('TokenReview says whose a token is', async () => {
    const { authenticator } = setUp();
    const review = (token: string) =>
      tokenReview(authenticator)({ metadata: { name: '' }, spec: { token } } as KubeObject, context);
    expect(await review('secret')).toMatchObject({
      status: {
        authenticated: true,
        user: { username: 'jane', uid: '7', groups: ['devs', 'ops', 'system:authenticated'] },
      },
    });
    expect(await review('wrong')).toMatchObject({
      status: { user: {}, error: '[invalid bearer token, token lookup failed]' },
    });
  });

  test('SelfSubjectReview says who asks and when, and nothing of what was sent', async () => {
    const sent = { metadata: { name: 'x', labels: { a: 'b' } } };
    expect(await selfSubjectReview(setUp().clock)(sent, context)).toEqual({
      metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
      status: { userInfo: { username: 'jane', groups: ['devs'] } },
    });
  });
});

describe('impersonation', () => {
  const as = (token: string, headers: Record<string, string>) =>
    request({ headers: { authorization: `Bearer ${token}`, ...headers } });

  test('needs the right to it', async () => {
    expect(await who(setUp(), as('plain', { 'impersonate-user': 'ann' }))).toBe(403);
    expect(await who(setUp(), as('secret', { 'impersonate-group': 'devs' }))).toBe(400);
  });

  test('asks for each thing it takes', async () => {
    const setup = setUp();
    const groups = ['Impersonate-Group', 'a', 'Impersonate-Group', 'b'];
    // Of several users the first counts.
    const users = ['Impersonate-User', 'ann', 'Impersonate-User', 'eve'];
    const rawHeaders = [...users, ...groups, 'Impersonate-Extra-Acme.io%2fX', 'view'];
    const joined = { 'impersonate-user': 'ann, eve', 'impersonate-group': 'a, b' };
    const asked = { ...as('secret', { ...joined, 'impersonate-extra-acme.io%2fx': 'view' }), rawHeaders };
    expect(await who(setup, asked)).toBe('ann a,b,system:authenticated');
    const texts = setup.asked.map(({ verb, info }) => [verb, info.resource, info.subresource, info.name].join(' '));
    expect(texts).toEqual([
      'impersonate-on:user-info:get pods  p',
      'impersonate:user-info users  ann',
      'impersonate:user-info groups  a',
      'impersonate:user-info groups  b',
      'impersonate:user-info userextras acme.io/x view',
    ]);
  });

  test('a service account brings its groups', async () => {
    const setup = setUp();
    expect(await who(setup, as('secret', { 'impersonate-user': 'system:serviceaccount:ns:x' }))).toBe(
      'system:serviceaccount:ns:x system:serviceaccounts,system:serviceaccounts:ns,system:authenticated',
    );
    expect(setup.asked[1]?.info).toMatchObject({ resource: 'serviceaccounts', namespace: 'ns', name: 'x' });
  });
});

test('the token that pods mount is extended: told to be short, good for a year', async () => {
  const { serviceAccounts, answerTokenRequest, clock } = setUp();
  const ask = async (expirationSeconds: number, audiences: string[] = []) => {
    const info = parseRequestInfo('POST', '/api/v1/namespaces/ns/serviceaccounts/default/token', new URLSearchParams());
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' };
    const spec = { expirationSeconds, audiences, boundObjectRef };
    const object = { metadata: { name: '' }, spec } as unknown as KubeObject;
    const answer = await answerTokenRequest(object, { user: { name: 'x', groups: [] }, info, dryRun: false });
    return (answer as unknown as { status: { token: string; expirationTimestamp: string } }).status;
  };
  const extended = await ask(3607);
  expect(extended.expirationTimestamp).toBe('2026-01-01T01:00:07Z');
  const short = await ask(3600);
  const foreign = await ask(3607, ['vault']);
  clock.advance(24 * 3600 * 1000);
  expect(await serviceAccounts.authenticate(extended.token)).toBeDefined();
  expect(await serviceAccounts.authenticate(short.token)).toBeUndefined();
  expect(await serviceAccounts.authenticate(foreign.token, ['vault'])).toBeUndefined();
  clock.advance(365 * 24 * 3600 * 1000);
  expect(await serviceAccounts.authenticate(extended.token)).toBeUndefined();
});

test('a certificate brings its uid, and says by which credential its user came', async () => {
  const { authenticator } = setUp();
  const clientCertificate = {
    commonName: 'jane',
    organizations: ['dev'],
    uid: '7',
    raw: Buffer.from('der'),
    verifiedBy: ['client'] as const,
  };
  expect(await authenticator.authenticate(request({ clientCertificate }))).toEqual({
    name: 'jane',
    uid: '7',
    groups: ['dev', 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/credential-id': [
        'X509SHA256=5050d80d22ecd471ea55df7034042c1e041341ff4066e7f6ff38e20b720df8ea',
      ],
    },
  });
});

test('a legacy token is good while its Secret holds it and its account is there', async () => {
  const setup = setUp();
  const { serviceAccounts, view } = setup;
  const subject = { namespace: 'ns', secretName: 'legacy', serviceAccountName: 'default', serviceAccountUID: 'u-sa' };
  const token = signLegacyToken(subject, privateKey);
  expect(await who(setup, bearer(token))).toBe(401);
  const secret = { metadata: { name: 'legacy', namespace: 'ns' }, data: { token: base64(token) } };
  view.set(core('secrets'), [secret as KubeObject]);
  expect(await who(setup, bearer(token))).toBe(
    'system:serviceaccount:ns:default system:serviceaccounts,system:serviceaccounts:ns,system:authenticated',
  );
  expect(await serviceAccounts.authenticate(token, ['vault'])).toBeUndefined();
  expect(await who(setup, bearer(signLegacyToken({ ...subject, serviceAccountUID: 'old' }, privateKey)))).toBe(401);
  view.set(core('serviceaccounts'), []);
  expect(await who(setup, bearer(token))).toBe(401);
});

describe('a token file', () => {
  test('is CSV, with groups in the fourth column and whatever follows unread', () => {
    const users = parseTokenFile('a,jane,7\r\n\n"t,""1","u","1","g1,g2",more\n,nobody,1\na,joe,8');
    expect([...users]).toEqual([
      ['a', { name: 'joe', uid: '8', groups: [] }],
      ['t,"1', { name: 'u', uid: '1', groups: ['g1', 'g2'] }],
    ]);
  });

  test.each([
    ['a,b,c\nlonely\n', "token file '/t.csv' must have at least 3 columns (token, user name, user uid), found 1"],
    ['a,b\n', 'found 2'],
    ['a,b,c\nx,y"z,1\n', 'parse error on line 2: bare " in non-quoted-field'],
    ['a,"b"c,1\n', 'parse error on line 1: extraneous or missing " in quoted-field'],
    ['a,"b,1\n', 'parse error on line 1: extraneous or missing " in quoted-field'],
  ])("%j is refused in kube-apiserver's words", (text, message) => {
    expect(() => parseTokenFile(text, '/t.csv')).toThrow(message);
  });
});
