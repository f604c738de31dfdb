// What is wrong with an EncryptionConfiguration, in kube-apiserver's words (upstream apis/apiserver/validation). Pure.
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { parseGoUrl } from '../../apimachinery/validation/go-url.ts';
import type {
  EncryptionConfiguration,
  EncryptionKey,
  KmsConfiguration,
  ProviderConfiguration,
} from './configuration.ts';

const aesKeySizes = [16, 24, 32];
const secretboxKeySizes = [32];
export const noProvider =
  'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity';

export function validateConfiguration(
  configuration: EncryptionConfiguration,
  options: { readonly reload: boolean },
): FieldError[] {
  if (configuration.length === 0) return [fieldError.required('resources', 'at least one resources is required')];
  const kmsNames = new Set<string>();
  return configuration.flatMap(({ resources, providers }, i) => {
    const at = `resources[${i}]`;
    const errors = [...validateResources(resources, `${at}.resources`)];
    if (providers.length === 0) errors.push(required(`${at}.providers`));
    for (const [j, provider] of providers.entries()) {
      const path = `${at}.providers[${j}]`;
      errors.push(...validateProvider(provider, path));
      const { kms } = provider;
      if (kms) {
        errors.push(...validateKms(kms, `${path}.kms`, { taken: kmsNames, ...options }));
        kmsNames.add(kms.name);
      } else errors.push(...validateAllKeys(provider, path));
    }
    return errors;
  });
}

function required(field: string): FieldError {
  return fieldError.required(field, `at least one ${field} is required`);
}

function validateResources(resources: readonly string[], at: string): FieldError[] {
  const errors = resources.length === 0 ? [required(at)] : [];
  const { isDuplicate, isOverlap } = sameAndMasked(resources);
  if (isDuplicate) {
    errors.push(fieldError.invalid(at, resources, 'the same resource cannot be specified multiple times'));
  }
  if (isOverlap) {
    const why =
      "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked";
    errors.push(fieldError.invalid(at, resources, why));
  }
  for (const [i, name] of resources.entries()) {
    const wrong = wrongResource(name);
    if (wrong !== undefined) errors.push(fieldError.invalid(`${at}[${i}]`, name, wrong));
  }
  return errors;
}

/** `deployments.apps` in its two parts; the core group is empty. */
export function parseGroupResource(text: string): { readonly resource: string; readonly group: string } {
  const dot = text.indexOf('.');
  return dot < 0 ? { resource: text, group: '' } : { resource: text.slice(0, dot), group: text.slice(dot + 1) };
}

/** As upstream looks at every pair: the first two that are the same are no overlap, too, any further are. */
function sameAndMasked(resources: readonly string[]): { readonly isDuplicate: boolean; readonly isOverlap: boolean } {
  const parsed = resources.map(parseGroupResource);
  const found = { isDuplicate: false, isOverlap: false };
  for (const [i, one] of parsed.entries()) {
    for (const [j, other] of parsed.entries()) {
      if (i === j) continue;
      const isSameGroup = one.group === other.group;
      if (isSameGroup && one.resource === other.resource && !found.isDuplicate) found.isDuplicate = true;
      else if (one.group === '*' && one.resource === '*') found.isOverlap = true;
      else if (isSameGroup && (one.resource === '*' || other.resource === '*')) found.isOverlap = true;
    }
  }
  return found;
}

function wrongResource(name: string): string | undefined {
  if (name.toLowerCase() !== name) return 'resource name should not contain capital letters';
  if (name === '*') return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
  if (['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations'].includes(name)) {
    return 'resources which do not have REST API/s cannot be encrypted';
  }
  const { group, resource } = parseGroupResource(name);
  if (group === 'events.k8s.io') {
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file";
  }
  if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption";
  if (group === '*' && resource !== '*') return 'encrypting the same resource across groups is not supported';
  return undefined;
}

function validateProvider(provider: ProviderConfiguration, at: string): FieldError[] {
  const names = Object.keys(provider);
  if (names.length === 1) return [];
  const why =
    names.length === 0
      ? noProvider
      : 'more than one provider specified in a single element, should split into different list elements';
  return [fieldError.invalid(at, printable(provider), why)];
}

