import { readFile } from 'node:fs/promises';

/** Where this process sees something mounted, in the order of mounting (proc_pid_mountinfo(5), which writes blanks as `\040`). */
export async function mountPoints(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const decoded = (text: string) =>
    text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return lines.flatMap((line) => line.split(' ')[4] ?? []).map(decoded);
}
