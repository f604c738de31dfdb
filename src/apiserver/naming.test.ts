import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Status } from '../apimachinery/meta/v1.generated.ts';
import { startTestServer, type TestServer } from './fake/test-server.ts';

const admission = '/apis/admissionregistration.k8s.io/v1';
const everything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] };
let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({ onError: () => {} });
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await server.send('POST', '/api/v1/namespaces/n/serviceaccounts', { metadata: { name: 'default' } });
  for (const [kind, more] of [
    ['mutating', {}],
    ['validating', { validationActions: ['Deny'] }],
  ] as const) {
    const binding = { metadata: { name: 'b' }, spec: { policyName: 'x', ...more } };
    expect((await server.send('POST', `${admission}/${kind}admissionpolicybindings`, binding)).status).toBe(201);
  }
});
afterEach(() => server.stop());

const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const policy = { spec: { matchConstraints: { resourceRules: [everything] } } };

test.each([
  ['MutatingWebhookConfiguration', { webhooks: 5 }, {}],
  ['MutatingWebhookConfiguration', { webhooks: [null] }, {}],
  ['MutatingWebhookConfiguration', { webhooks: [{ name: 'a', rules: [everything] }] }, {}],
  ['ValidatingWebhookConfiguration', { webhooks: [{ name: 'a', rules: 5 }] }, {}],
  ['MutatingAdmissionPolicy', {}, {}],
  ['ValidatingAdmissionPolicy', { spec: { matchConstraints: { resourceRules: [null] } } }, {}],
  ['ValidatingAdmissionPolicyBinding', {}, { ValidatingAdmissionPolicy: policy }],
  ['MutatingAdmissionPolicyBinding', { spec: null }, { MutatingAdmissionPolicy: policy }],
  ['LimitRange', { spec: { limits: [null] } }, {}],
  ['LimitRange', { spec: { limits: [{ type: 'Container', max: { cpu: 'x' } }] } }, {}],
  ['ResourceQuota', { spec: { hard: { pods: 'x' } }, status: { hard: { pods: 'x' }, used: { pods: '0' } } }, {}],
  [
    'ResourceQuota',
    { spec: { hard: { pods: '5' }, scopes: 5 }, status: { hard: { pods: '5' }, used: { pods: '0' } } },
    {},
  ],
])(
  '%s that somebody spoilt in storage (%j) is named by what it refuses, and can be deleted',
  async (kind, spoilt, more) => {
    const isNamespaced = ['LimitRange', 'ResourceQuota'].includes(kind);
    const group = isNamespaced ? 'core' : 'admissionregistration.k8s.io';
    const resourceOf = (one: string) => `${one.toLowerCase().replace(/y$/, 'ie')}s`;
    const put = (one: string, rest: object) => {
      const metadata = { name: 'x', uid: 'u', ...(isNamespaced && { namespace: 'n' }) };
      const value = JSON.stringify({ kind: one, apiVersion: 'v1', metadata, ...rest });
      const key = `/registry/${group}/${resourceOf(one)}/${isNamespaced ? 'n/' : ''}x`;
      return server.storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
    };
    for (const [one, rest] of Object.entries(more)) await put(one, rest);
    await put(kind, spoilt);
    const refused = await server.send<Status>('POST', '/api/v1/namespaces/n/pods', pod);
    expect(refused.status).toBe(500);
    expect(refused.body.message).toMatch(
      `Internal error occurred: ${kind} "x" is stored in a form that its kind does not have, delete it: `,
    );
    const place = isNamespaced ? '/api/v1/namespaces/n' : admission;
    expect((await server.send('DELETE', `${place}/${resourceOf(kind)}/x`)).status).toBe(200);
    expect((await server.send('POST', '/api/v1/namespaces/n/pods', pod)).status).toBe(201);
  },
);
