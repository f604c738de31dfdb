// What a value looks like that was sealed with the help of a key management service (upstream's kmsv2 EncryptedObject). Pure.

import { aggregate } from '../../../apimachinery/aggregate.ts';
import { type FieldError, fieldError, fieldErrorMessage } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { bytes, bytesMap, int, message, type Output, string } from '../../../grpc/codec.ts';

export const encryptedObject = message({
  encryptedData: bytes(1),
  keyID: string(2),
  /** The seed of the keys that seal, as the service sealed it. */
  encryptedDEKSource: bytes(3),
  annotations: bytesMap(4),
  encryptedDEKSourceType: int(5),
});
export type EncryptedObject = Output<typeof encryptedObject>;

/** How the key that seals a value is made of what the service tells. */
export const sourceType = {
  /** It is that key. */
  aesGcmKey: 0,
  /** Each value has a key of its own, made of it and of the value's first 32 bytes. */
  seed: 1,
} as const;

const longest = 1024;
const mostAnnotationBytes = 32 * 1024;

/** Undefined: nothing is wrong with it. */
export function keyIDError(keyID: string): string | undefined {
  const length = Buffer.byteLength(keyID);
  if (length === 0) return 'keyID is empty';
  return length > longest ? `keyID is ${length} bytes, which exceeds the max size of ${longest}` : undefined;
}

/** Undefined: nothing is wrong with it. */
export function encryptedObjectError(object: EncryptedObject): string | undefined {
  const { encryptedData, keyID, encryptedDEKSource, annotations, encryptedDEKSourceType: type } = object;
  if (type !== sourceType.aesGcmKey && type !== sourceType.seed) return `unknown encryptedDEKSourceType: ${type}`;
  if (encryptedData.length === 0) return 'encrypted data is empty';
  const source = sourceError(encryptedDEKSource);
  if (source !== undefined) return `failed to validate encrypted DEK source: ${source}`;
  const id = keyIDError(keyID);
  if (id !== undefined) return `failed to validate key id: ${id}`;
  const others = annotationErrors(annotations);
  return others.length === 0 ? undefined : `failed to validate annotations: ${aggregate(others)}`;
}

function sourceError({ length }: Uint8Array): string | undefined {
  if (length === 0) return 'encrypted DEK source is empty';
  if (length <= longest) return undefined;
  return `encrypted DEK source is ${length} bytes, which exceeds the max size of ${longest}`;
}

function annotationErrors(annotations: EncryptedObject['annotations']): string[] {
  let size = 0;
  const errors: string[] = [];
  for (const [name, value] of Object.entries(annotations)) {
    errors.push(...domainErrors(name).map(fieldErrorMessage));
    size += Buffer.byteLength(name) + value.length;
  }
  if (size > mostAnnotationBytes) {
    errors.push(`total size of annotations is ${size}, which exceeds the max size of ${mostAnnotationBytes}`);
  }
  return errors;
}

/** A fully qualified domain name, with a dot at its end or without (apimachinery's IsFullyQualifiedDomainName). */
function domainErrors(name: string): FieldError[] {
  if (name === '') return [fieldError.required('annotations')];
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  const wrong = dns1123Subdomain(bare);
  if (wrong.length > 0) return [fieldError.invalid('annotations', bare, wrong.join(','))];
  const why = 'should be a domain with at least two segments separated by dots';
  if (!bare.includes('.')) return [fieldError.invalid('annotations', bare, why)];
  return bare
    .split('.')
    .flatMap((label) => dns1123Label(label).map((one) => fieldError.invalid('annotations', label, one)));
}

/** What tells one sealed seed from another: all that the service needs to open it. */
export function sourceKey(object: EncryptedObject): string {
  const { encryptedDEKSource, encryptedDEKSourceType, keyID, annotations } = object;
  const told = Object.entries(annotations)
    .map(([name, value]) => [name, Buffer.from(value).toString('base64')])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return JSON.stringify([encryptedDEKSourceType, Buffer.from(encryptedDEKSource).toString('base64'), keyID, told]);
}
