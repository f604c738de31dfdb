import { expect, test } from 'vitest';
import { imagePullPolicy, invalidReference } from './image-reference.ts';

const digest = `sha256:${'0'.repeat(64)}`;

test.each([
  'busybox',
  'busybox:1.36',
  'library/busybox',
  'localhost/a:1',
  '10.0.0.1:5000/a/b-c_d:V1',
  '[fd00::1]:5000/a',
  'registry.k8s.io/pause:3.10',
  `a@${digest}`,
  `a.b/c:1@${digest}`,
])('%s is an image', (image) => expect(invalidReference(image)).toBeUndefined());

test.each([
  ['Busybox', 'invalid reference format: repository name must be lowercase'],
  ['registry.k8s.io/Pause', 'invalid reference format: repository name must be lowercase'],
  ['busy box', 'invalid reference format'],
  ['a:', 'invalid reference format'],
  ['a//b', 'invalid reference format'],
  ['a..b/c', 'invalid reference format'],
  ['a:b c', 'invalid reference format'],
  ['a@sha256:xyz', 'invalid reference format'],
  [`a@${digest}@${digest}`, 'invalid reference format'],
  ['', 'invalid reference format'],
  ['a'.repeat(64), `invalid repository name (${'a'.repeat(64)}), cannot specify 64-byte hexadecimal strings`],
])('%j is none', (image, why) => expect(invalidReference(image)).toBe(why));

test.each([
  ['busybox', 'Always'],
  ['busybox:latest', 'Always'],
  [`busybox:latest@${digest}`, 'Always'],
  ['example.com:5000/app', 'Always'],
  ['example.com:5000/app:1', 'IfNotPresent'],
  [`app@${digest}`, 'IfNotPresent'],
  [`app:1@${digest}`, 'IfNotPresent'],
  ['MyApp', 'IfNotPresent'],
  ['', 'IfNotPresent'],
])('%j is pulled %s', (image, policy) => expect(imagePullPolicy(image)).toBe(policy));
