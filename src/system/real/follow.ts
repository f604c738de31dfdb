import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Follow } from '../follow.ts';

/** What `read` makes of the standard output of a program, which ends with the signal or when nobody reads on. */
async function* outputOf<T>(
  [program = '', ...args]: readonly string[],
  signal: AbortSignal,
  read: (output: Readable) => AsyncIterable<T>,
): AsyncIterable<T> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await once(child, 'spawn');
    if (!signal.aborted) yield* read(child.stdout);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

export const realFollow: Follow = {
  lines: (command, signal) => outputOf(command, signal, (input) => createInterface({ input })),
  bytes: (command, signal) => outputOf<Uint8Array>(command, signal, (output) => output),
  converse([program = '', ...args], { heard, env }) {
    const child = spawn(program, args, { env: env ? { ...process.env, ...env } : process.env });
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', heard);
    // A program that has ended says so by `ended`.
    child.stdin.on('error', () => {});
    const ended = new Promise<void>((resolve) => {
      child.on('error', () => resolve());
      child.on('close', () => resolve());
    });
    return {
      tell: (text) => void child.stdin.write(text),
      end: () => void child.stdin.end(),
      kill: () => void child.kill('SIGKILL'),
      ended,
    };
  },
};
