import { expect, test } from 'vitest';
import { type GoUrl, parseGoUrl, withoutEscapes } from './go-url.ts';

const none: GoUrl = { scheme: '', user: undefined, host: '', path: '', query: '', fragment: '' };

test.each<[string, Partial<GoUrl>]>([
  ['', {}],
  ['*', { path: '*' }],
  [
    'HTTPS://u:p@x@a.b:80/c%20d?e?f#g#h',
    {
      scheme: 'https',
      user: 'u:p@x',
      host: 'a.b:80',
      path: '/c%20d',
      query: 'e?f',
      fragment: 'g#h',
    },
  ],
  ['mailto:a@b', { scheme: 'mailto' }],
  ['//a/b', { host: 'a', path: '/b' }],
  ['///x', { path: '///x' }],
  ['http:/a', { scheme: 'http', path: '/a' }],
  ['http://%e4%bd%a0', { scheme: 'http', host: '你' }],
  ['https://[fe80::1%25e%20x]:9', { scheme: 'https', host: '[fe80::1%e x]:9' }],
  ['postgres://a:80,b:81/c', { scheme: 'postgres', host: 'a:80,b:81', path: '/c' }],
])('%j is a URL', (text, parts) => {
  expect(parseGoUrl(text)).toEqual({ ...none, ...parts });
});

test.each([
  ['a\nb', 'net/url: invalid control character in URL', '"a\\nb"'],
  [':a', 'missing protocol scheme'],
  ['a b:c', 'first path segment in URL cannot contain colon'],
  ['http://a/%zz', 'invalid URL escape "%zz"'],
  ['http://a/%', 'invalid URL escape "%"'],
  ['http://%41', 'invalid URL escape "%41"'],
  ['http://a b', 'invalid character " " in host name'],
  ['http://a:b', 'invalid port ":b" after host'],
  ['https://a:1:2', 'invalid port ":1:2" after host'],
  ['http://ü@a', 'net/url: invalid userinfo'],
  ['http://x[::1]', 'invalid IP-literal'],
  ['http://[1.2.3.4]', 'invalid IP-literal'],
  ['http://[::1', "missing ']' in host"],
  ['http://[::1]x', 'invalid port "x" after host'],
  ['http://[fe80::1%25e%2fx]', 'invalid URL escape "%2f"'],
  [
    'http://[zz:]',
    'invalid host: ParseAddr("zz:"): each colon-separated field must have at least one digit (at "zz:")',
  ],
])('%j is none', (text, why, printed = `"${text}"`) => {
  expect(parseGoUrl(text)).toBe(`parse ${printed}: ${why}`);
});

test('a fragment that is badly escaped is told with the whole', () => {
  expect(parseGoUrl('http://a#%zz')).toBe('parse "http://a#%zz": invalid URL escape "%zz"');
  expect(parseGoUrl('http://a/%zz#b')).toBe('parse "http://a/%zz": invalid URL escape "%zz"');
});

test('what is asked for is absolute, and has no fragment', () => {
  const read = (text: string) => parseGoUrl(text, { isRequest: true });
  expect(read('')).toBe('parse "": empty url');
  expect(read('a/b')).toBe('parse "a/b": invalid URI for request');
  expect(read('//a/b')).toEqual({ ...none, path: '//a/b' });
  expect(read('/a#b')).toEqual({ ...none, path: '/a#b' });
});

test('escapes are bytes of UTF-8', () => {
  expect(withoutEscapes('a%20é%c3%a9%2F')).toBe('a éé/');
});
