// What the backend hears of; how it writes is tested in the kernel (test/kernel/proxy*.test.ts).
import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeExec } from '../../system/fake/exec.ts';
import { config } from '../fixtures/objects.ts';
import { NftablesBackend } from './backend.ts';

test('without a monitor it hears from nft of tables that are deleted, and of its own only', async () => {
  const lines = [
    'delete table ip other',
    'delete table ip portico-proxy',
    'add table ip portico-proxy',
    'delete table ip6 portico-proxy',
  ];
  const commands: string[] = [];
  const follow = {
    async *lines(command: readonly string[]) {
      commands.push(command.join(' '));
      yield* lines;
    },
    bytes: () => {
      throw new Error('not here');
    },
    converse: () => {
      throw new Error('not here');
    },
  };
  const exec = new FakeExec(() => ({ code: 127, stderr: 'socat: not found' }));
  const backend = new NftablesBackend({ exec, clock: new FakeClock(), follow });
  let told = 0;
  await backend.watch(() => {
    told += 1;
  }, new AbortController().signal);
  expect(commands).toEqual(['nft monitor tables']);
  expect(told).toBe(2);
});

test('an nft that crashes over the rules of a newer one is told of with the way out', async () => {
  const exec = new FakeExec(() => ({ code: 139, stderr: 'Segmentation fault' }));
  const backend = new NftablesBackend({ exec, clock: new FakeClock() });
  backend.configure([config]);
  await expect(backend.sync({ full: true })).rejects.toThrow(/^nft crashed; .* use one as new as that$/);
});
