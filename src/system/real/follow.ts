import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Follow } from '../follow.ts';

export const realFollow: Follow = {
  async *lines([program = '', ...args], signal) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const stop = () => child.kill();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await once(child, 'spawn');
      if (!signal.aborted) yield* createInterface({ input: child.stdout });
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  },
  converse([program = '', ...args], { heard, env }) {
    const child = spawn(program, args, { env: env ? { ...process.env, ...env } : process.env });
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', heard);
    // A program that has ended says so by `ended`.
    child.stdin.on('error', () => {});
    const ended = new Promise<void>((resolve) => {
      child.on('error', () => resolve());
      child.on('close', () => resolve());
    });
    return { tell: (text) => void child.stdin.write(text), end: () => void child.stdin.end(), ended };
  },
};
