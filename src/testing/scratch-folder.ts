// Folders of clusters that run. A test that fails or forgets may end the process without stopping its cluster: the folder, which
// holds an administrator's key, goes then too.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

const folders = new Set<string>();

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** The absolute path of a new folder, which is there until it is removed or the process exits. */
export function makeScratchFolder(): string {
  const folder = mkdtempSync(resolve(tmpdir(), 'portico-testing-'));
  if (folders.size === 0) process.on('exit', removeAll);
  folders.add(folder);
  return folder;
}

export function removeScratchFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
  if (folders.size === 0) process.off('exit', removeAll);
}
