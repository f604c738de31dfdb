import { expect, test } from 'vitest';
import { invalidReference } from './images.ts';

test.each([
  'busybox',
  'busybox:1.36',
  'library/busybox',
  'localhost/a:1',
  '10.0.0.1:5000/a/b-c_d:V1',
  'registry.k8s.io/pause:3.10',
  `a@sha256:${'0'.repeat(64)}`,
  `a.b/c:1@sha256:${'a'.repeat(64)}`,
])('%s is an image', (image) => expect(invalidReference(image)).toBeUndefined());

test.each([
  ['Busybox', 'invalid reference format: repository name must be lowercase'],
  ['registry.k8s.io/Pause', 'invalid reference format: repository name must be lowercase'],
  ['busy box', 'invalid reference format'],
  ['a:', 'invalid reference format'],
  ['a//b', 'invalid reference format'],
  ['a:b c', 'invalid reference format'],
  ['a@sha256:xyz', 'invalid reference format'],
  ['', 'invalid reference format'],
])('%j is none', (image, why) => expect(invalidReference(image)).toBe(why));
