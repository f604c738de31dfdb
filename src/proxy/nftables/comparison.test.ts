import { beforeEach, expect, test } from 'vitest';
import { settle } from '../../client/fake/settle.ts';
import { renderTransaction } from '../../nftables/render.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeExec } from '../../system/fake/exec.ts';
import { Follower } from '../fixtures/follower.ts';
import { config, endpoint, service, slice } from '../fixtures/objects.ts';
import { Comparison, type Difference } from './comparison.ts';
import { NftablesState } from './state.ts';

/** A set as `nft -j list` prints it. */
function listed(kind: string, name: string, elem: readonly unknown[]): string {
  return JSON.stringify({ nftables: [{ metainfo: {} }, { [kind]: { name, elem } }] });
}

const address = '10.96.0.10';
const web = { concat: [address, 6, 80] };
const first = { concat: [address, 6, 80, 0] };
let kernel: Map<string, readonly unknown[]>;

let follower: Follower<NftablesState>;
let state: NftablesState;
let clock: FakeClock;
let asked: string[];
let running: number;
let atOnce: number;
/** Holds answers, or those about one set, until resolved. */
let gated: string | undefined;
let gate: PromiseWithResolvers<void> | undefined;
let differences: Difference[];
let standing: 'settled' | 'writing' | 'unknown';
let comparison: Comparison;

beforeEach(() => {
  follower = new Follower(new NftablesState(config));
  state = follower.state;
  follower.view.setService(service({ name: 'web' }));
  follower.view.setSlice(slice('web', [endpoint('10.244.2.1', 'node-b')]));
  follower.update();
  state.takeAll();
  clock = new FakeClock();
  kernel = new Map([
    ['cluster-ips', [address]],
    ['services', [[web, { goto: { target: 'lb-1' } }]]],
    ['endpoints-16', [[first, { concat: ['10.244.2.1', 8080] }]]],
    ['nodeport-ips', ['172.18.0.2']],
  ]);
  asked = [];
  gated = undefined;
  standing = 'settled';
  gate = undefined;
  running = 0;
  atOnce = 0;
  differences = [];
  const answers = new FakeExec(({ command }) => {
    const [kind = '', , , name = ''] = command.slice(5);
    return { stdout: listed(kind, name, kernel.get(name) ?? []) };
  });
  const exec = {
    run: async (command: readonly string[]) => {
      asked.push(command.at(-1)!);
      running += 1;
      atOnce = Math.max(atOnce, running);
      if (gated === undefined || gated === command.at(-1)) await gate?.promise;
      const answer = await answers.run(command);
      running -= 1;
      return answer;
    },
  };
  const onDifference = (what: Difference) => void differences.push(what);
  comparison = new Comparison({ exec, clock, states: () => [state], standing: () => standing, onDifference });
});

async function compared(): Promise<void> {
  comparison.suspect('elements');
  await clock.advance(10_000);
  await settle();
}

test('what is as it should be is left alone', async () => {
  await compared();
  expect(asked.at(-1)).toBe('endpoints-16');
  expect(differences).toEqual([]);
  expect(state.take()).toBeUndefined();
});

test.each([
  ['lost', 'services', [], `add element ip portico-proxy services { ${address} . tcp . 80 : goto lb-1 }\n`],
  ['strange', 'cluster-ips', [address, '10.96.0.99'], 'delete element ip portico-proxy cluster-ips { 10.96.0.99 }\n'],
  [
    'changed',
    'endpoints-16',
    [[first, { concat: ['192.0.2.9', 8080] }]],
    `delete element ip portico-proxy endpoints-16 { ${address} . tcp . 80 . 0 }\n` +
      `add element ip portico-proxy endpoints-16 { ${address} . tcp . 80 . 0 : 10.244.2.1 . 8080 }\n`,
  ],
])('an element that is %s is put right alone', async (_, set, elements, script) => {
  kernel.set(set, elements);
  await compared();
  expect(differences).toEqual(['elements']);
  expect(renderTransaction(state.take()!)).toBe(script);
});

test('elements that the configuration gives are written with all of it', async () => {
  kernel.set('nodeport-ips', []);
  await compared();
  expect(differences).toEqual(['more']);
});

test('one set is listed at a time, and what is suspected meanwhile is looked at after it', async () => {
  gate = Promise.withResolvers();
  for (let i = 0; i < 5; i += 1) {
    comparison.suspect('elements');
    await clock.advance(10_000);
    await settle();
  }
  expect(asked).toHaveLength(1);
  gate.resolve();
  await settle();
  const once = asked.length;
  expect(once).toBeGreaterThan(10);
  // It took all that while, and rests in proportion.
  await clock.advance(1_000_000);
  await settle();
  expect(asked).toHaveLength(2 * once);
  expect(atOnce).toBe(1);
});

test('whoever edits again and again is answered with a rest, and then again', async () => {
  kernel.set('services', []);
  let found = 0;
  const edits = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      comparison.suspect('elements');
      await clock.advance(1000);
      await settle();
      state.take();
      found = differences.length;
    }
  };
  await edits(30);
  expect(found).toBe(20);
  await clock.advance(60_000);
  await settle();
  expect(differences.length).toBeGreaterThan(found);
});

test('what is on its way to the kernel is waited for; what is to be written anyway is not compared', async () => {
  standing = 'writing';
  kernel.set('services', []);
  await compared();
  expect(asked).toEqual([]);
  standing = 'settled';
  await clock.advance(1000);
  await settle();
  expect(differences).toEqual(['elements']);
  asked = [];
  standing = 'unknown';
  await compared();
  expect(asked).toEqual([]);
});

test('what changes while a set is listed is not taken for an edit', async () => {
  gate = Promise.withResolvers();
  gated = 'endpoints-16';
  await compared();
  expect(asked.at(-1)).toBe(gated);
  follower.view.setSlice(slice('web', [endpoint('10.244.2.2', 'node-b')]));
  follower.update();
  state.take();
  gate.resolve();
  await settle();
  expect(differences).toEqual([]);
  expect(state.take()).toBeUndefined();
});
