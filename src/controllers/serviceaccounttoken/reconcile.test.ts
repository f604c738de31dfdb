import { expect, test } from 'vitest';
import type { Secret } from '../../api/core/v1/types.generated.ts';
import { reconcile } from './reconcile.ts';

const parts = {
  rootCA: 'PEM',
  sign: ({ serviceAccountUID }: { serviceAccountUID: string }) => `token-${serviceAccountUID}`,
};
const account = { metadata: { name: 'sa', namespace: 'ns', uid: 'u' } };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const secret = (more: Partial<Secret> = {}, annotations = {}): Secret => ({
  metadata: { name: 's', namespace: 'ns', annotations: { 'kubernetes.io/service-account.name': 'sa', ...annotations } },
  type: 'kubernetes.io/service-account-token',
  ...more,
});

test('a Secret that names an account gets its token, once', () => {
  const filled = reconcile(secret({ data: { own: 'eA==' } }), account, parts) as { update: Secret };
  expect(filled.update.data).toEqual({
    own: 'eA==',
    token: base64('token-u'),
    'ca.crt': base64('PEM'),
    namespace: base64('ns'),
  });
  expect(filled.update.metadata.annotations?.['kubernetes.io/service-account.uid']).toBe('u');
  expect(reconcile(filled.update, account, parts)).toBeUndefined();
});

test('it goes with its account, and with one that was made anew; other Secrets stay', () => {
  expect(reconcile(secret(), undefined, parts)).toBe('delete');
  expect(reconcile(secret({}, { 'kubernetes.io/service-account.uid': 'old' }), account, parts)).toBe('delete');
  expect(reconcile(secret({ type: 'Opaque' }), undefined, parts)).toBeUndefined();
});
