import { expect, test } from 'vitest';
import { linksThrough } from './proxy-links.ts';

const base = '/api/v1/namespaces/ns/services/web/proxy';
const through = (page: string) => linksThrough(page, { base, origin: 'http://10.244.1.5:8080' });

test.each([
  ['<a href="/x">', `<a href="${base}/x">`],
  ["<A class=b HREF = '/x?a=1&amp;b'>y</A>", `<A class=b HREF = '${base}/x?a=1&amp;b'>y</A>`],
  ['<img alt src=/x.png/>', `<img alt src=${base}/x.png/>`],
  ['<form method="post" action="/post"><input name=a>', `<form method="post" action="${base}/post"><input name=a>`],
  [
    '<script src="/s.js">if (a<b) "<a href=/x>"</script ><link href=/c>',
    `<script src="${base}/s.js">if (a<b) "<a href=/x>"</script ><link href=${base}/c>`,
  ],
  ['<a href="http://10.244.1.5:8080/x">', `<a href="${base}/x">`],
])('%s becomes %s', (page, expected) => {
  expect(through(page)).toBe(expected);
});

test.each([
  '<a href="x"><a href="#y"><a href="//other.example/x"><a href="https://other.example/x">',
  `<a href="${base}/x">`,
  '<p title="/x" data-href="/x">/x < /y <a',
  '<!-- <a href="/x"> --><title><a href="/x"></title>',
  '<a href="/x',
  '<a href=',
  '',
])('%s stays as it is', (page) => {
  expect(through(page)).toBe(page);
});

test('a long page takes no longer for being strange', () => {
  for (const part of ['<a"', '<a href="', '<a b=', '<script>', '<!--', '< ', "<a '", '<a href=/'])
    expect(through(part.repeat(200_000)).length).toBeGreaterThan(0);
}, 5000);
