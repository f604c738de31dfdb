import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Exec } from '../exec.ts';

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
      child.stdin.end(input);
    });
  },
};
