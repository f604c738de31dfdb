import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Seen } from '../../explain/live/watch.ts';
import type { Exec } from '../../system/exec.ts';
import { PacketWatches, type WatchTools } from './packet-watch.ts';

/** A kernel that tells its monitors of tables. */
function kernel() {
  const monitors: { tell(line: string): void; die(): void }[] = [];
  async function* lines() {
    const waiting: string[] = [];
    let wake = Promise.withResolvers<void>();
    let isOver = false;
    const monitor = {
      tell: (line: string) => {
        waiting.push(line);
        wake.resolve();
      },
      die: () => {
        isOver = true;
        wake.resolve();
      },
    };
    monitors.push(monitor);
    while (!isOver) {
      yield* waiting.splice(0);
      await wake.promise;
      wake = Promise.withResolvers();
    }
    monitors.splice(monitors.indexOf(monitor), 1);
  }
  const tell = (line: string) => {
    for (const monitor of monitors) monitor.tell(line);
  };
  const commands: string[] = [];
  const run: Exec['run'] = async (command, { input = '' } = {}) => {
    commands.push(command.join(' '));
    const [table] = /^table inet \S+/.exec(String(input)) ?? [];
    if (table !== undefined) tell(`add ${table}`);
    return { code: 0, stdout: '', stderr: '' };
  };
  const tools = {
    exec: { run },
    follow: { lines },
    clock: { now: () => 0, sleep: async () => setImmediate(undefined), after: () => ({ cancel: () => {} }) },
    networkNamespaceOf: async () => undefined,
  } as unknown as WatchTools;
  return { tools, tell, monitors, commands };
}

/** Asks the watches of a node. */
function asker(tools: WatchTools) {
  const handler = new PacketWatches('a', tools).before(() => {});
  return (verb: string, body: object) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const request = {
      url: `/portico-watch/x/${verb}`,
      method: 'POST',
      [Symbol.asyncIterator]: () => [Buffer.from(JSON.stringify(body))].values(),
    };
    void handler(request as never, { writeHead: () => {}, end: (text: string) => resolve(JSON.parse(text)) } as never);
    return promise;
  };
}

test('a watch that cannot be begun is refused in words, and ends nothing else', async () => {
  const refuse = async () => {
    await setImmediate();
    throw new Error('spawn nft ENOENT');
  };
  const follow = {
    // biome-ignore lint/correctness/useYield: a program that never begins prints nothing.
    async *lines() {
      await refuse();
    },
  };
  const exec = { run: () => setImmediate().then(refuse) };
  const ask = asker({ ...kernel().tools, exec, follow } as unknown as WatchTools);
  expect(await ask('start', { matches: [] })).toEqual({ message: 'spawn nft ENOENT' });
});

test('a watch goes on when its monitor dies, and ends', async () => {
  const { tools, tell, monitors } = kernel();
  const ask = asker(tools);
  expect(await ask('start', { matches: [] })).toEqual({});
  tell('trace id 1 before');
  await setImmediate();
  monitors[0]?.die();
  await expect.poll(() => monitors.length).toBe(1);
  tell('trace id 1 after');
  await setImmediate();
  monitors[0]?.die();
  const { trace } = (await ask('stop', { mode: 'ipvs', text: '' })) as Seen;
  expect(trace).toEqual(['trace id 1 before', 'trace id 1 after']);
});

test.each([
  { mode: 'nftables', family: 'IPv6', load: 'nft -f - && ' },
  { mode: 'iptables', family: 'IPv4', load: 'iptables-restore && { iptables-save; }' },
  { mode: 'iptables', family: 'IPv6', load: 'ip6tables-restore && { ip6tables-save; }' },
])('the rules of the model are loaded by the program of their family: $mode, $family', async ({ load, ...model }) => {
  const { tools, commands } = kernel();
  const ask = asker(tools);
  await ask('start', { matches: [] });
  expect(await ask('stop', { ...model, text: '' })).toMatchObject({ modelRules: expect.anything() });
  expect(commands).toContainEqual(expect.stringContaining(`unshare --net sh -c ${load}`));
});
