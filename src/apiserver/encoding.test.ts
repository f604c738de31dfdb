import { expect, test } from 'vitest';
import { StatusError } from '../apimachinery/status.ts';
import { encodeValue, statusInAcceptedForm } from './encoding.ts';
import { type ApiRequest, statusResponse } from './request.ts';

test('YAML means the same to readers of YAML 1.1 and of 1.2: keys in order, texts in quotes where either reads something else', async () => {
  const object = {
    kind: 'K',
    apiVersion: 'v1',
    metadata: { name: 'on', creationTimestamp: '2026-11-21T20:49:21Z', labels: { y: '0777', b: '1:30', a: 'plain' } },
    items: [{ name: 'x', ports: [1, 2], '.': { '._': '.', '.5': '.' } }],
    empty: {},
  };
  expect(await encodeValue(object, { encoding: 'yaml', pretty: false })).toBe(`apiVersion: v1
empty: {}
items:
- .:
    ".5": .
    ._: .
  name: x
  ports:
  - 1
  - 2
kind: K
metadata:
  creationTimestamp: "2026-11-21T20:49:21Z"
  labels:
    a: plain
    b: "1:30"
    "y": "0777"
  name: "on"
`);
});

test.each([
  [undefined, '{"apiVersion"'],
  ['application/json', '{"apiVersion"'],
  ['application/json;pretty=1', '{\n  "apiVersion"'],
  ['application/json;as=Table;v=v1;g=meta.k8s.io', '{\n  "apiVersion"'],
  ['text/html', '{\n  "apiVersion"'],
  ['application/yaml', 'apiVersion: v1'],
])('a refusal for who accepts %s begins with %j', async (accept, expected) => {
  const request = { headers: { accept }, query: new URLSearchParams() } as unknown as ApiRequest;
  const { body } = await statusInAcceptedForm(request, statusResponse(new StatusError({ code: 404, message: 'x' })));
  expect(String(body).slice(0, expected.length)).toBe(expected);
});
