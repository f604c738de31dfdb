import { describe, expect, test } from 'vitest';
import type { Container, Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import { parseQuantity, printQuantity } from '../../apimachinery/quantity.ts';
import type { CriImage } from '../cri/messages.ts';
import type { MachineUsage } from '../stats/machine.ts';
import { bytesToFree, imagesToRemove, minimumAge } from './image-garbage.ts';
import { evicted, overLimit, type PodUsage, pressureRefusal, rank } from './ranking.ts';
import {
  defaultThresholds,
  parseReclaims,
  parseThresholds,
  type Shortage,
  shortages,
  type Threshold,
} from './thresholds.ts';

const Mi = 1024 * 1024;

function machine(memory: number, disk: number, inodesFree = 1000): MachineUsage {
  return {
    at: 0,
    cpuNanoSeconds: 0,
    memory: { capacity: 1000 * Mi, available: memory },
    disk: { capacity: 10_000 * Mi, available: disk, inodes: 1000, inodesFree },
    processes: { capacity: 32_768, available: 1000 },
  };
}

function met(flag: string, usage: MachineUsage): string[] {
  const thresholds = parseThresholds(flag);
  if (typeof thresholds === 'string') return [thresholds];
  return shortages(thresholds, usage).map(
    ({ resource, threshold, available }) => `${resource} ${printQuantity(threshold)} ${printQuantity(available)}`,
  );
}

describe('thresholds', () => {
  test.each<[string, MachineUsage, string[]]>([
    [defaultThresholds, machine(500 * Mi, 5000 * Mi), []],
    [defaultThresholds, machine(99 * Mi, 5000 * Mi), ['memory 100Mi 99Mi']],
    [defaultThresholds, machine(99 * Mi, 400 * Mi), ['memory 100Mi 99Mi', 'ephemeral-storage 500Mi 400Mi']],
    ['nodefs.available<10%', machine(0, 999 * Mi), ['ephemeral-storage 1048576015 999Mi']],
    ['nodefs.inodesFree<5%,memory.available<1Gi', machine(10 * Mi, 0, 49), ['memory 1Gi 10Mi', 'inodes 50 49']],
    ['', machine(0, 0, 0), []],
    ['memory.available<500M', machine(99 * Mi, 0), ['memory 500M 99Mi']],
    [
      'imagefs.available<20Gi,imagefs.inodesFree<50%',
      machine(0, 0, 300),
      ['ephemeral-storage 20Gi 0', 'inodes 500 300'],
    ],
    ['pid.available<10%', machine(0, 0), ['pids 3276 1k']],
    ['nodefs.available<100%,memory.available<0%', machine(0, 0), []],
    ['memory.available<1Gi,memory.available<1Mi', machine(10 * Mi, 0), []],
  ])('%s', (flag, usage, expected) => expect(met(flag, usage)).toEqual(expected));

  test.each([
    'memory.free<1Gi',
    'memory.available',
    'memory.available<much',
    'nodefs.available<120%',
    'memory.available<-1Gi',
    'memory.available<0',
  ])('not %s', (flag) => expect(parseThresholds(flag)).toBeTypeOf('string'));

  test('what is to be reclaimed', () => {
    const found = parseReclaims('imagefs.available=2Gi,nodefs.available=5%,memory.available=0');
    expect([...(found as ReadonlyMap<string, string>)]).toEqual([
      ['imagefs.available', '2Gi'],
      ['nodefs.available', '5%'],
      ['memory.available', '0'],
    ]);
    for (const wrong of ['memory.available=-300Mi', 'memory.available=0%', 'memory.available<1Gi', 'mem=1'])
      expect(parseReclaims(wrong), wrong).toBeTypeOf('string');
  });
});

function usage(name: string, memory: number, over: Partial<PodSpec> & { request?: string } = {}): PodUsage {
  const { request, ...spec } = over;
  const container: Container = { name: 'c', ...(request && { resources: { requests: { memory: request } } }) };
  const pod: Pod = { metadata: { name }, spec: { containers: [container], ...spec } };
  return { pod, containers: new Map([['c', { memory, disk: memory }]]), emptyDirs: new Map() };
}

const bytes = (text: string) => parseQuantity(text);
const by: Threshold = { signal: 'memory.available', text: '100Mi' };
const short: Shortage = { resource: 'memory', by, threshold: bytes('100Mi'), available: bytes('50Mi') };

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

test('who takes most inodes goes first when they run short; of processes priorities come before that', () => {
  const inodes: Shortage = { resource: 'inodes', by, threshold: bytes('100'), available: bytes('50') };
  const names = (pods: readonly PodUsage[], shortage: Shortage) =>
    rank(pods, shortage).map(({ pod }) => pod.metadata.name);
  const few = { ...usage('few', 50 * Mi), inodes: 1 };
  expect(names([few, { ...usage('many', 0), inodes: 9 }, usage('none', 99 * Mi)], inodes)).toEqual([
    'many',
    'few',
    'none',
  ]);
  const pids: Shortage = { ...inodes, resource: 'pids' };
  expect(names([usage('high', 9, { priority: 2 }), few, usage('low', 9, { priority: 1 })], pids)).toEqual([
    'few',
    'low',
    'high',
  ]);
  const bomb = { ...usage('bomb', 0), processes: 900 };
  const quiet = { ...usage('quiet', 9), processes: 1 };
  expect(names([quiet, { ...usage('high', 9, { priority: 1 }), processes: 999 }, bomb], pids)).toEqual([
    'bomb',
    'quiet',
    'high',
  ]);
});

test('what is said', () => {
  const said = (shortage: Shortage, request?: string) =>
    evicted(usage('a', 60 * Mi, request === undefined ? {} : { request }), shortage).message;
  const low = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ';
  const larger = 'has larger consumption of memory. ';
  expect(said(short, '20M')).toBe(`${low}Container c was using 60Mi, request is 20M, ${larger}`);
  expect(said(short)).toBe(`${low}Container c was using 60Mi, request is 0, ${larger}`);
  expect(said(short, '60Mi')).toBe(low);
  expect(said({ ...short, resource: 'inodes' })).toBe(low.replace('memory', 'inodes'));
  const resources = { requests: { memory: '50Mi' } };
  expect(evicted(usage('whole', 60 * Mi, { resources, request: '60Mi' }), short).message).toBe(
    `${low}Pod whole was using 60Mi, request is 50Mi, ${larger}`,
  );
});

test('the event of an eviction says who used how much of what', () => {
  const annotations = (one: PodUsage, shortage: Shortage) => evicted(one, shortage).annotations;
  const containers = ['big', 'small', 'bigger'].map((name) => ({ name }));
  const used = new Map([
    ['big', { memory: 60 * Mi, disk: 0 }],
    ['bigger', { memory: 70 * Mi, disk: 0 }],
  ]);
  expect(annotations({ ...usage('a', 0, { containers }), containers: used }, short)).toEqual({
    offending_containers: 'big,bigger',
    offending_containers_usage: '60Mi,70Mi',
    starved_resource: 'memory',
  });
  expect(annotations(usage('a', 60 * Mi), { ...short, resource: 'pids' })).toEqual({
    offending_containers: '',
    offending_containers_usage: '',
    starved_resource: 'pids',
  });
});

test('limits of disk', () => {
  const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }];
  const filled = { ...usage('a', 0, { volumes }), emptyDirs: new Map([['v', 2 * Mi]]) };
  expect(overLimit(filled)).toBe('Usage of EmptyDir volume "v" exceeds the limit "1Mi". ');
  expect(overLimit({ ...filled, emptyDirs: new Map([['v', Mi]]) })).toBeUndefined();
  const limited = (name: string, limit: string) => ({ name, resources: { limits: { 'ephemeral-storage': limit } } });
  const of = (used: number, ...containers: Container[]) => overLimit(usage('a', used, { containers }));
  const whole = (limit: string) => `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
  expect(of(2 * Mi, limited('c', '1Mi'))).toBe(whole('1Mi'));
  // Those that have a limit are the limit of all.
  expect(of(2 * Mi, limited('c', '1Mi'), { name: 'd' })).toBe(whole('1Mi'));
  expect(of(2 * Mi, limited('c', '1Mi'), limited('d', '3Mi'))).toBe(
    'Container c exceeded its local ephemeral storage limit "1Mi". ',
  );
  expect(of(2 * Mi, limited('c', '2Mi'), { name: 'd' })).toBeUndefined();
});

test('a node under pressure takes no more, save critical pods; for memory only those that ask for nothing', () => {
  const { pod } = usage('a', 0);
  expect(pressureRefusal(pod, 'BestEffort', ['MemoryPressure'])?.message).toContain('condition: [MemoryPressure]. ');
  expect(pressureRefusal(pod, 'Burstable', ['MemoryPressure'])).toBeUndefined();
  expect(pressureRefusal(pod, 'BestEffort', [])).toBeUndefined();
  const tolerations = [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }];
  const tolerant = usage('a', 0, { tolerations }).pod;
  expect(pressureRefusal(tolerant, 'BestEffort', ['MemoryPressure'])).toBeUndefined();
  expect(pressureRefusal(tolerant, 'BestEffort', ['MemoryPressure', 'DiskPressure'])?.message).toBe(
    'Pod was rejected: The node had condition: [MemoryPressure DiskPressure]. ',
  );
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
    expect(bytesToFree({ capacity: 1000, available: 159 }, { high: 85, low: 80 })).toBe(41);
    expect(bytesToFree({ capacity: 100, available: 10 }, { high: 85, low: 80 })).toBe(10);
  });
});
