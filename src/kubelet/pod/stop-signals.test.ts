import { expect, test } from 'vitest';
import { table } from '../../api/facts/enums.generated.ts';
import { stopSignalName, stopSignalNumber } from './stop-signals.ts';

test.each([
  ['SIGABRT', 1],
  ['SIGHUP', 8],
  ['SIGKILL', 13],
  ['SIGTERM', 23],
  ['SIGUSR1', 29],
  ['SIGXFSZ', 34],
  ['SIGRTMIN', 35],
  ['SIGRTMIN+1', 36],
  ['SIGRTMIN+15', 50],
  ['SIGRTMAX-14', 51],
  ['SIGRTMAX-1', 64],
  ['SIGRTMAX', 65],
])('%s is number %i of CRI', (name, number) => {
  expect([stopSignalNumber(name), stopSignalName(number)]).toEqual([number, name]);
});

test('every signal of the API has a number of its own; without one the image decides', () => {
  const values = /Lifecycle\tstopSignal\t(.*)/.exec(table)?.[1]?.split(',') ?? [];
  expect(values.map(stopSignalNumber).sort((a, b) => a - b)).toEqual(Array.from({ length: 65 }, (_, i) => i + 1));
  expect([stopSignalNumber(), stopSignalNumber('SIGNONE'), stopSignalName(0), stopSignalName(66)]).toEqual([
    0,
    0,
    undefined,
    undefined,
  ]);
});
