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
};
