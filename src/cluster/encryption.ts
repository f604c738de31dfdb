// Encryption at rest as flags ask for it: the file read, and read again when it changes. Loaded only where the flag is given.
import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { loadTransformers } from '../apiserver/encryption/providers.ts';
import { EncryptedStorage } from '../storage/encryption/encrypted-storage.ts';
import type { ResourceTransformers } from '../storage/encryption/resource-transformers.ts';
import { byteForm, textForm } from '../storage/encryption/stored-form.ts';
import type { Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { Failure, messageOf } from './failure.ts';

/** kube-apiserver's `--encryption-provider-config*` flags. */
export interface EncryptionConfig {
  readonly file: string;
  readonly isReloaded: boolean;
}

export interface AroundOptions {
  readonly hasByteValues: boolean;
  /** A value that another server wrote cannot be read: this one stands still until it can. */
  readonly onUnreadable: (error: unknown) => void;
}

export interface OpenEncryption {
  /** Of the file's text. */
  readonly hash: string;
  /** The store with values sealed; `hasByteValues`: each character of its values is one byte. */
  around(storage: Storage, options: AroundOptions): EncryptedStorage;
}

interface Loaded {
  readonly transformers: ResourceTransformers;
  /** Of the text: the keys are kept in the transformers only. */
  readonly hash: string;
}

/** Throws a Failure for a file that cannot be used. */
export async function openEncryption(config: EncryptionConfig): Promise<OpenEncryption> {
  try {
    const { transformers, hash } = await load(config);
    return {
      hash,
      around: (storage, { hasByteValues, onUnreadable }) =>
        new EncryptedStorage({ storage, transformers, form: hasByteValues ? byteForm : textForm, onUnreadable }),
    };
  } catch (error) {
    throw new Failure(`--encryption-provider-config ${config.file}: ${messageOf(error)}`, {
      cause: error,
      exitCode: 2,
    });
  }
}

async function load({ file, isReloaded }: EncryptionConfig): Promise<Loaded> {
  const text = await realFiles.read(file);
  const name = `encryption provider configuration file ${JSON.stringify(file)}`;
  const where = 'error while parsing file: error while loading file:';
  if (text === undefined) throw new Error(`${where} error reading ${name}: open ${file}: no such file or directory`);
  if (text === '') throw new Error(`${where} ${name} is empty`);
  const transformers = loadTransformers(parsed(text, name), { path: file, random: realRandom, reload: isReloaded });
  return { transformers, hash: createHash('sha256').update(text).digest('hex') };
}

/** What the parser says names the line, but may show what stands there: a secret. */
function parsed(text: string, name: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (error) {
    throw new Error(`error while parsing file: error decoding ${name}: it is no YAML`, { cause: error });
  }
}

/** Milliseconds between looks at the file. */
const reloadPeriod = 10_000;

export interface ReloadOptions {
  readonly config: EncryptionConfig;
  readonly storage: EncryptedStorage;
  /** Of the text that is in force. */
  readonly hash: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A file that cannot be used: the one before it stays in force. */
  readonly onError: (error: unknown) => void;
}

/** Takes up the file anew whenever its text changes, until the signal aborts. */
export async function reloadEncryption(options: ReloadOptions): Promise<void> {
  const { config, storage, clock, signal, onError } = options;
  let { hash } = options;
  let complaint = '';
  while (!signal.aborted) {
    await clock.sleep(reloadPeriod, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const loaded = await load(config);
      complaint = '';
      if (loaded.hash === hash) continue;
      hash = loaded.hash;
      storage.reload(loaded.transformers);
    } catch (error) {
      // Told once, not with every look.
      if (messageOf(error) !== complaint) onError(error);
      complaint = messageOf(error);
    }
  }
}
