import { expect, test } from 'vitest';
import { encodeValue } from './encoding.ts';

test('YAML means the same to readers of YAML 1.1 and of 1.2: keys in order, texts in quotes where either reads something else', async () => {
  const object = {
    kind: 'K',
    apiVersion: 'v1',
    metadata: { name: 'on', creationTimestamp: '2026-11-21T20:49:21Z', labels: { y: '0777', b: '1:30', a: 'plain' } },
    items: [{ name: 'x', ports: [1, 2] }],
    empty: {},
  };
  expect(await encodeValue(object, { encoding: 'yaml', pretty: false })).toBe(`apiVersion: v1
empty: {}
items:
- name: x
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
