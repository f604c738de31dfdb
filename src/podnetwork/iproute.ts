// The programs of iproute2, as this folder uses them.
import type { Exec } from '../system/exec.ts';

/** The list that a command with `-json` prints; empty when it fails, as for a device that is not there. */
export async function readJSON<T>(exec: Exec, command: readonly string[]): Promise<readonly T[]> {
  const { stdout } = await exec.run(command);
  return JSON.parse(stdout.trim() || '[]') as readonly T[];
}

/** Runs all lines, those after one that fails too; rejects with the complaints. */
export async function runBatch(exec: Exec, program: 'ip' | 'bridge', lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const { code, stderr } = await exec.run([program, '-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  if (code !== 0) throw new Error(`${program}: ${stderr.trim().replaceAll('\n', ' | ')}`);
}
