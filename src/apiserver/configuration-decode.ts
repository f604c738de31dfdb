// Takes a parsed configuration file, or a webhook's answer, for what its Go types make of it: null is what is not there, an empty element of a list is an
// element without fields, and another type is an error in the words of Go's encoding/json. Pure.
import { ownValue } from '../apimachinery/table.ts';

/** A text or a number may have a type of its own, by whose name errors call it: `v1.Stage`. */
export type Shape =
  | { readonly text: string; readonly isNullEmpty?: boolean }
  | { readonly bool: true }
  | { readonly int: string }
  | { readonly list: Shape }
  | { readonly map: { readonly list: { readonly text: string } } }
  | Struct;

export interface Struct {
  /** As Go calls it, without its package. */
  readonly struct: string;
  readonly fields: Readonly<Record<string, Shape>>;
}

/** What is decoded by a shape. */
export type Decoded<S extends Shape> = S extends { readonly text: string }
  ? string
  : S extends { readonly bool: true }
    ? boolean
    : S extends { readonly int: string }
      ? number
      : S extends { readonly list: infer Element extends Shape }
        ? readonly Decoded<Element>[]
        : S extends { readonly map: unknown }
          ? Readonly<Record<string, readonly string[]>>
          : S extends Struct
            ? { readonly [Name in keyof S['fields']]?: Decoded<S['fields'][Name]> }
            : never;

export const text = { text: 'string' } as const;
/** A time.Duration that is no pointer reads null as an empty text. */
export const duration = { text: 'string', isNullEmpty: true } as const;
export const bool = { bool: true } as const;
export const int32 = { int: 'int32' } as const;
export const list = <S extends Shape>(of: S) => ({ list: of });
export const texts = list(text);
export const textsByName = { map: texts } as const;
export const struct = <F extends Struct['fields']>(name: string, fields: F) => ({ struct: name, fields });

/**
 * The value with nothing but what its shape knows. Throws an Error for a value of another type; for fields that it does not know, too,
 * where `isStrict`.
 */
export function decodeConfiguration<S extends Struct>(
  value: unknown,
  shape: S,
  { isStrict }: { readonly isStrict: boolean },
): Decoded<S> {
  const unknown: string[] = [];
  const decoded = fieldsOf(value, shape, { path: '', at: '', unknown });
  if (isStrict && unknown.length > 0) {
    const told = unknown.map((at) => `unknown field ${JSON.stringify(at)}`);
    throw new Error(`strict decoding error: ${told.join(', ')}`);
  }
  return decoded as Decoded<S>;
}

interface Place {
  /** Names alone, as errors of types have it: `jwt.issuer.url`. */
  readonly path: string;
  /** With the numbers of elements: `jwt[0].issuer.url`. */
  readonly at: string;
  readonly unknown: string[];
}

function fieldsOf(value: unknown, { struct: owner, fields }: Struct, { path, at, unknown }: Place) {
  const found: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value as object)) {
    const shape = ownValue(fields, name);
    const inner = { path: path === '' ? name : `${path}.${name}`, at: at === '' ? name : `${at}.${name}`, unknown };
    if (!shape) unknown.push(inner.at);
    else if (one === null && 'text' in shape && shape.isNullEmpty) found[name] = '';
    else if (one !== null && one !== undefined) found[name] = decoded(one, shape, { ...inner, owner });
  }
  return found;
}

function decoded(value: unknown, shape: Shape, place: Place & { readonly owner: string }): unknown {
  if ('list' in shape && Array.isArray(value)) {
    return value.map((one, i) => {
      const at = `${place.at}[${i}]`;
      return one === null ? emptyOf(shape.list) : decoded(one, shape.list, { ...place, at });
    });
  }
  if ('map' in shape && kindOf(value) === 'object') {
    const values = Object.entries(value as object);
    return Object.fromEntries(
      values.map(([key, one]) => [key, one === null ? emptyOf(shape.map) : decoded(one, shape.map, place)]),
    );
  }
  if ('struct' in shape && kindOf(value) === 'object') return fieldsOf(value, shape, place);
  if ('text' in shape && typeof value === 'string') return value;
  if ('bool' in shape && typeof value === 'boolean') return value;
  if ('int' in shape && typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
  const kind = 'int' in shape && typeof value === 'number' ? `number ${value}` : kindOf(value);
  const { owner, path } = place;
  throw new Error(`json: cannot unmarshal ${kind} into Go struct field ${owner}.${path} of type ${typeOf(shape)}`);
}

function emptyOf(shape: Shape): unknown {
  if ('struct' in shape || 'map' in shape) return {};
  if ('list' in shape) return [];
  return 'text' in shape ? '' : 'bool' in shape ? false : 0;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function typeOf(shape: Shape): string {
  if ('list' in shape) return `[]${typeOf(shape.list)}`;
  if ('map' in shape) return `map[string]${typeOf(shape.map)}`;
  if ('struct' in shape) return `v1.${shape.struct}`;
  return 'text' in shape ? shape.text : 'bool' in shape ? 'bool' : shape.int;
}
