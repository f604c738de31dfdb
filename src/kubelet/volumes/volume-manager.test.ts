import { expect, test } from 'vitest';
import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import { memorySize } from './volume-manager.ts';

test('a volume in memory is as large as the node, the pod and itself allow', () => {
  const limited = (memory: string): Container => ({ name: 'c', resources: { limits: { memory } } });
  const pod = (...containers: Container[]): Pod => ({ metadata: { name: 'p' }, spec: { containers } });
  const allocatable = { memory: '4Ki' };
  const size = (p: Pod, sizeLimit?: string) => memorySize(p, sizeLimit === undefined ? {} : { sizeLimit }, allocatable);
  expect(size(pod({ name: 'c' }))).toBe(4096);
  expect(size(pod(limited('1Ki'), limited('2Ki')))).toBe(3072);
  expect(size(pod(limited('1Ki'), { name: 'd' }))).toBe(4096);
  expect(size(pod(limited('2Ki')), '1Ki')).toBe(1024);
  expect(size(pod(limited('2Ki')), '3Ki')).toBe(2048);
  expect(memorySize(pod({ name: 'c' }), {}, {})).toBeUndefined();
});
