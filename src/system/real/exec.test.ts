import { describe, expect, test } from 'vitest';
import { realExec } from './exec.ts';

describe('input in pieces', () => {
  test('is read while later pieces are made', async () => {
    const pieces = Array.from({ length: 300 }, (_, i) => `${i} `.repeat(500));
    const { stdout } = await realExec.run(['cat'], { input: pieces.values() });
    expect(stdout).toBe(pieces.join(''));
  });

  test('that cannot be made to its end leaves the program killed before it could see an end', async () => {
    function* broken(): Iterable<string> {
      yield 'half';
      throw new Error('no more');
    }
    await expect(realExec.run(['cat'], { input: broken() })).rejects.toThrow('no more');
  });

  test('is not made further when the program has ended', async () => {
    let made = 0;
    function* endless(): Iterable<string> {
      for (; made < 1_000_000; made += 1) yield 'x'.repeat(1000);
    }
    const { code } = await realExec.run(['sh', '-c', 'exit 3'], { input: endless() });
    expect(code).toBe(3);
    expect(made).toBeLessThan(1_000_000);
  });
});
