import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addKubeletFlags, housekeepingOf, type KubeletFlags } from './kubelet-flags.ts';

const settings = (...flags: string[]) =>
  housekeepingOf(addKubeletFlags(new Command()).parse(flags, { from: 'user' }).opts<KubeletFlags>());

test('what is said of eviction belongs to its thresholds', async () => {
  const found = await settings(
    '--eviction-hard=memory.available<1Gi',
    '--eviction-soft=memory.available<1.5Gi,nodefs.available<10%',
    '--eviction-soft-grace-period=memory.available=1m30s,nodefs.available=2m',
    '--eviction-max-pod-grace-period=60',
    '--eviction-minimum-reclaim=memory.available=500Mi',
  );
  expect(found).toMatchObject({
    evictionHard: [{ signal: 'memory.available', text: '1Gi', reclaim: '500Mi' }],
    evictionSoft: [
      { signal: 'memory.available', text: '1.5Gi', grace: 90_000, reclaim: '500Mi' },
      { signal: 'nodefs.available', text: '10%', grace: 120_000 },
    ],
    evictionMaxPodGrace: 60,
  });
});

test('without a word there is nothing soft', async () =>
  expect(await settings()).toMatchObject({ evictionSoft: [], evictionMaxPodGrace: 0, images: { high: 85, low: 80 } }));

test.each([
  ['--eviction-soft=memory.available<1Gi', '--eviction-soft: memory.available needs an --eviction-soft-grace-period'],
  ['--eviction-soft=memory.free<1Gi', '--eviction-soft: "memory.free<1Gi" is no threshold'],
  ['--eviction-minimum-reclaim=memory.available=-1', '--eviction-minimum-reclaim: "-1" is not above 0'],
  ['--eviction-max-pod-grace-period=-5', '--eviction-max-pod-grace-period: "-5" is no whole number'],
  ['--eviction-hard=memory.available<-1', '--eviction-hard: "-1" is not above 0'],
])('a mistake names its flag: %s', async (flag, why) => {
  await expect(settings(flag)).rejects.toThrow(why);
});
