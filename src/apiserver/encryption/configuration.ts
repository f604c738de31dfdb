// What stands in an EncryptionConfiguration, read strictly and with its defaults. Pure.
import { goDurationError, parseGoDuration } from '../../apimachinery/duration.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { type Decoded, decodeConfiguration, int32, list, struct, text, texts } from '../configuration-decode.ts';

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

const keysShape = list(struct('Key', { name: text, secret: text }));
const kmsShape = struct('KMSConfiguration', {
  apiVersion: text,
  name: text,
  cachesize: int32,
  endpoint: text,
  timeout: text,
});
const providerShape = struct('ProviderConfiguration', {
  aesgcm: struct('AESConfiguration', { keys: keysShape }),
  aescbc: struct('AESConfiguration', { keys: keysShape }),
  secretbox: struct('SecretboxConfiguration', { keys: keysShape }),
  identity: struct('IdentityConfiguration', {}),
  kms: kmsShape,
});
const fileShape = struct(kind, {
  apiVersion: text,
  kind: text,
  resources: list(struct('ResourceConfiguration', { resources: texts, providers: list(providerShape) })),
});

/** Throws an Error for what is no EncryptionConfiguration. */
export function readConfiguration(parsed: unknown): EncryptionConfiguration {
  if (!isObject(parsed)) throw new Error('the configuration: must be an object');
  if (!parsed.kind) throw new Error("Object 'Kind' is missing");
  if (!parsed.apiVersion) throw new Error("Object 'apiVersion' is missing");
  if (parsed.apiVersion !== apiVersion || parsed.kind !== kind) {
    throw new Error(`expected apiVersion ${apiVersion} and kind ${kind}, got ${parsed.apiVersion} and ${parsed.kind}`);
  }
  const { resources = [] } = decodeConfiguration(parsed, fileShape, { isStrict: true });
  return resources.map((one) => ({
    resources: one.resources ?? [],
    providers: (one.providers ?? []).map(providerOf),
  }));
}

function providerOf({
  aesgcm,
  aescbc,
  secretbox,
  identity,
  kms,
}: Decoded<typeof providerShape>): ProviderConfiguration {
  return {
    ...(aesgcm && { aesgcm: keysOf(aesgcm) }),
    ...(aescbc && { aescbc: keysOf(aescbc) }),
    ...(secretbox && { secretbox: keysOf(secretbox) }),
    ...(identity && { identity: true }),
    ...(kms && { kms: kmsOf(kms) }),
  };
}

function keysOf({ keys = [] }: { readonly keys?: Decoded<typeof keysShape> }): EncryptionKey[] {
  return keys.map(({ name = '', secret = '' }) => ({ name, secret }));
}

/** Upstream's defaults: three seconds, and version 1 where none is said. */
const defaultKmsTimeout = 3000;
const defaultCacheSize = 1000;

function kmsOf(given: Decoded<typeof kmsShape>): KmsConfiguration {
  const { name = '', endpoint = '' } = given;
  const version = given.apiVersion || 'v1';
  const timeout = given.timeout === undefined ? defaultKmsTimeout : parseGoDuration(given.timeout);
  if (timeout === undefined) throw new Error(goDurationError(given.timeout ?? ''));
  const cachesize = given.cachesize ?? (version === 'v1' ? defaultCacheSize : undefined);
  return { apiVersion: version, name, endpoint, timeout, cachesize };
}
