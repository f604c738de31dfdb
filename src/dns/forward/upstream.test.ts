import { expect, test } from 'vitest';
import { parseHostPort, parseUpstream, upstreamText } from './upstream.ts';

test('addresses with and without ports', () => {
  expect(parseHostPort('10.0.0.1')).toEqual({ address: '10.0.0.1', port: 53 });
  expect(parseHostPort('fd00::1')).toEqual({ address: 'fd00::1', port: 53 });
  expect(parseHostPort('[fd00::1]:5353')).toEqual({ address: 'fd00::1', port: 5353 });
  expect(parseHostPort('fe80::1%eth0')).toEqual({ address: 'fe80::1%eth0', port: 53 });
  expect(parseHostPort('[fe80::1%br-lan.7]:153')).toEqual({ address: 'fe80::1%br-lan.7', port: 153 });
  expect(parseHostPort('127.0.0.1:0')).toEqual({ address: '127.0.0.1', port: 0 });
  for (const text of ['', 'name', '10.0.0.1:99999', '10.0.0.1:', '[10.0.0.1', '10.0.0.1%a', 'fe80::1%'])
    expect(parseHostPort(text)).toBeUndefined();
});

test('servers as an operator writes them, and as they are named', () => {
  const read = (text: string) => {
    const upstream = parseUpstream(text);
    return upstream && `${upstreamText(upstream)} ${upstream.serverName ?? ''}`;
  };
  expect(read('10.0.0.10')).toBe('10.0.0.10:53 ');
  expect(read('dns://[fd00::10]:5353')).toBe('[fd00::10]:5353 ');
  expect(read('fe80::1%eth0')).toBe('[fe80::1%eth0]:53 ');
  expect(read('tls://9.9.9.9#dns.quad9.net')).toBe('tls://9.9.9.9:853 dns.quad9.net');
  expect(read('tls://9.9.9.9:8853')).toBe('tls://9.9.9.9:8853 ');
  for (const text of ['', 'https://1.1.1.1', '10.0.0.1#name', 'example.com', '10.0.0.1:0', 'tls://']) {
    expect(parseUpstream(text), text).toBeUndefined();
  }
});
