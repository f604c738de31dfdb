import { describe, expect, test } from 'vitest';
import { http1Refusal } from './http1-refusal.ts';

const fine = { headers: { host: 'x' }, rawHeaders: ['Host', 'x'] };

describe('as a server of Go answers', () => {
  test.each([
    ['an ordinary one', {}, undefined],
    ['no host, as in HTTP/1.0', { headers: {}, rawHeaders: [] }, undefined],
    ['an IPv6 address and a port', { headers: { host: '[fe80::1]:6443' } }, undefined],
    ['chunks, however it is written', { headers: { host: 'x', 'transfer-encoding': 'CHUNKED' } }, undefined],
    ['two hosts', { rawHeaders: ['Host', 'x', 'A', 'b', 'hOST', 'y'] }, 400],
    ['the same host twice', { rawHeaders: ['Host', 'x', 'Host', 'x'] }, 400],
    ['a header whose value is host', { rawHeaders: ['Host', 'x', 'A', 'host'] }, undefined],
    ['a host with a path', { headers: { host: 'a/b' } }, 400],
    ['a host with a space', { headers: { host: 'a b' } }, 400],
    ['another coding before chunks', { headers: { host: 'x', 'transfer-encoding': 'gzip, chunked' } }, 501],
    ['no coding', { headers: { host: 'x', 'transfer-encoding': 'identity' } }, 501],
  ])('%s', (_, given, status) => {
    expect(http1Refusal({ ...fine, ...given })?.status).toBe(status);
  });
});
