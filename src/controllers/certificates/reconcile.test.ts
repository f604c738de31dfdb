import { expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.generated.ts';
import { untilForgotten } from './reconcile.ts';

const hour = 3_600_000;
const now = Date.parse('2026-01-02T00:00:00Z');
const ago = (hours: number) => new Date(now - hours * hour).toISOString();

function request(made: number, type?: string, certificate?: string): CertificateSigningRequest {
  const conditions = type === undefined ? [] : [{ type, status: 'True', lastUpdateTime: ago(0.5) }];
  return {
    metadata: { name: 'any', creationTimestamp: ago(made) },
    spec: { request: '', signerName: 'example.com/any' },
    status: { conditions, ...(certificate !== undefined && { certificate }) },
  };
}

test.each<[string, CertificateSigningRequest, number | undefined, number | undefined]>([
  ['nobody has decided', request(1), undefined, 23 * hour],
  ['nobody has decided for a day', request(25), undefined, 0],
  ['denied', request(25, 'Denied'), undefined, hour / 2],
  ['failed', request(25, 'Failed'), undefined, hour / 2],
  ['approved, but not issued', request(25, 'Approved'), undefined, undefined],
  ['issued', request(25, 'Approved', 'pem'), now + 9 * hour, hour / 2],
  ['issued, and ended', request(25, 'Approved', 'pem'), now - 1, 0],
])('%s', (_, of, expiry, left) => {
  expect(untilForgotten(of, { now, expiry })).toBe(left);
});
