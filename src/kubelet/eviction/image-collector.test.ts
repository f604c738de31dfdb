// What is said is upstream's (pkg/kubelet/images/image_gc_manager_test.go, StartGarbageCollection of pkg/kubelet/kubelet.go).
import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import type { CriContainer, CriImage } from '../cri/messages.ts';
import { ImageCollector } from './image-collector.ts';
import type { ImageLimits } from './image-garbage.ts';

const image = (id: string, size: number): CriImage => ({
  id,
  repoTags: [`${id}:1`],
  repoDigests: [],
  size,
  uid: undefined,
  username: '',
  pinned: false,
});

/** A node with these images, of which `used` runs; `look` looks after five minutes more, and tells what was said of the node. */
function node(limits: ImageLimits, { stuck = [] as readonly string[] } = {}) {
  const clock = new FakeClock();
  let images = [image('used', 500), image('old', 450), image('older', 50)];
  const events: string[] = [];
  const collector = new ImageCollector({
    cri: {
      listImages: async () => images,
      listContainers: async () => [{ imageRef: 'used' } as CriContainer],
      removeImage: async (id) => {
        if (stuck.includes(id)) throw new Error(`${id} is busy`);
        images = images.filter((one) => one.id !== id);
      },
    },
    clock,
    limits,
    event: ({ type, reason, message }) => events.push(`${type} ${reason}: ${message}`),
    log: () => {},
  });
  const look = async (available: number, capacity = 1000) => {
    clock.advance(300_000);
    events.length = 0;
    await collector.collect({ capacity, available });
    return [...events];
  };
  const pull = (id: string) => {
    images = [...images, image(id, 10)];
  };
  return { look, pull, collector, clock, events, left: () => images.map(({ id }) => id) };
}

test('below the limit nothing goes', async () => {
  const { look, left } = node({ high: 90, low: 80 });
  expect(await look(400)).toEqual([]);
  expect(await look(400)).toEqual([]);
  expect(left()).toEqual(['used', 'old', 'older']);
});

test('above it as much goes as must, though the time was set back since the last look', async () => {
  const { look, left, clock } = node({ high: 90, low: 80 });
  await look(400);
  clock.step(-3_600_000);
  expect(await look(50)).toEqual([]);
  expect(left()).toEqual(['used', 'older']);
});

test('what was there before the kubelet need not grow old, what came since must', async () => {
  const { collector, left, clock, pull } = node({ high: 90, low: 80 });
  await collector.begin();
  pull('new');
  await collector.removeUnused();
  expect(left()).toEqual(['used', 'new']);
  clock.advance(119_000);
  await collector.removeUnused();
  expect(left()).toEqual(['used', 'new']);
  clock.advance(1000);
  await collector.removeUnused();
  expect(left()).toEqual(['used']);
});

const tooLittle =
  'Failed to garbage collect required amount of images. Attempted to free 900 bytes, but only found 500 bytes eligible to free.';
const nothingLeft = tooLittle.replace('500', '0');

test('when that is not enough it is said, and again when it goes on', async () => {
  const { look, left } = node({ high: 50, low: 0 });
  await look(900);
  expect(await look(100)).toEqual([`Warning FreeDiskSpaceFailed: ${tooLittle}`]);
  expect(left()).toEqual(['used']);
  expect(await look(100)).toEqual([
    `Warning FreeDiskSpaceFailed: ${nothingLeft}`,
    `Warning ImageGCFailed: ${nothingLeft}`,
  ]);
  expect(await look(900)).toEqual([]);
  expect(await look(100)).toEqual([`Warning FreeDiskSpaceFailed: ${nothingLeft}`]);
});

test('an image that cannot be removed does not keep the others', async () => {
  const { look, left } = node({ high: 50, low: 0 }, { stuck: ['old'] });
  await look(900);
  expect(await look(100)).toEqual([]);
  expect(left()).toEqual(['used', 'old']);
  const why = 'wanted to free 900 bytes, but freed 0 bytes space with errors in image deletion: old is busy';
  expect(await look(100)).toEqual([`Warning ImageGCFailed: ${why}`]);
});

test('a disk without a size is none', async () => {
  const { look } = node({ high: 90, low: 80 });
  const why = 'invalid capacity 0 on image filesystem';
  expect(await look(0, 0)).toEqual([`Warning InvalidDiskCapacity: ${why}`]);
  expect(await look(0, 0)).toEqual([`Warning InvalidDiskCapacity: ${why}`, `Warning ImageGCFailed: ${why}`]);
});

test('with 100 nothing goes, however full the disk is, save when it runs short', async () => {
  const { look, left, clock, events, collector } = node({ high: 100, low: 80 });
  await look(400);
  expect(await look(0)).toEqual([]);
  expect(left()).toHaveLength(3);
  await collector.removeUnused();
  expect(left()).toEqual(['used']);
  // Nobody looks more often than every five minutes.
  clock.advance(299_000);
  await collector.collect({ capacity: 0, available: 0 });
  expect(events).toEqual([]);
});
