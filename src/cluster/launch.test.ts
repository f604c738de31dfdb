import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { selfCommand } from './launch.ts';

test('the launcher starts the program with the flags that its parts start each other with', () => {
  const launcher = readFileSync(new URL('../../portico', import.meta.url), 'utf8');
  const [, server, others] = /^case \$command in server\) heap="(.*)" ;; \*\) heap=(.*) ;; esac$/m.exec(launcher)!;
  const flags = /^flags="(.*)"$/m.exec(launcher)![1]!;
  const launched = (heap: string) => flags.replace('$heap', heap).split(' ');
  const flagsOf = (command: string) => selfCommand([command, '--verbose']).filter((word) => word.startsWith('--'));
  expect(flagsOf('server')).toEqual([...launched(server!), '--verbose']);
  expect(flagsOf('agent')).toEqual([...launched(others!), '--verbose']);
});
