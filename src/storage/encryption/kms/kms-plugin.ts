// Seals values with keys that a key management service keeps (upstream's kmsv2 envelope). The service seals a seed, once for each of
// its own keys; each value has a key that is made of the seed and of 32 bytes that stand before it, and carries the sealed seed.
import { createHash, createHmac } from 'node:crypto';
import { aggregate } from '../../../apimachinery/aggregate.ts';
import { formatTime } from '../../../apimachinery/time.ts';
import { rpcText } from '../../../grpc/client.ts';
import type { Clock } from '../../../system/clock.ts';
import type { Random } from '../../../system/random.ts';
import { aesGcm } from '../aes.ts';
import type { Cipher, Opened, Sealed, Transformer } from '../transformer.ts';
import {
  type EncryptedObject,
  encryptedObject,
  encryptedObjectError,
  keyIDError,
  sourceKey,
  sourceType,
} from './encrypted-object.ts';
import type { KmsService, KmsStatus } from './kms-service.ts';

export interface KmsPluginOptions {
  readonly name: string;
  readonly service: KmsService;
  readonly clock: Clock;
  readonly random: Random;
  /** Told why the service cannot be used. */
  readonly onError: (error: unknown) => void;
}

/** Upstream's: how long an answer about health stands, and after how long the service is looked at again. */
const wellFor = 20_000;
const unwellFor = 3000;
const lookEvery = 60_000;
const retryEvery = 10_000;
/** For how long values are sealed with a seed of which the service does not say any more that it is the right one. */
const writableFor = 180_000;

const seedBytes = 32;
const infoBytes = 32;

/** What values are sealed with. */
interface Current {
  /** All but the data. */
  readonly object: Omit<EncryptedObject, 'encryptedData'>;
  readonly cipher: Cipher;
  readonly expires: number;
}

interface LastCheck {
  readonly error: string | undefined;
  readonly until: number;
}

export class KmsPlugin implements Transformer {
  readonly name: string;
  readonly #options: KmsPluginOptions;
  /** By {@link sourceKey}. There are few: one for each key of the service and each start of a server. */
  readonly #ciphers = new Map<string, Cipher>();
  readonly #asked = new Map<string, Promise<void>>();
  #current: Current | undefined;
  #version: string | undefined;
  #last: LastCheck | undefined;
  #checking: Promise<string | undefined> | undefined;
  /** Told when another key seals from now on: what was sealed before is stale. */
  onRotated: () => void = () => {};

