// Reads the parsed configuration files of the server (apiserver.config.k8s.io), strictly: what is unknown is refused. Pure.

export type Fields = Readonly<Record<string, unknown>>;

/** A value of another type than its field's. */
export class FieldTypeError extends Error {
  override readonly name = 'FieldTypeError';
  /** As in `jwt[0].issuer`. */
  readonly at: string;
  readonly value: unknown;

  constructor(at: string, value: unknown, wanted: string) {
    super(`${at || 'the configuration'}: must be ${wanted}`);
    this.at = at;
    this.value = value;
  }
}

/** Throws an Error for anything else than an object with known fields. */
export function fieldsOf(value: unknown, at: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FieldTypeError(at, value, 'an object');
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return value as Fields;
  throw new Error(`strict decoding error: unknown field ${JSON.stringify(at === '' ? unknown : `${at}.${unknown}`)}`);
}

/** What is not there is empty. */
export function listOf(value: unknown, at: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new FieldTypeError(at, value, 'a list');
  return value;
}

/** What is not there is empty. */
export function textOf(value: unknown, at: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new FieldTypeError(at, value, 'a text');
  return value;
}

/** Those of the fields that say something: only an empty prefix does. */
export function textsOf<K extends string>(fields: Fields, at: string, names: readonly K[]): Partial<Record<K, string>> {
  const found: Partial<Record<K, string>> = {};
  for (const name of names) {
    const isGiven = fields[name] !== undefined && fields[name] !== null;
    const text = textOf(fields[name], `${at}.${name}`);
    if (isGiven && (text !== '' || name === 'prefix')) found[name] = text;
  }
  return found;
}
