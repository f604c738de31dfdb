import { describe, expect, test } from 'vitest';
import type { Container, Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import type { CriImage } from '../cri/messages.ts';
import type { MachineUsage } from '../stats/machine.ts';
import { bytesToFree, imagesToRemove, minimumAge } from './image-garbage.ts';
import { lowMessage, overLimit, type PodUsage, pressureRefusal, rank } from './ranking.ts';
import { defaultThresholds, parseThresholds, type Shortage, shortages } from './thresholds.ts';

const Mi = 1024 * 1024;

function machine(memory: number, disk: number, inodesFree = 1000): MachineUsage {
  return {
    at: 0,
    cpuNanoSeconds: 0,
    memory: { capacity: 1000 * Mi, available: memory },
    disk: { capacity: 10_000 * Mi, available: disk, inodes: 1000, inodesFree },
  };
}

function met(flag: string, usage: MachineUsage): string[] {
  const thresholds = parseThresholds(flag);
  if (typeof thresholds === 'string') return [thresholds];
  return shortages(thresholds, usage).map(({ resource, threshold }) => `${resource} ${threshold / Mi}`);
}

describe('thresholds', () => {
  test.each<[string, MachineUsage, string[]]>([
    [defaultThresholds, machine(500 * Mi, 5000 * Mi), []],
    [defaultThresholds, machine(99 * Mi, 5000 * Mi), ['memory 100']],
    [defaultThresholds, machine(99 * Mi, 400 * Mi), ['memory 100', 'ephemeral-storage 500']],
    ['nodefs.available<10%', machine(0, 999 * Mi), ['ephemeral-storage 1000']],
    ['nodefs.inodesFree<5%,memory.available<1Gi', machine(10 * Mi, 0, 49), ['memory 1024', `inodes ${50 / Mi}`]],
    ['', machine(0, 0, 0), []],
  ])('%s', (flag, usage, expected) => expect(met(flag, usage)).toEqual(expected));

  test.each(['memory.free<1Gi', 'memory.available', 'memory.available<much', 'nodefs.available<120%'])(
    'not %s',
    (flag) => expect(parseThresholds(flag)).toBeTypeOf('string'),
  );
});

function usage(name: string, memory: number, over: Partial<PodSpec> & { request?: string } = {}): PodUsage {
  const { request, ...spec } = over;
  const container: Container = { name: 'c', ...(request && { resources: { requests: { memory: request } } }) };
  const pod: Pod = { metadata: { name }, spec: { containers: [container], ...spec } };
  return { pod, containers: new Map([['c', { memory, disk: memory }]]), emptyDirs: new Map() };
}

const short: Shortage = { resource: 'memory', threshold: 100 * Mi, available: 50 * Mi };

test('first those over their request, then the least important, then the largest', () => {
  const pods = [
    usage('modest', 10 * Mi, { request: '20Mi' }),
    usage('important', 900 * Mi, { priority: 10 }),
    usage('small', 5 * Mi),
    usage('large', 50 * Mi),
    usage('critical', 999 * Mi, { priority: 2_000_000_000 }),
  ];
  expect(rank(pods, short).map(({ pod }) => pod.metadata.name)).toEqual(['large', 'small', 'important', 'modest']);
});

test('what is said', () => {
  expect(lowMessage(usage('a', 60 * Mi, { request: '20Mi' }), short)).toBe(
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container c was using 60Mi, request is 20Mi, has larger consumption of memory. ',
  );
});

test('limits of disk', () => {
  const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }];
  const filled = { ...usage('a', 0, { volumes }), emptyDirs: new Map([['v', 2 * Mi]]) };
  expect(overLimit(filled)).toBe('Usage of EmptyDir volume "v" exceeds the limit "1Mi". ');
  expect(overLimit({ ...filled, emptyDirs: new Map([['v', Mi]]) })).toBeUndefined();
  const containers: Container[] = [{ name: 'c', resources: { limits: { 'ephemeral-storage': '1Mi' } } }, { name: 'd' }];
  expect(overLimit(usage('a', 2 * Mi, { containers }))).toBe(
    'Container c exceeded its local ephemeral storage limit "1Mi". ',
  );
  expect(overLimit(usage('a', 2 * Mi, { containers: containers.slice(0, 1) }))).toBe(
    'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ',
  );
});

test('a node under pressure takes no more, save critical pods; for memory only those that ask for nothing', () => {
  const { pod } = usage('a', 0);
  expect(pressureRefusal(pod, 'BestEffort', ['MemoryPressure'])?.message).toContain('condition: [MemoryPressure]. ');
  expect(pressureRefusal(pod, 'Burstable', ['MemoryPressure'])).toBeUndefined();
  expect(pressureRefusal(pod, 'Guaranteed', ['DiskPressure'])?.reason).toBe('Evicted');
  expect(pressureRefusal(usage('a', 0, { priority: 2e9 }).pod, 'BestEffort', ['DiskPressure'])).toBeUndefined();
});

describe('images', () => {
  const image = (id: string, over: Partial<CriImage> = {}): CriImage => ({
    id,
    repoTags: [`registry/${id}:1`],
    repoDigests: [],
    size: 10 * Mi,
    uid: undefined,
    username: '',
    pinned: false,
    ...over,
  });
  const images = [
    image('new'),
    image('used'),
    image('older'),
    image('oldest'),
    image('pinned', { pinned: true }),
    image('ours', { repoTags: ['portico.local/busybox:1'] }),
  ];
  const now = 10 * minimumAge;
  const seen = new Map(images.map(({ id }, i) => [id, { first: id === 'new' ? now : 0, last: 100 - i }]));
  const remove = (wanted: number) =>
    imagesToRemove({ images, used: new Set(['used']), seen, now, wanted }).map(({ id }) => id);

  test('the longest unused go first, and no more than is wanted', () => {
    expect(remove(Number.POSITIVE_INFINITY)).toEqual(['oldest', 'older']);
    expect(remove(1)).toEqual(['oldest']);
    expect(remove(0)).toEqual([]);
  });

  test('nothing goes below the limit', () => {
    expect(bytesToFree({ capacity: 100, available: 16 }, { high: 85, low: 80 })).toBe(0);
    expect(bytesToFree({ capacity: 100, available: 10 }, { high: 85, low: 80 })).toBe(10);
  });
});