  constructor(options: KmsPluginOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Throws while no seed is there, or none that is known to be right. */
  seal(value: Buffer, key: string): Sealed {
    const { object, cipher, expires } = this.#state();
    const now = this.#options.clock.now();
    if (now > expires) {
      const why = `expired at ${formatTime(expires)} (current time is ${formatTime(now)})`;
      throw new Error(`encryptedDEKSource with keyID hash ${quotedHash(object.keyID)} ${why}`);
    }
    return { prefix: '', bytes: encryptedObject.encode({ ...object, encryptedData: cipher.seal(value, key) }) };
  }

  prepare(stored: Buffer): Promise<void> | undefined {
    const object = readObject(stored);
    const source = sourceKey(object);
    if (this.#ciphers.has(source)) return undefined;
    const asked = this.#asked.get(source) ?? this.#ask(object, source).finally(() => this.#asked.delete(source));
    this.#asked.set(source, asked);
    return asked;
  }

  open(stored: Buffer, key: string): Opened {
    const object = readObject(stored);
    const { keyID, encryptedDEKSourceType: type } = this.#state().object;
    const cipher = this.#ciphers.get(sourceKey(object));
    if (!cipher) throw new Error('failed to decrypt DEK, error: it was not asked for');
    return {
      value: cipher.open(Buffer.from(object.encryptedData), key),
      isStale: object.keyID !== keyID || object.encryptedDEKSourceType !== type,
    };
  }

  /** Asks the service how it is, and takes up another key of its. Undefined: all is well. What was found stands for a while. */
  check(): Promise<string | undefined> {
    const { clock } = this.#options;
    if (this.#last && clock.monotonic() < this.#last.until) return Promise.resolve(this.#last.error);
    this.#checking ??= this.#look().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Looks again and again, until the signal aborts; closes the connection then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    let error = this.#last?.error;
    while (!signal.aborted) {
      await clock.sleep(error === undefined ? lookEvery : retryEvery, signal).catch(() => {});
      if (signal.aborted) break;
      error = await this.check();
      if (error !== undefined) onError(new Error(`kms plugin ${this.name}: ${error}`));
    }
    this.close();
  }

  /** Gives up the connection of one that is not {@link run}. */
  close(): void {
    this.#options.service.close();
  }

  #state(): Current {
    if (!this.#current) throw new Error('got unexpected nil transformer');
    return this.#current;
  }

  async #ask(object: EncryptedObject, source: string): Promise<void> {
    const { service, random } = this.#options;
    const { encryptedDEKSource: ciphertext, keyID: keyId, annotations } = object;
    let secret: Uint8Array;
    try {
      secret = await service.decrypt({ ciphertext, keyId, annotations }, random.uuid());
    } catch (error) {
      throw new Error(`failed to decrypt DEK, error: ${rpcText(error)}`, { cause: error });
    }
    this.#ciphers.set(source, cipherOf(object.encryptedDEKSourceType, secret, random));
  }

  async #look(): Promise<string | undefined> {
    const { service, clock } = this.#options;
    let error: string | undefined;
    let told: string | undefined;
    try {
      told = error = await this.#judge(await service.status());
    } catch (failure) {
      error = rpcText(failure);
      told = `failed to perform status section of the healthz check for KMS Provider ${this.name}, error: ${error}`;
    }
    this.#last = { error, until: clock.monotonic() + (error === undefined ? wellFor : unwellFor) };
    return told;
  }

  async #judge({ version, healthz, keyId }: KmsStatus): Promise<string | undefined> {
    const errors: string[] = [];
    if (healthz !== 'ok') errors.push(`got unexpected healthz status: ${healthz}`);
    if (version !== 'v2' && version !== 'v2beta1') errors.push(`expected KMSv2 API version v2, got ${version}`);
    else {
      this.#version ??= version;
      const before = this.#version;
      const changed = `KMSv2 API version should not change after the initial status response version ${before}, got ${version}`;
      if (version !== before) errors.push(changed);
    }
    const wrong = keyIDError(keyId);
    if (wrong !== undefined) errors.push(`got invalid KMSv2 KeyID hash ${quotedHash(keyId)}: ${wrong}`);
    else errors.push(...((await this.#rotate(keyId)) ?? []));
    if (errors.length === 0) return undefined;
    return `kmsv2 Provider ${this.name} is not healthy, error: ${aggregate(errors)}`;
  }

  /** What went wrong, if anything did: then values are sealed with what was there, for a while. */
  async #rotate(statusKeyID: string): Promise<readonly string[] | undefined> {
    const { service, clock, random } = this.#options;
    // As of before the call, which may take its time.
    const expires = clock.now() + writableFor;
    const before = this.#current;
    if (before?.object.keyID === statusKeyID) {
      this.#current = { ...before, expires };
      return undefined;
    }
    const uid = random.uuid();
    let found = '';
    let wrong: string | undefined;
    try {
      const seed = random.bytes(seedBytes);
      const { ciphertext, keyId, annotations } = await service.encrypt(seed, uid);
      const encryptedDEKSourceType = sourceType.seed;
      const object = { keyID: keyId, encryptedDEKSource: ciphertext, annotations, encryptedDEKSourceType };
      wrong = encryptedObjectError({ ...object, encryptedData: Buffer.alloc(1) });
      if (wrong === undefined) {
        found = keyId;
        if (keyId === statusKeyID) {
          const cipher = cipherOf(encryptedDEKSourceType, seed, random);
          this.#ciphers.set(sourceKey({ ...object, encryptedData: Buffer.alloc(0) }), cipher);
          this.#current = { object, cipher, expires };
          this.onRotated();
          return undefined;
        }
      }
    } catch (error) {
      wrong = `failed to encrypt DEK, error: ${rpcText(error)}`;
    }
    const state = before ? '<nil>' : 'got unexpected nil transformer';
    const hashes = `statusKeyIDHash=${quotedHash(statusKeyID)}, encryptKeyIDHash=${quotedHash(found)}, stateKeyIDHash=${quotedHash(before?.object.keyID ?? '')}`;
    const until = before ? formatTime(before.expires) : '0001-01-01T00:00:00Z';
    return [
      `failed to rotate DEK uid="${uid}", useSeed=true, errState=${state}, errGen=${wrong ?? '<nil>'}, ${hashes}, expirationTimestamp=${until}`,
    ];
  }
}

/** Key IDs may say more than everybody should read. */
function quotedHash(keyID: string): string {
  return keyID === '' ? '""' : `"sha256:${createHash('sha256').update(keyID).digest('hex')}"`;
}

function readObject(stored: Buffer): EncryptedObject {
  const object = encryptedObject.decode(stored);
  const wrong = encryptedObjectError(object);
  if (wrong !== undefined) throw new Error(wrong);
  return object;
}

/** Throws for a secret that is too short. */
function cipherOf(type: number, secret: Uint8Array, random: Random): Cipher {
  if (type === sourceType.aesGcmKey) return aesGcm(secret, random);
  if (secret.length < seedBytes) throw new Error(`invalid seed length ${secret.length} used for key generation`);
  // The first block of HKDF-Expand (RFC 5869).
  const keyOf = (info: Uint8Array) => createHmac('sha256', secret).update(info).update(Buffer.of(1)).digest();
  return {
    seal(value, key) {
      const info = random.bytes(infoBytes);
      return Buffer.concat([info, aesGcm(keyOf(info), random).seal(value, key)]);
    },
    open(sealed, key) {
      if (sealed.length < infoBytes) throw new Error('the stored data was shorter than the required size');
      return aesGcm(keyOf(sealed.subarray(0, infoBytes)), random).open(sealed.subarray(infoBytes), key);
    },
  };
}
