import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Cri } from '../cri/client.ts';
import { type PodSandbox, sandboxState } from '../cri/messages.ts';
import { endOfLog, RuntimeReader } from './runtime.ts';

test('the end of a log is what the container wrote: lines that were cut have no newline of ours', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-log-'));
  const path = join(folder, '0.log');
  const line = (text: string, tag = 'F') => `2026-01-01T00:00:00.000000000Z stdout ${tag} ${text}\n`;
  const of = (text: string) => {
    writeFileSync(path, text);
    return endOfLog(path);
  };
  expect(await of(line('DONE', 'P'))).toBe('DONE');
  expect(await of(`${line('a', 'P')}${line('b')}${line('c')}`)).toBe('ab\nc\n');
  const many = await of(Array.from({ length: 100 }, (_, i) => line(String(i))).join(''));
  expect(many.split('\n').slice(0, 2)).toEqual(['20', '21']);
  expect(await of(line('x'.repeat(5000)))).toBe(`${'x'.repeat(2047)}\n`);
  expect(await endOfLog(join(folder, 'absent'))).toBe('');
  rmSync(folder, { recursive: true });
});

test('an address is of the sandbox that has it now, and not of one that had it and has ended', async () => {
  const sandboxes = new Map([['ended', sandboxState.ready as number]]);
  const own = { metadata: undefined, createdAt: 0, labels: {}, annotations: {} };
  const listed = () => [...sandboxes].map(([id, state]): PodSandbox => ({ ...own, id, state }));
  const cri: Partial<Cri> = {
    listPodSandbox: async () => listed(),
    podSandboxStatus: async (id) => ({
      ...listed().find((one) => one.id === id)!,
      network: { ip: '10.244.1.5', additionalIps: [{ ip: 'fd00:1::5' }] },
    }),
    networkNamespace: async (id) => `/run/netns/${id}`,
  };
  const reader = new RuntimeReader(cri as Cri);
  expect(await reader.networkNamespaceOf('10.244.1.5')).toBe('/run/netns/ended');
  sandboxes.set('ended', sandboxState.notReady);
  expect(await reader.networkNamespaceOf('10.244.1.5')).toBeUndefined();
  sandboxes.set('now', sandboxState.ready);
  expect(await reader.networkNamespaceOf('fd00:1::5')).toBe('/run/netns/now');
  expect(await reader.networkNamespaceOf('10.244.1.6')).toBeUndefined();
});
