import { expect, test } from 'vitest';
import { nameserversOf, parseHostPort } from './resolv-conf.ts';

test('nameservers of a resolv.conf', () => {
  const text =
    '# comment\nsearch example.com\nnameserver 192.0.2.1\n  nameserver\tfd00::53 \nnameserver nonsense\noptions ndots:5';
  expect(nameserversOf(text)).toEqual([
    { address: '192.0.2.1', port: 53 },
    { address: 'fd00::53', port: 53 },
  ]);
});

test.each([
  ['127.0.0.1', { address: '127.0.0.1', port: 53 }],
  ['127.0.0.1:5353', { address: '127.0.0.1', port: 5353 }],
  ['::1', { address: '::1', port: 53 }],
  ['[::1]:5353', { address: '::1', port: 5353 }],
  ['[::1]', { address: '::1', port: 53 }],
  ['localhost:53', undefined],
  ['127.0.0.1:99999', undefined],
  ['', undefined],
])('%s', (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected);
});
