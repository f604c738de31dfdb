// The keys that all servers of one etcd must have in common: authorities, and the key of service account tokens. They
// live in one key of the store; whoever writes it first decides, and the others take what is there.
import { refuseSealed } from '../storage/encryption/sealed-prefix.ts';
import type { Storage } from '../storage/storage.ts';
import type { Files } from '../system/files.ts';

/** Beside what the API serves, so that no request reads it. */
const sharedKey = '/portico/pki';
/** Names of files below `pki`; the others are each server's own. */
const sharedNames = /\/((?:front-proxy-)?ca\.(?:crt|key)|service-account\.key)$/;

/** Files that end with the process. */
export function forgetfulFiles(initial: ReadonlyMap<string, string> = new Map()): Files {
  const texts = new Map(initial);
  return {
    read: async (path) => texts.get(path),
    write: async (path, text) => void texts.set(path, text),
    remove: async (path) => void texts.delete(path),
  };
}

/**
 * Calls `load` with files in which the shared ones are those of the store. What it makes anew becomes everybody's in one
 * transaction, or is dropped for what another server has written meanwhile. The files returned are for later calls.
 */
export async function withSharedKeys<T>(
  storage: Storage,
  load: (files: Files) => Promise<T>,
): Promise<{ readonly loaded: T; readonly files: Files }> {
  for (;;) {
    const { item } = await storage.get(sharedKey);
    if (item) refuseSealed(item);
    const known = new Map(Object.entries(item ? (JSON.parse(item.value) as Record<string, string>) : {}));
    const made = new Map<string, string>();
    const own = forgetfulFiles();
    const files: Files = {
      read: async (path) => known.get(path) ?? made.get(path) ?? own.read(path),
      write: async (path, text) => (sharedNames.test(path) ? void made.set(path, text) : own.write(path, text)),
      remove: (path) => own.remove(path),
    };
    const loaded = await load(files);
    if (made.size === 0 && !storage.isStale?.(sharedKey)) return { loaded, files };
    const value = JSON.stringify(Object.fromEntries([...known, ...made]));
    const { succeeded } = await storage.transact({
      compare: [{ key: sharedKey, modRevision: item?.modRevision ?? 0 }],
      operations: [{ type: 'put', key: sharedKey, value }],
    });
    if (succeeded) return { loaded, files };
  }
}
