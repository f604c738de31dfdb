import { expect, test } from 'vitest';
import { renderTransaction } from '../../nftables/render.ts';
import type { ExecResult } from '../../system/exec.ts';
import { FakeExec } from '../../system/fake/exec.ts';
import { memoryTransaction, readMemory } from './memory.ts';

/** A machine whose nft lists sets by these answers: without their elements, then with them. */
function nft(terse: Partial<ExecResult>, listing: Partial<ExecResult> = { code: 1 }) {
  return new FakeExec(({ command }) => (command.includes('-t') ? terse : listing));
}

const web = 'affinity-AE5WOSMU-demo/web/tcp/http__10.244.1.1/8080';
const terse = { stdout: `table ip portico-proxy {\n\tset ${web} {\n\t\ttype ipv4_addr\n\t}\n}\n` };
const set = (table: string, name: string, elem?: readonly unknown[]) => ({
  set: { family: 'ip', name, table, type: 'ipv4_addr', handle: 1, timeout: 60, ...(elem && { elem }) },
});
const client = (val: string, expires: number) => ({ elem: { val, expires } });
const listing = {
  stdout: JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      set('portico-proxy', 'cluster-ips', ['10.96.0.10']),
      set('portico-proxy', web, [client('172.18.0.9', 49), client('172.18.0.8', 0)]),
      set('portico-proxy', 'affinity-gone', [client('172.18.0.9', 10)]),
      set('portico-proxy', 'affinity-empty'),
      set('kube-proxy', 'affinity-other', [client('172.18.0.9', 10)]),
    ],
  }),
};

test.each([
  ['as long as they would have', 60, 49],
  ['no longer than the timeout is now', 30, 30],
])('clients stay %s', async (_, timeout, expires) => {
  const memory = await readMemory(nft(terse, listing), 'ip');
  expect([...memory.keys()]).toEqual([web, 'affinity-gone']);
  const transaction = memoryTransaction('ip', memory, new Map([[web, timeout]]));
  expect(transaction && renderTransaction(transaction)).toBe(
    `add element ip portico-proxy ${web} { 172.18.0.9 expires ${expires}s }\n`,
  );
});

test('nothing is added where no set of theirs is left', async () => {
  const memory = await readMemory(nft(terse, listing), 'ip');
  expect(memoryTransaction('ip', memory, new Map())).toBeUndefined();
});

test('elements are not listed where there are no sets of clients', async () => {
  const exec = nft({ stdout: 'table ip portico-proxy {\n\tset cluster-ips {\n\t}\n}\n' }, listing);
  expect((await readMemory(exec, 'ip')).size).toBe(0);
  expect(exec.commands).toHaveLength(1);
});

test.each<[string, Partial<ExecResult>, Partial<ExecResult>?]>([
  ['crashes', { code: 139 }],
  ['crashes at the elements', terse, { code: 139 }],
  ['says what is no JSON', terse, { stdout: 'table ip' }],
  ['says something else in JSON', terse, { stdout: '{}' }],
])('an nft that %s remembers nothing', async (_, first, second) => {
  expect((await readMemory(nft(first, second), 'ip')).size).toBe(0);
});
