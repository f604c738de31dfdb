// Where a control plane keeps its objects: in memory, in a file, or in etcd together with other servers.
import { join } from 'node:path';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { SqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { realClock } from '../system/real/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { Failure } from './failure.ts';

/** etcd, and paths of PEM files for its https endpoints. */
export interface DatastoreConfig {
  readonly endpoints: readonly string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface StorageConfig {
  readonly dataDir?: string;
  readonly datastore?: DatastoreConfig;
}

/** Throws a Failure that says what cannot be used, and why. */
export async function openStorage({ dataDir, datastore }: StorageConfig): Promise<Storage> {
  if (datastore) return openEtcd(datastore);
  if (dataDir === undefined) return new MemoryStorage();
  try {
    return await SqliteStorage.open({ path: join(dataDir, 'state.db') });
  } catch (error) {
    throw new Failure(`cannot use the data directory ${dataDir}: ${(error as Error).message}`, { cause: error });
  }
}

async function openEtcd({ endpoints, caFile, certFile, keyFile }: DatastoreConfig): Promise<Storage> {
  const [ca, cert, key] = await Promise.all([
    readPem('--datastore-cafile', caFile),
    readPem('--datastore-certfile', certFile),
    readPem('--datastore-keyfile', keyFile),
  ]);
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  const { EtcdStorage } = await import('../storage/etcd/etcd-storage.ts');
  try {
    return await EtcdStorage.open({ endpoints, tls, clock: realClock, random: realRandom });
  } catch (error) {
    throw new Failure(`--datastore-endpoint: ${(error as Error).message}`, { cause: error });
  }
}

async function readPem(flag: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await realFiles.read(path);
  if (text === undefined) throw new Failure(`${flag} ${path}: there is no such file`);
  return text;
}