/** As upstream prints it, with its names; but no secret is ever told. */
function printable(provider: ProviderConfiguration): unknown {
  const keys = (list: readonly EncryptionKey[] | undefined) =>
    list ? { Keys: list.map(({ name }) => ({ Name: name, Secret: 'REDACTED' })) } : null;
  const { aesgcm, aescbc, secretbox, identity, kms } = provider;
  return {
    AESGCM: keys(aesgcm),
    AESCBC: keys(aescbc),
    Secretbox: keys(secretbox),
    Identity: identity ? {} : null,
    KMS: kms
      ? {
          APIVersion: kms.apiVersion,
          Name: kms.name,
          CacheSize: kms.cachesize ?? null,
          Endpoint: kms.endpoint,
          Timeout: kms.timeout,
        }
      : null,
  };
}

/** Of the first provider of the element: upstream looks at no other. */
function validateAllKeys({ aesgcm, aescbc, secretbox }: ProviderConfiguration, at: string): FieldError[] {
  if (aesgcm) return validateKeys(aesgcm, `${at}.aesgcm.keys`, aesKeySizes);
  if (aescbc) return validateKeys(aescbc, `${at}.aescbc.keys`, aesKeySizes);
  return secretbox ? validateKeys(secretbox, `${at}.secretbox.keys`, secretboxKeySizes) : [];
}

function validateKeys(keys: readonly EncryptionKey[], at: string, sizes: readonly number[]): FieldError[] {
  if (keys.length === 0) return [fieldError.required(at, 'at least one keys is required')];
  return keys.flatMap((key, i) => validateKey(key, `${at}[${i}]`, sizes));
}

function validateKey({ name, secret }: EncryptionKey, at: string, sizes: readonly number[]): FieldError[] {
  const errors = name === '' ? [fieldError.required(`${at}.name`, 'name is a mandatory field for a key')] : [];
  if (secret === '') return [...errors, fieldError.required(`${at}.secret`, 'secret is a mandatory field for a key')];
  const bytes = decodeSecret(secret);
  if (!bytes) return [...errors, fieldError.invalid(`${at}.secret`, 'REDACTED', 'secrets must be base64 encoded')];
  if (sizes.includes(bytes.length)) return errors;
  const why = `secret is not of the expected length, got ${bytes.length}, expected one of [${sizes.join(' ')}]`;
  return [...errors, fieldError.invalid(`${at}.secret`, 'REDACTED', why)];
}

/** As Go's base64.StdEncoding: padded, with line ends anywhere. Undefined: it is none. */
export function decodeSecret(text: string): Buffer | undefined {
  const bare = text.replace(/[\r\n]/g, '');
  const isBase64 = bare.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(bare);
  return isBase64 ? Buffer.from(bare, 'base64') : undefined;
}

function validateKms(
  { apiVersion, name, timeout, endpoint, cachesize }: KmsConfiguration,
  at: string,
  { taken, reload }: { readonly taken: ReadonlySet<string>; readonly reload: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  const invalid = (field: string, value: unknown, why: string) =>
    errors.push(fieldError.invalid(`${at}.${field}`, value, why));
  const isV1 = apiVersion === 'v1';
  if (name === '') errors.push(fieldError.required(`${at}.name`, 'name is a mandatory field for a provider'));
  if (!isV1 && name.includes(':')) invalid('name', name, `invalid KMS provider name ${name}, must not contain ':'`);
  if ((reload || !isV1) && taken.has(name)) {
    invalid('name', name, `duplicate KMS provider name ${name}, names must be unique`);
  }
  if (timeout <= 0) invalid('timeout', `${timeout / 1000}s`, 'timeout should be a positive value');
  if (endpoint === '') invalid('endpoint', '', 'endpoint is a mandatory field for a kms');
  else {
    const url = parseGoUrl(endpoint);
    if (typeof url === 'string') invalid('endpoint', endpoint, `invalid endpoint for kms provider, error: ${url}`);
    else if (url.scheme !== 'unix') {
      invalid('endpoint', endpoint, `unsupported scheme "${url.scheme}" for KMS provider, only unix is supported`);
    }
  }
  if (!isV1 && cachesize !== undefined) invalid('cachesize', cachesize, 'cachesize is not supported in v2');
  if (isV1 && cachesize === 0) {
    invalid('cachesize', cachesize, 'cachesize should be a positive value, or negative to disable');
  }
  if (!isV1 && apiVersion !== 'v2') {
    invalid(
      'apiVersion',
      apiVersion,
      'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported',
    );
  }
  return errors;
}
