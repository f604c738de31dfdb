import { expect, test } from 'vitest';
import { FakeExec } from '../system/fake/exec.ts';
import { warnOfLeftRules } from './left-rules.ts';

const tables = (...names: readonly string[]) =>
  new FakeExec(() => ({ stdout: names.map((name) => `table ${name}\n`).join('') }));

test('rules that an agent left are named, with the command that removes them', async () => {
  const exec = tables(
    'inet filter',
    'inet portico-dev',
    'inet portico-podnetwork',
    'ip portico-proxy',
    'ip6 portico-proxy',
  );
  expect(await warnOfLeftRules(exec, 'portico-dev')).toBe(
    "warning: this machine's own namespace has rules of an agent (portico-podnetwork, portico-proxy) that can cut off pods of " +
      "this cluster; unless an agent runs there, remove them: nft 'delete table inet portico-podnetwork; delete table ip " +
      "portico-proxy; delete table ip6 portico-proxy'",
  );
});

test('tables of clusters and of others are no reason to warn', async () => {
  expect(
    await warnOfLeftRules(tables('inet filter', 'inet portico-dev', 'ip kube-proxy'), 'portico-dev'),
  ).toBeUndefined();
  expect(await warnOfLeftRules(tables('inet portico-proxy'), 'portico-proxy')).toBeUndefined();
  expect(await warnOfLeftRules(new FakeExec(() => ({ code: 1, stderr: 'no' })), 'portico-dev')).toBeUndefined();
});
