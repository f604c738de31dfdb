// Reads the parsed configuration files of the server (apiserver.config.k8s.io), strictly: what is unknown is refused. Pure.

export type Fields = Readonly<Record<string, unknown>>;

/** Throws an Error for anything else than an object with known fields. */
export function fieldsOf(value: unknown, at: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${at || 'the configuration'}: must be an object`);
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return value as Fields;
  throw new Error(`strict decoding error: unknown field ${JSON.stringify(at === '' ? unknown : `${at}.${unknown}`)}`);
}

/** What is not there is empty. */
export function listOf(value: unknown, at: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${at}: must be a list`);
  return value;
}

/** What is not there is empty. */
export function textOf(value: unknown, at: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new Error(`${at}: must be a text`);
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
