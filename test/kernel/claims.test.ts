// Who gets which number of the machine's node networks: claims are files below /run, which needs root.
import { expect, test } from 'vitest';
import { claimIndex, releaseClaims } from '../../src/cluster/claims.ts';
import { clusterLock } from '../../src/cluster/layout.ts';
import { withLock } from '../../src/cluster/lock.ts';
import { realClock } from '../../src/system/real/clock.ts';

test("a claim is its cluster's while the command that makes it runs, and anybody's when that is gone", async () => {
  const [one, two, three] = ['a', 'b', 'c'].map((letter) => `claims-${letter}-${process.pid}`) as [
    string,
    string,
    string,
  ];
  const locked = <T>(name: string, work: () => Promise<T>) =>
    withLock({ path: clusterLock(name), purpose: 'changing this cluster' }, work);
  const claim = (name: string, preferred?: number) => claimIndex(name, preferred, realClock);
  await locked(one, async () => {
    try {
      const index = await locked(two, async () => {
        const first = await claim(two);
        // Neither has a bridge yet.
        const others = await Promise.all([claim(one, first), claim(one, first)]);
        expect(others).not.toContain(first);
        expect(await claim(two, first)).toBe(first);
        return first;
      });
      expect(await locked(three, () => claim(three, index))).toBe(index);
    } finally {
      for (const name of [one, two, three]) releaseClaims(name);
    }
  });
});
