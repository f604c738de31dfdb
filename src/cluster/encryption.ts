// Encryption at rest as flags ask for it: the file read, and read again when it changes; key management services looked after. Loaded
// only where the flag is given.
import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { aggregate } from '../apimachinery/aggregate.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import { loadTransformers } from '../apiserver/encryption/providers.ts';
import type { HealthCheck } from '../apiserver/health.ts';
import { EncryptedStorage } from '../storage/encryption/encrypted-storage.ts';
import { KmsPlugin } from '../storage/encryption/kms/kms-plugin.ts';
import { kmsServiceAt } from '../storage/encryption/kms/kms-service.ts';
import type { ResourceTransformers } from '../storage/encryption/resource-transformers.ts';
import { byteForm, textForm } from '../storage/encryption/stored-form.ts';
import type { Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { Failure } from './failure.ts';

/** kube-apiserver's `--encryption-provider-config*` flags. */
export interface EncryptionConfig {
  readonly file: string;
  readonly isReloaded: boolean;
}

export interface EncryptionOptions {
  readonly clock: Clock;
  /** Told of a file that cannot be used (the one before it stays in force), of a service that cannot be asked, and of a value that
   * another server wrote and this one cannot read: it stands still until it can. */
  readonly onError: (error: unknown) => void;
}

interface Loaded {
  readonly transformers: ResourceTransformers;
  readonly plugins: readonly KmsPlugin[];
  /** Milliseconds after which no call to a service is under way. */
  readonly patience: number;
  /** Of the text: the keys are kept in the transformers only. */
  readonly hash: string;
}

/** Milliseconds between looks at the file. */
const reloadPeriod = 10_000;

export class Encryption {
  readonly #config: EncryptionConfig;
  readonly #options: EncryptionOptions;
  #loaded: Loaded;
  #storage: EncryptedStorage | undefined;

  private constructor(config: EncryptionConfig, options: EncryptionOptions, loaded: Loaded) {
    this.#config = config;
    this.#options = options;
    this.#loaded = loaded;
  }

  /** Throws a Failure for a file that cannot be used. */
  static async open(config: EncryptionConfig, options: EncryptionOptions): Promise<Encryption> {
    try {
      const loaded = load(config, await read(config.file), options);
      const encryption = new Encryption(config, options, loaded);
      // A service that is not there yet may come while the server runs.
      for (const wrong of await unwell(loaded.plugins)) options.onError(new Error(wrong));
      return encryption;
    } catch (error) {
      throw new Failure(`--encryption-provider-config ${config.file}: ${errorMessage(error)}`, {
        cause: error,
        exitCode: 2,
      });
    }
  }

  /** The store with values sealed; `hasByteValues`: each character of its values is one byte. */
  around(storage: Storage, { hasByteValues }: { readonly hasByteValues: boolean }): EncryptedStorage {
    const { onError: onUnreadable } = this.#options;
    const { transformers } = this.#loaded;
    const form = hasByteValues ? byteForm : textForm;
    this.#storage = new EncryptedStorage({ storage, transformers, form, onUnreadable });
    this.#takeUp();
    return this.#storage;
  }

  /** Whether the services are well, where there may be any: one check for all, as upstream's. */
  get healthChecks(): readonly HealthCheck[] {
    if (!this.#config.isReloaded && this.#loaded.plugins.length === 0) return [];
    const check = async () => {
      const wrong = await unwell(this.#loaded.plugins);
      return wrong.length === 0 ? undefined : aggregate(wrong);
    };
    return [{ name: 'kms-providers', check }];
  }

  /** Looks after the services, and takes up the file anew whenever its text changes, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    let ending = this.#runPlugins(signal);
    let complaint = '';
    while (this.#config.isReloaded && !signal.aborted) {
      await clock.sleep(reloadPeriod, signal).catch(() => {});
      if (signal.aborted) break;
      try {
        const { patience } = this.#loaded;
        if (await this.#reload()) {
          // Calls to the old services that are under way come to their end.
          clock.after(patience, ending);
          ending = this.#runPlugins(signal);
        }
        complaint = '';
      } catch (error) {
        // Told once, not with every look.
        if (errorMessage(error) !== complaint) onError(error);
        complaint = errorMessage(error);
      }
    }
  }

  /** Whether another file is in force now. Rejects for one that cannot be used, or whose services are not well. */
  async #reload(): Promise<boolean> {
    const text = await read(this.#config.file);
    if (hashOf(text) === this.#loaded.hash) return false;
    const loaded = load(this.#config, text, this.#options);
    const wrong = await unwell(loaded.plugins);
    if (wrong.length > 0) {
      for (const plugin of loaded.plugins) plugin.close();
      throw new Error(aggregate(wrong));
    }
    this.#loaded = loaded;
    this.#takeUp();
    return true;
  }

  #takeUp(): void {
    const { transformers, plugins } = this.#loaded;
    this.#storage?.reload(transformers);
    // What was sealed with the key before is stale then.
    for (const plugin of plugins) plugin.onRotated = () => this.#storage?.reload(transformers);
  }

  /** Returns what ends it sooner than the signal. */
  #runPlugins(signal: AbortSignal): () => void {
    const own = new AbortController();
    const either = AbortSignal.any([signal, own.signal]);
    for (const plugin of this.#loaded.plugins) void plugin.run(either);
    return () => own.abort();
  }
}

/** What is wrong with each that is not well. */
async function unwell(plugins: readonly KmsPlugin[]): Promise<string[]> {
  const found = await Promise.all(plugins.map((plugin) => plugin.check()));
  return found.flatMap((wrong, i) => (wrong === undefined ? [] : [`kms-provider-${i}: ${wrong}`]));
}

async function read(file: string): Promise<string> {
  const text = await realFiles.read(file);
  const where = 'error while parsing file: error while loading file:';
  if (text === undefined)
    throw new Error(`${where} error reading ${nameOf(file)}: open ${file}: no such file or directory`);
  if (text === '') throw new Error(`${where} ${nameOf(file)} is empty`);
  return text;
}

function load({ file, isReloaded }: EncryptionConfig, text: string, { clock, onError }: EncryptionOptions): Loaded {
  const plugins: KmsPlugin[] = [];
  let patience = 0;
  const transformers = loadTransformers(parsed(text, nameOf(file)), {
    path: file,
    random: realRandom,
    reload: isReloaded,
    kms: ({ name, endpoint, timeout }) => {
      const service = kmsServiceAt(endpoint, timeout);
      const plugin = new KmsPlugin({ name, service, clock, random: realRandom, onError });
      plugins.push(plugin);
      patience += 2 * timeout;
      return plugin;
    },
  });
  return { transformers, plugins, patience, hash: hashOf(text) };
}

function nameOf(file: string): string {
  return `encryption provider configuration file ${JSON.stringify(file)}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What the parser says names the line, but may show what stands there: a secret. */
function parsed(text: string, name: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (error) {
    throw new Error(`error while parsing file: error decoding ${name}: it is no YAML`, { cause: error });
  }
}
