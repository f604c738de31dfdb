// The transformers that an EncryptionConfiguration asks for (upstream server/options/encryptionconfig).
import { aggregate } from '../../apimachinery/aggregate.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { aesCbc, aesGcm } from '../../storage/encryption/aes.ts';
import { ResourceTransformers } from '../../storage/encryption/resource-transformers.ts';
import { secretbox } from '../../storage/encryption/secretbox.ts';
import {
  type Cipher,
  firstWrites,
  identity,
  type Prefixed,
  type Transformer,
  transformerOf,
} from '../../storage/encryption/transformer.ts';
import type { Random } from '../../system/random.ts';
import {
  type EncryptionConfiguration,
  type EncryptionKey,
  type KmsConfiguration,
  type ProviderConfiguration,
  readConfiguration,
} from './configuration.ts';
import { decodeSecret, noProvider, parseGroupResource, validateConfiguration } from './validation.ts';

export interface LoadOptions {
  /** Of the file, for messages. */
  readonly path: string;
  readonly random: Random;
  /** Names of KMS providers must be unique where the file is read again. */
  readonly reload: boolean;
  /** Seals and opens with a key management service's keys (version 2). */
  readonly kms: (configuration: KmsConfiguration) => Transformer;
}

/** From the parsed file. Throws an Error with one line that says what is wrong, without any secret. */
export function loadTransformers(parsed: unknown, options: LoadOptions): ResourceTransformers {
  const { path, reload } = options;
  const configuration = decoded(parsed, path);
  const errors = validateConfiguration(configuration, { reload });
  if (errors.length > 0) {
    throw new Error(`error while parsing file: ${aggregate(errors.map(fieldErrorMessage))}`);
  }
  return buildTransformers(configuration, options);
}

function decoded(parsed: unknown, path: string): EncryptionConfiguration {
  try {
    return readConfiguration(parsed);
  } catch (error) {
    const what = `error decoding encryption provider configuration file ${JSON.stringify(path)}`;
    throw new Error(`error while parsing file: ${what}: ${(error as Error).message}`, { cause: error });
  }
}

function buildTransformers(configuration: EncryptionConfiguration, options: LoadOptions): ResourceTransformers {
  const lists = new Map<string, Prefixed[]>();
  for (const { resources, providers } of configuration) {
    const list = providers.map((provider) => prefixed(provider, options));
    for (const name of resources) {
      const { group, resource } = parseGroupResource(name);
      for (const mask of [`*.${group}`, '*.*']) {
        if (!lists.has(mask)) continue;
        throw new Error(
          `error while building transformers: resource ${JSON.stringify(shown(name))} is masked by earlier rule ${JSON.stringify(mask)}`,
        );
      }
      const key = group === '' && resource !== '*' ? resource : `${resource}.${group}`;
      lists.set(key, [...(lists.get(key) ?? []), ...list]);
    }
  }
  const transformers = [...lists].map(([name, list]) => [name, firstWrites(list, 'no matching prefix found')] as const);
  return new ResourceTransformers(new Map(transformers));
}

/** `secrets.` is `secrets`; the whole core group is `*.`. */
function shown(name: string): string {
  return name.endsWith('.') && name !== '*.' ? name.slice(0, -1) : name;
}

function prefixed(provider: ProviderConfiguration, { random, kms: plugin }: LoadOptions): Prefixed {
  const { aesgcm, aescbc, secretbox: boxes, identity: isIdentity, kms } = provider;
  if (aesgcm) return keys('aesgcm', aesgcm, { noMatch: 'AES', cipher: (secret) => aesGcm(secret, random) });
  if (aescbc) return keys('aescbc', aescbc, { noMatch: 'AES', cipher: (secret) => aesCbc(secret, random) });
  if (boxes) return keys('secretbox', boxes, { noMatch: 'Secretbox', cipher: (secret) => secretbox(secret, random) });
  if (kms?.apiVersion === 'v1') throw new Error(`error while building transformers: ${noKmsV1}`);
  if (kms) return { prefix: `k8s:enc:kms:v2:${kms.name}:`, transformer: plugin(kms) };
  if (isIdentity) return { prefix: '', transformer: identity };
  throw new Error(noProvider);
}

interface KeyedProvider {
  readonly noMatch: string;
  readonly cipher: (secret: Buffer) => Cipher;
}

function keys(name: string, list: readonly EncryptionKey[], { noMatch, cipher }: KeyedProvider): Prefixed {
  const ways = list.map((key) => ({
    prefix: `${key.name}:`,
    transformer: transformerOf(cipher(decodeSecret(key.secret)!)),
  }));
  return {
    prefix: `k8s:enc:${name}:v1:`,
    transformer: firstWrites(ways, `no matching key was found for the provided ${noMatch} transformer`),
  };
}

const noKmsV1 =
  'KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.';
