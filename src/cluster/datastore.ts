// Where a control plane keeps its objects: in memory, in a file, or in etcd together with other servers.
import { join } from 'node:path';
import { errorMessage } from '../apimachinery/error-message.ts';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { SqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { realClock } from '../system/real/clock.ts';
import { realRandom } from '../system/real/random.ts';
import type { Encryption, EncryptionConfig } from './encryption.ts';
import { Failure } from './failure.ts';
import { readFlagFile } from './flag-file.ts';

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
  /** Undefined: values are stored as they are. */
  readonly encryption?: EncryptionConfig;
  readonly onError: (error: unknown, what: string) => void;
}

export interface OpenStorage {
  readonly storage: Storage;
  /** Of `encryption`: what is to run beside it until the signal aborts, and whether it is well. Undefined: nobody asked for it. */
  readonly encryption?: Pick<Encryption, 'run' | 'healthChecks'>;
}

/** Throws a Failure that says what cannot be used, and why. */
export async function openStorage(config: StorageConfig): Promise<OpenStorage> {
  const { encryption } = config;
  if (!encryption) return { storage: await openPlain(config, { hasByteValues: false }) };
  const { Encryption } = await import('./encryption.ts');
  const onError = (error: unknown) => config.onError(error, 'encryption');
  const opened = await Encryption.open(encryption, { clock: realClock, onError });
  // etcd is to hold the bytes that kube-apiserver would write.
  const values = { hasByteValues: config.datastore !== undefined };
  return { storage: opened.around(await openPlain(config, values), values), encryption: opened };
}

interface Values {
  readonly hasByteValues: boolean;
}

async function openPlain({ dataDir, datastore }: Omit<StorageConfig, 'onError'>, values: Values): Promise<Storage> {
  if (datastore) return openEtcd(datastore, values);
  if (dataDir === undefined) return new MemoryStorage();
  try {
    return await SqliteStorage.open({ path: join(dataDir, 'state.db') });
  } catch (error) {
    throw new Failure(`cannot use the data directory ${dataDir}: ${errorMessage(error)}`, { cause: error });
  }
}

async function openEtcd({ endpoints, caFile, certFile, keyFile }: DatastoreConfig, values: Values): Promise<Storage> {
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
    return await EtcdStorage.open({ endpoints, tls, ...values, clock: realClock, random: realRandom });
  } catch (error) {
    throw new Failure(`--datastore-endpoint: ${errorMessage(error)}`, { cause: error });
  }
}

async function readPem(flag: string, path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFlagFile(flag, path);
}
