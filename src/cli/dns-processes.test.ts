import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { metricsOf } from './dns-processes.ts';

/** A process that does as `asked` says when it is asked for its metrics. */
function processThat(asked: (child: EventEmitter, failed: (error: Error) => void) => void): ChildProcess {
  const child = new EventEmitter();
  const send = (_: string, sent: (error: Error | null) => void) => void setImmediate(() => asked(child, sent));
  return Object.assign(child, { connected: true, send }) as unknown as ChildProcess;
}

const cases: readonly (readonly [string, Parameters<typeof processThat>[0], string])[] = [
  ['tells', (child) => child.emit('message', { kind: 'metrics', text: 'up 1\n' }), 'up 1\n'],
  ['ends', (child) => child.emit('exit', 1), ''],
  ['cannot be asked', (_, failed) => failed(new Error('write EPIPE')), ''],
];

test.each(cases)('nobody listens on to a process that %s when it is asked for its metrics', async (_, asked, text) => {
  const child = processThat(asked);
  expect(await metricsOf(child)).toBe(text);
  expect(child.eventNames()).toEqual([]);
});
