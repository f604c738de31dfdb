import { JsonSyntaxError, scanJson } from '../../../../apimachinery/json/go-syntax.ts';
import { table } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { configMapKey } from '../../../../apimachinery/validation/names.ts';
import { immutableMessage, nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { maxDataBytes, validateImmutable } from '../configmap/index.ts';
import type { Secret } from '../types.generated.ts';
import { keyPairProblem } from './key-pair.ts';

const { required, invalid, tooLong } = fieldError;

/** Keys that a Secret of the type must have. */
const requiredKeys = table<readonly string[]>({
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
});

function defaultSecret(object: Secret): void {
  object.type ||= 'Opaque';
  // Write-only: plain texts for people, kept in base64.
  const plain = Object.entries(object.stringData ?? {});
  const encoded = plain.map(([key, text]) => [key, Buffer.from(text, 'utf8').toString('base64')]);
  if (plain.length > 0) object.data = { ...object.data, ...Object.fromEntries(encoded) };
  delete object.stringData;
  if (object.data && Object.keys(object.data).length === 0) delete object.data;
}

function validate({ data = {}, type = '', metadata }: Secret): FieldError[] {
  const errors = Object.keys(data).flatMap((key) => nameErrors(configMapKey, `data[${key}]`, key));
  const bytes = Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, 'base64'), 0);
  if (bytes > maxDataBytes) errors.push(tooLong('data', maxDataBytes));
  if (type === 'kubernetes.io/service-account-token') {
    const field = 'metadata.annotations[kubernetes.io/service-account.name]';
    if (!metadata.annotations?.['kubernetes.io/service-account.name']) errors.push(required(field));
  }
  if (type === 'kubernetes.io/basic-auth' && !('username' in data) && !('password' in data)) {
    errors.push(required('data[username]'), required('data[password]'));
  }
  for (const key of requiredKeys[type] ?? []) {
    // A private key that is empty is none; what else is empty is for its reader to judge.
    const missing = type === 'kubernetes.io/ssh-auth' ? !data[key] : !(key in data);
    if (missing) errors.push(required(`data[${key}]`));
    else if (/docker/.test(type)) errors.push(...validateJSON(data[key] ?? '', `data[${key}]`));
  }
  return errors;
}

/** Of what is secret nothing is shown. */
function validateJSON(base64: string, field: string): FieldError[] {
  const redacted = '<secret contents redacted>';
  const text = Buffer.from(base64, 'base64').toString('utf8');
  try {
    scanJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return [invalid(field, redacted, error.message)];
  }
  const value: unknown = JSON.parse(text);
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return [];
  const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return [invalid(field, redacted, `json: cannot unmarshal ${what} into Go value of type map[string]interface {}`)];
}

/** A pair that no server could use is stored all the same. */
function keyPairWarnings({ type, data = {} }: Secret): string[] {
  if (type !== 'kubernetes.io/tls') return [];
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('latin1');
  return [keyPairProblem(text('tls.crt'), text('tls.key'))].filter((problem) => problem !== undefined);
}

export const secret: Kind<Secret> = {
  strategy: {
    default: defaultSecret,
    validate,
    validateUpdate: (object, old) => [
      ...(object.type === old.type ? [] : [invalid('type', object.type, immutableMessage)]),
      ...validateImmutable(object, old, ['data']),
      ...validate(object),
    ],
    warnings: keyPairWarnings,
  },
  selectableFields: { type: ({ type }) => type },
  columns: [nameColumn, column('Type', 'What the data is for.'), column('Data', 'How many keys it has.'), ageColumn],
  cells: (object, now) => [
    object.metadata.name,
    object.type ?? '',
    Object.keys(object.data ?? {}).length,
    ageCell(object, now),
  ],
};
