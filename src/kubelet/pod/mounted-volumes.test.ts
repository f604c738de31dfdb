import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { MountedVolumes } from './mounted-volumes.ts';
import type { PodContext } from './pod-context.ts';

const addresses = { podIPs: [], allocatable: {} };
const pod = (x: string): Pod => ({
  metadata: { name: 'p', uid: 'u', labels: { x } },
  spec: { containers: [], volumes: [{ name: 'v', downwardAPI: { items: [] } }] },
});

test('content is looked at again every minute, when labels change at once, and goes once with the pod', async () => {
  const clock = new FakeClock();
  const done: string[] = [];
  const volumes = {
    setUp: async ({ metadata }: Pod, _: unknown, mounted = 'none') => {
      const x = `x=${metadata.labels?.x}`;
      done.push(`${x} over ${mounted}`);
      return x;
    },
    release: async (uid: string) => done.push(`release ${uid}`),
  };
  const context = { volumes, sources: { of: () => ({}) }, options: { clock, nodeIPs: [] } } as unknown as PodContext;
  const mounted = new MountedVolumes(context);
  const begin = clock.now();
  await mounted.setUp(pod('1'), addresses);
  expect(await mounted.refresh(pod('1'), addresses)).toBe(begin + 60_000);
  expect(done.splice(0)).toEqual(['x=1 over none']);
  clock.advance(1000);
  expect(await mounted.refresh(pod('2'), addresses)).toBe(begin + 61_000);
  await mounted.refresh(pod('2'), addresses);
  expect(done.splice(0)).toEqual(['x=2 over x=1']);
  clock.advance(60_000);
  await mounted.refresh(pod('2'), addresses);
  await mounted.release(pod('2'));
  await mounted.release(pod('2'));
  expect(done).toEqual(['x=2 over x=2', 'release u']);
  expect(mounted.isReleased).toBe(true);
});

test('content is looked at again within a minute though the time was set back', async () => {
  const clock = new FakeClock();
  let looks = 0;
  const volumes = { setUp: async () => (looks += 1) };
  const context = { volumes, sources: { of: () => ({}) }, options: { clock, nodeIPs: [] } } as unknown as PodContext;
  const mounted = new MountedVolumes(context);
  await mounted.setUp(pod('1'), addresses);
  clock.step(-3_600_000);
  clock.advance(60_000);
  await mounted.refresh(pod('1'), addresses);
  expect(looks).toBe(2);
});

test('volumes without content of the API’s are found once by an agent that comes later', async () => {
  const emptyDirs: Pod = { ...pod('1'), spec: { containers: [], volumes: [{ name: 'v', emptyDir: {} }] } };
  let isThere = false;
  const paths = new Map([['v', '/v']]);
  let tries = 0;
  const setUp = async () => {
    tries += 1;
    if (!isThere) throw new Error('not yet');
    return { paths };
  };
  const options = { clock: new FakeClock(), nodeIPs: [] };
  const context = { volumes: { setUp }, sources: { of: () => ({}) }, options } as unknown as PodContext;
  const mounted = new MountedVolumes(context);
  expect(await mounted.refresh(emptyDirs, addresses)).toBeUndefined();
  expect(mounted.current).toBeUndefined();
  isThere = true;
  await mounted.refresh(emptyDirs, addresses);
  await mounted.refresh(emptyDirs, addresses);
  expect([mounted.current?.paths, tries]).toEqual([paths, 2]);
});
