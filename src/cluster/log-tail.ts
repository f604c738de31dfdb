import { readFile } from 'node:fs/promises';

/** The last line of a log that says something, for the message of a failure. */
export async function lastLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n').map((l) => l.trim());
  return (
    lines.findLast((l) => /error|fail|cannot|refused|portico:/i.test(l)) ??
    lines.findLast((l) => l !== '') ??
    'nothing was logged'
  );
}
