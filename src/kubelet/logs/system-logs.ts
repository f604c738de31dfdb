// The files of /var/log, as `GET /logs/` shows them. Nothing beyond it is shown, whatever paths and links say.
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';

export type SystemLog =
  | { readonly kind: 'file' /** Open; whoever asked closes it. */; readonly file: FileHandle }
  /** Names, in their order; those of folders end with a slash. */
  | { readonly kind: 'folder'; readonly names: readonly string[] };

/** Undefined for what is not there, lies elsewhere, or is neither a file nor a folder. */
export async function systemLog(root: string, path: string): Promise<SystemLog | undefined> {
  // A pipe that nobody writes to shall not keep this waiting.
  const file = await open(join(root, path), constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (!file) return undefined;
  const found = await shown(file, await realpath(root)).catch(() => undefined);
  if (found?.kind !== 'file') await file.close();
  return found;
}

async function shown(file: FileHandle, root: string): Promise<SystemLog | undefined> {
  // Where it is in truth: what was opened, not what a link names a moment later.
  const opened = `/proc/self/fd/${file.fd}`;
  const place = await readlink(opened);
  if (place !== root && !place.startsWith(`${root}/`)) return undefined;
  const stat = await file.stat();
  if (stat.isFile()) return { kind: 'file', file };
  if (!stat.isDirectory()) return undefined;
  const entries = await readdir(`${opened}/`, { withFileTypes: true });
  return { kind: 'folder', names: entries.map((one) => (one.isDirectory() ? `${one.name}/` : one.name)).sort() };
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The page of a folder: links, as Go's file server (net/http) lists. */
export function folderPage(names: readonly string[]): string {
  const link = (name: string) => {
    const href = name.split('/').map(encodeURIComponent).join('/');
    return `<a href="${escaped(href)}">${escaped(name)}</a>\n`;
  };
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${names.map(link).join('')}</pre>\n`;
}
