import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { engineFlags, selfCommand } from './launch.ts';

// Compiled code is kept for equal flags only: a part that is started with others translates every source again.
test('the launcher starts the program with the flags that its parts start each other with', () => {
  const launcher = readFileSync(new URL('../../portico', import.meta.url), 'utf8');
  const flags = /^flags="(.*)"$/m.exec(launcher)?.[1]?.split(' ') ?? [];
  expect(flags).toEqual([...engineFlags, '--disable-warning=ExperimentalWarning']);
  const flagsIn = (command: readonly string[]) => command.filter((word) => word.startsWith('--')).sort();
  expect(flagsIn(selfCommand(['server']))).toEqual([...flags].sort());
});
