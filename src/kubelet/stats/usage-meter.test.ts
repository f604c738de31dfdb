import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import type { Cri } from '../cri/client.ts';
import { UsageMeter } from './usage-meter.ts';

test('what a container uses is told again with the second look after the machine’s time was set', async () => {
  const clock = new FakeClock();
  const begin = clock.monotonic();
  // It uses half a core.
  const cpu = () => ({
    timestamp: clock.now() * 1e6,
    usageCoreNanoSeconds: { value: (clock.monotonic() - begin) * 0.5e6 },
  });
  const cri = { listContainerStats: async () => [{ attributes: { id: 'x' }, cpu: cpu() }] } as unknown as Cri;
  const meter = new UsageMeter({ cri, clock, rootDir: tmpdir() });
  const waits = clock.nextWait();
  const first = meter.read();
  await waits;
  clock.advance(500);
  expect((await first).nanoCores.get('x')).toBe(0.5e9);
  const read = async () => {
    clock.advance(15_000);
    return (await meter.read()).nanoCores.get('x');
  };
  expect(await read()).toBe(0.5e9);
  clock.step(-3_600_000);
  // The runtime's times of before and after do not fit together.
  expect([await read(), await read()]).toEqual([undefined, 0.5e9]);
});
