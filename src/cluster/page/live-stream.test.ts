import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { WorldFollower, WorldListener } from '../../explain/history/world-follower.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { LiveStream } from './live-stream.ts';

const node = (name: string): KubeObject => ({ kind: 'Node', apiVersion: 'v1', metadata: { name } });

function followed() {
  const listeners: WorldListener[] = [];
  const world = {
    revision: 7,
    listen(listener: WorldListener) {
      listeners.push(listener);
      return () => {};
    },
  } as unknown as WorldFollower;
  const clock = new FakeClock();
  const stream = new LiveStream(world, clock);
  const stop = new AbortController();
  stream.start(stop.signal);
  const texts: string[] = [];
  const reader = { write: (text: string) => texts.push(text), writableLength: 0, once: () => {}, end: () => {} };
  const said = (): string => texts.splice(0).join('');
  stream.add(reader as unknown as ServerResponse);
  return { clock, said, stop, put: (object: KubeObject) => listeners[0]?.put(object) };
}

test('changes are told as they come, and where none does, that somebody is there', async () => {
  const { clock, said, stop, put } = followed();
  expect(said()).toMatch(/^event: picture\ndata: .*"items":\[\]\}\n\n$/);
  await clock.advance(9_999);
  expect(said()).toBe('');
  await clock.advance(1);
  expect(said()).toBe(': still here\n\n');
  put(node('a'));
  await clock.advance(100);
  expect(said()).toMatch(/^event: change\ndata: .*"Node a"/);
  await clock.advance(30_000);
  expect(said().match(/still here/g)).toHaveLength(3);
  stop.abort();
  await clock.advance(30_000);
  expect(said()).toBe('');
});
