import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Exec, ExecOptions } from '../exec.ts';

export const realExec: Exec = {
  run(command, { input, env, signal } = {}) {
    return new Promise((resolve, reject) => {
      const [program = '', ...args] = command;
      const child = spawn(program, args, { env: env ? { ...process.env, ...env } : process.env, signal });
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      child.on('error', reject);
      child.on('close', (code, signalName) => {
        resolve({
          code: code ?? 128 + (signalName ? constants.signals[signalName] : 0),
          stdout: Buffer.concat(stdout).toString(),
          stderr: Buffer.concat(stderr).toString(),
        });
      });
      // A program that ends without reading its input is judged by its exit code.
      child.stdin.on('error', () => {});
      feed(child, input, reject);
    });
  },
};

function feed(
  child: ChildProcessWithoutNullStreams,
  input: ExecOptions['input'],
  failed: (reason: unknown) => void,
): void {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) {
    child.stdin.end(input);
    return;
  }
  const stop = (reason: unknown) => {
    // Before its input ends: half of it must not look like all of it.
    child.kill('SIGKILL');
    failed(reason);
  };
  // Its other failures are those of the program, which are judged by its exit code.
  pipeline(Readable.from(guarded(input, stop), { objectMode: false }), child.stdin).catch(() => {});
}

/** Tells of what is thrown by the making of pieces alone: a reader that gives up throws into the generator, too. */
function* guarded(pieces: Iterable<string>, failed: (reason: unknown) => void): Iterable<string> {
  const iterator = pieces[Symbol.iterator]();
  const next = () => {
    try {
      return iterator.next();
    } catch (error) {
      failed(error);
      throw error;
    }
  };
  try {
    for (let piece = next(); !piece.done; piece = next()) yield piece.value;
  } finally {
    iterator.return?.();
  }
}
