import { expect, test } from 'vitest';
import { nameserversOf } from './resolv-conf.ts';

test('name servers of a resolv.conf', () => {
  const text =
    '# made by hand\nnameserver 10.0.0.1\nnameserver not-an-address\nsearch example.com\n nameserver  fd00::1 \nnameserver fe80::1%eth0\n';
  expect(nameserversOf(text)).toEqual([
    { protocol: 'dns', address: '10.0.0.1', port: 53 },
    { protocol: 'dns', address: 'fd00::1', port: 53 },
    { protocol: 'dns', address: 'fe80::1%eth0', port: 53 },
  ]);
});
