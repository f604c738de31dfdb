import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Pod } from '../api/core/v1/types.generated.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { Housekeeping } from './housekeeping.ts';
import type { KubeletOptions } from './options.ts';
import { logFile } from './pod/identity.ts';
import type { VolumeManager } from './volumes/volume-manager.ts';

let logRoot: string;
beforeEach(() => {
  logRoot = mkdtempSync(join(tmpdir(), 'portico-housekeeping-'));
});
afterEach(() => rmSync(logRoot, { recursive: true }));

test('neither a log that cannot be rotated nor a machine that cannot be looked at keeps the rest from being seen to', async () => {
  const pod: Pod = { metadata: { name: 'p', namespace: 'default', uid: 'u' }, spec: { containers: [] } };
  const running = ['bad', 'good'].map((name) => ({ id: name, name, attempt: 0 }));
  const [bad = '', good = ''] = running.map((container) => logFile(logRoot, pod, container));
  for (const path of [bad, good]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'too long');
  }
  const slow = Promise.withResolvers<void>();
  const cri = {
    listImages: async () => [],
    listContainers: async () => [],
    reopenContainerLog: (id: string) => (id === 'bad' ? Promise.reject(new Error('no such container')) : slow.promise),
  };
  const clock = new FakeClock();
  const log = vi.fn();
  const housekeeping = new Housekeeping({
    // Eviction cannot look at the disk of a folder that is not there.
    kubelet: {
      cri,
      clock,
      log,
      rootDir: join(logRoot, 'nowhere'),
      housekeeping: { logs: { maxBytes: 4, maxFiles: 2 } },
    } as unknown as KubeletOptions,
    volumes: {} as VolumeManager,
    logRoot,
    workers: () => [{ pod, running, holdsResources: true, isCleared: false, end: () => {} }],
    changed: () => {},
    event: () => {},
  });
  const over = new AbortController();
  const waits = clock.nextWait();
  const run = housekeeping.run(over.signal);
  await waits;
  clock.advance(10_000);
  await vi.waitFor(() => expect(() => readFileSync(good)).toThrow('ENOENT'), { timeout: 60_000 });
  // While the runtime takes its time, nothing else goes on: what fails is told in its turn.
  expect(log.mock.calls).toEqual([[`${bad} is not rotated: no such container`]]);
  const nextLook = clock.nextWait();
  slow.resolve();
  await nextLook;
  expect(log.mock.calls.at(-1)).toEqual([expect.stringContaining('eviction: ENOENT')]);
  over.abort();
  await run;
});
