// What stands in an EncryptionConfiguration, read strictly and with its defaults. Pure.
import { goDurationError, parseGoDuration } from '../../apimachinery/duration.ts';
import { decodeConfiguration, int32, list, struct, text, texts } from '../configuration-decode.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../configuration-fields.ts';

export interface EncryptionKey {
  readonly name: string;
  /** base64 */
  readonly secret: string;
}

export interface KmsConfiguration {
  readonly apiVersion: string;
  readonly name: string;
  readonly endpoint: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly cachesize: number | undefined;
}

/** One of them is to be there. */
export interface ProviderConfiguration {
  readonly aesgcm?: readonly EncryptionKey[];
  readonly aescbc?: readonly EncryptionKey[];
  readonly secretbox?: readonly EncryptionKey[];
  readonly identity?: true;
  readonly kms?: KmsConfiguration;
}

export interface ResourceConfiguration {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.`, `*.*` */
  readonly resources: readonly string[];
  readonly providers: readonly ProviderConfiguration[];
}

export type EncryptionConfiguration = readonly ResourceConfiguration[];

const apiVersion = 'apiserver.config.k8s.io/v1';
const kind = 'EncryptionConfiguration';
const keyed = ['aesgcm', 'aescbc', 'secretbox'] as const;

const keysShape = list(struct('Key', { name: text, secret: text }));
const fileShape = struct(kind, {
  apiVersion: text,
  kind: text,
  resources: list(
    struct('ResourceConfiguration', {
      resources: texts,
      providers: list(
        struct('ProviderConfiguration', {
          aesgcm: struct('AESConfiguration', { keys: keysShape }),
          aescbc: struct('AESConfiguration', { keys: keysShape }),
          secretbox: struct('SecretboxConfiguration', { keys: keysShape }),
          identity: struct('IdentityConfiguration', {}),
          kms: struct('KMSConfiguration', {
            apiVersion: text,
            name: text,
            cachesize: int32,
            endpoint: text,
            timeout: text,
          }),
        }),
      ),
    }),
  ),
});

/** Throws an Error for what is no EncryptionConfiguration. */
export function readConfiguration(parsed: unknown): EncryptionConfiguration {
  const root = fieldsOf(parsed, '', Object.keys((parsed ?? {}) as object));
  if (!textOf(root.kind, 'kind')) throw new Error("Object 'Kind' is missing");
  if (!textOf(root.apiVersion, 'apiVersion')) throw new Error("Object 'apiVersion' is missing");
  if (root.apiVersion !== apiVersion || root.kind !== kind) {
    throw new Error(`expected apiVersion ${apiVersion} and kind ${kind}, got ${root.apiVersion} and ${root.kind}`);
  }
  const decoded = decodeConfiguration(parsed, fileShape, { isStrict: true });
  return listOf(decoded.resources, 'resources').map((one, i) => {
    const at = `resources[${i}]`;
    const fields = fieldsOf(one, at, ['resources', 'providers']);
    return {
      resources: listOf(fields.resources, `${at}.resources`).map((name, j) => textOf(name, `${at}.resources[${j}]`)),
      providers: listOf(fields.providers, `${at}.providers`).map((p, j) => readProvider(p, `${at}.providers[${j}]`)),
    };
  });
}

function readProvider(value: unknown, at: string): ProviderConfiguration {
  const fields = fieldsOf(value ?? {}, at, [...keyed, 'identity', 'kms']);
  const provider: { -readonly [K in keyof ProviderConfiguration]: ProviderConfiguration[K] } = {};
  for (const name of keyed) {
    if (isGiven(fields[name]))
      provider[name] = readKeys(fieldsOf(fields[name], `${at}.${name}`, ['keys']), `${at}.${name}`);
  }
  if (isGiven(fields.identity)) {
    fieldsOf(fields.identity, `${at}.identity`, []);
    provider.identity = true;
  }
  if (isGiven(fields.kms)) provider.kms = readKms(fields.kms, `${at}.kms`);
  return provider;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function readKeys({ keys }: Fields, at: string): EncryptionKey[] {
  return listOf(keys, `${at}.keys`).map((one, i) => {
    const path = `${at}.keys[${i}]`;
    const fields = fieldsOf(one, path, ['name', 'secret']);
    return { name: textOf(fields.name, `${path}.name`), secret: textOf(fields.secret, `${path}.secret`) };
  });
}

/** Upstream's defaults: three seconds, and version 1 where none is said. */
const defaultKmsTimeout = 3000;
const defaultCacheSize = 1000;

function readKms(value: unknown, at: string): KmsConfiguration {
  const fields = fieldsOf(value, at, ['apiVersion', 'name', 'cachesize', 'endpoint', 'timeout']);
  const version = textOf(fields.apiVersion, `${at}.apiVersion`) || 'v1';
  const timeout = isGiven(fields.timeout) ? parseGoDuration(String(fields.timeout)) : defaultKmsTimeout;
  if (timeout === undefined) throw new Error(goDurationError(String(fields.timeout)));
  const { cachesize } = fields;
  if (isGiven(cachesize) && typeof cachesize !== 'number') throw new Error(`${at}.cachesize: must be a number`);
  return {
    apiVersion: version,
    name: textOf(fields.name, `${at}.name`),
    endpoint: textOf(fields.endpoint, `${at}.endpoint`),
    timeout,
    cachesize: typeof cachesize === 'number' ? cachesize : version === 'v1' ? defaultCacheSize : undefined,
  };
}
