import { expect, test } from 'vitest';
import type { ApiRequest } from '../request.ts';
import { sourceIPs } from './event.ts';

// What kube-apiserver 1.36.4 wrote of the same.
test.each<[Record<string, string>, string[]]>([
  [{ 'x-forwarded-for': '1.2.3.4, 5.6.7.8' }, ['1.2.3.4', '5.6.7.8', '127.0.0.1']],
  [{ 'x-forwarded-for': 'x, 1.2.3.4', 'x-real-ip': '1.2.3.4' }, ['1.2.3.4', '127.0.0.1']],
  [{ 'x-real-ip': '9.9.9.9' }, ['9.9.9.9', '127.0.0.1']],
  [{ 'x-forwarded-for': '127.0.0.1' }, ['127.0.0.1']],
  [{ 'x-forwarded-for': '1.2.3.4:80' }, ['127.0.0.1']],
  [{ 'x-forwarded-for': '01.2.3.4' }, ['1.2.3.4', '127.0.0.1']],
  [{ 'x-forwarded-for': '::ffff:1.2.3.4' }, ['1.2.3.4', '127.0.0.1']],
  [{ 'x-forwarded-for': '2001:DB8::0:1, fe80::1%eth0' }, ['2001:db8::1', '127.0.0.1']],
])('%j comes from %j', (headers, expected) => {
  const request = { headers, remoteAddress: '::ffff:127.0.0.1' } as unknown as ApiRequest;
  expect(sourceIPs(request)).toEqual(expected);
});
