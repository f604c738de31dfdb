import { expect, test } from 'vitest';
import { needsRestart } from './resizes.ts';

const present = { cpuShares: 256, cpuQuota: 50_000, memoryLimitInBytes: 1024 };
const restarts = (resourceName: string) => ({
  name: 'c',
  resizePolicy: [{ resourceName, restartPolicy: 'RestartContainer' }],
});

test.each([
  [restarts('memory'), { ...present, memoryLimitInBytes: 2048 }, true],
  [restarts('memory'), { ...present, cpuQuota: 60_000 }, false],
  [restarts('cpu'), { ...present, cpuShares: 512 }, true],
  [{ name: 'c' }, { ...present, memoryLimitInBytes: 2048 }, false],
])('%j to %j: %s', (container, wanted, expected) => expect(needsRestart(container, present, wanted)).toBe(expected));

test('nothing is restarted for what is not known', () => {
  expect(needsRestart(restarts('cpu'), undefined, present)).toBe(false);
});
