import { expect, test } from 'vitest';
import { redirectThrough } from './proxy-redirect.ts';

const base = '/api/v1/namespaces/ns/services/web/proxy';

test.each([
  ['/new?a=b#c', `${base}/new?a=b#c`],
  ['http://10.244.1.5:8080/dir/', `${base}/dir/`],
  ['//10.244.1.5:8080/dir', `${base}/dir`],
  [`${base}/login`, `${base}/login`],
  [`http://10.244.1.5:8080${base}/login`, `${base}/login`],
  ['next', 'next'],
  ['?page=2', '?page=2'],
  ['//other.example/x', '//other.example/x'],
  ['https://other.example/x', 'https://other.example/x'],
  ['http://10.244.1.5:9090/x', 'http://10.244.1.5:9090/x'],
  ['http://[', 'http://['],
])('a redirect to %s is one to %s', (location, expected) => {
  expect(redirectThrough(location, { base, origin: 'http://10.244.1.5:8080' })).toBe(expected);
});

test('a port that goes without saying may be left out', () => {
  expect(redirectThrough('http://10.244.1.5/dir/', { base, origin: 'http://10.244.1.5:80' })).toBe(`${base}/dir/`);
});
