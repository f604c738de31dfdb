import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realExec } from '../system/real/exec.ts';
import { startCluster } from '../testing/index.ts';
import { parseTtl, timeLeft } from './token.ts';

test.each([
  ['24h', 86_400],
  ['1h30m', 5_400],
  ['90s', 90],
  ['0', 0],
])('--ttl %s is %d s', (text, seconds) => {
  expect(parseTtl(text)).toBe(seconds);
});

test.each(['', '1d', '5', 'h', '1h x'])('--ttl %j is refused', (text) => {
  expect(() => parseTtl(text)).toThrow('--ttl');
});

test.each([
  [null, 'never'],
  ['2026-01-02T00:00:00Z', '24h'],
  ['2026-01-01T00:05:30Z', '5m'],
  ['2026-01-01T00:01:00Z', '60s'],
  ['2026-01-01T00:00:00Z', 'expired'],
])('a token until %j has %s', (expiration, left) => {
  expect(timeLeft(expiration, Date.parse('2026-01-01T00:00:00Z'))).toBe(left);
});

test('what became of tokens is told as JSON, too; none goes where one of them is no token', async () => {
  await using cluster = await startCluster();
  const token = (...args: readonly string[]) =>
    realExec.run([
      process.execPath,
      join(import.meta.dirname, 'main.ts'),
      'token',
      ...args,
      '--kubeconfig',
      cluster.kubeconfigPath,
      '--output',
      'json',
    ]);
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) {
    const made = JSON.parse((await token('create')).stdout).token;
    ids.push(made.slice(made.indexOf('::') + 2, made.indexOf('.')));
  }

  expect(await token('delete', ids[0]!, 'nonsense')).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse((await token('list')).stdout)).toHaveLength(2);
  expect(JSON.parse((await token('delete', ...ids)).stdout)).toEqual({ deleted: ids });
  expect(JSON.parse((await token('list')).stdout)).toEqual([]);
});
