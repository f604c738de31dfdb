import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { Progress } from './progress.ts';

function watched(terminal: { readonly isTTY?: boolean; readonly columns?: number }) {
  const clock = new FakeClock();
  const written: string[] = [];
  const progress = new Progress(clock, { ...terminal, write: (text) => written.push(text) });
  return { clock, progress, written };
}

test('without a terminal each phase that ended is a line', async () => {
  const { clock, progress, written } = watched({});
  await progress.phase(
    'network',
    async () => clock.advance(520),
    () => 'bridge portico0',
  );
  expect(written).toEqual(['  network             0.52 s   bridge portico0\n']);
});

test('what is under way is a line that a narrow terminal does not wrap, for only its last row is taken back', async () => {
  const { progress, written } = watched({ isTTY: true, columns: 24 });
  await progress.phase('control plane', () => progress.phase('nodes ready', async () => {}));
  expect(written).toContain('\r\x1b[K  … control plane, node');
});
