// What the machinery knows of a type: enough to decode, to patch, to merge and to say who owns a field. The schemas of
// the built-in kinds are made in src/api/schema.ts from the tables of facts.

export type Schema = ObjectSchema | MapSchema | ListSchema | ScalarSchema;

/** A Go struct: fixed fields. */
export interface ObjectSchema {
  readonly kind: 'object';
  /** The type as Go prints it in errors: `v1.ServicePort`. */
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** The fields that are written even when the client leaves them out: see {@link Field.absent}. */
  readonly filled: readonly Field[];
  /** Owned and replaced as a whole (x-kubernetes-map-type: atomic). */
  readonly atomic: boolean;
  /** What fields have that are not among `fields`; absent: there are none. */
  readonly others?: Schema | undefined;
  /**
   * How a body becomes an object, for types that are no Go structs (custom resources). Nulls that the type does not allow
   * are taken out unless `keepsNulls`. Throws DecodeError.
   */
  readonly decode?: (
    value: unknown,
    options?: { readonly keepsNulls?: boolean },
  ) => {
    readonly object: Record<string, unknown>;
    readonly unknownFields: readonly string[];
  };
}

export interface Field {
  readonly name: string;
  /** The struct within the struct that has the field in Go, which JSON does not show: errors name it (`VolumeSource`). */
  readonly embedded?: string | undefined;
  readonly schema: Schema;
  /** The type says `required`; whether a value is there is for validation to say. */
  readonly required: boolean;
  /**
   * What stands for an absent or empty value when Go encodes the field: nothing at all (omitempty), the zero value of a
   * scalar, an empty object, an empty list, or null.
   */
  readonly absent: 'nothing' | 'zero' | 'object' | 'list' | 'null';
  /** `0`, `false` and `""` are values (a Go pointer), not absence. */
  readonly keepsZero: boolean;
  /** Directives of the strategic merge patch. */
  readonly patchStrategy: readonly ('merge' | 'replace' | 'retainKeys')[];
  readonly patchMergeKey: string | undefined;
  /** Stands in the key of a list item that leaves the field out (`protocol` of a port). */
  readonly default: string | number | boolean | undefined;
}

/** A Go map with text keys. */
export interface MapSchema {
  readonly kind: 'map';
  readonly goType?: string | undefined;
  readonly values: Schema;
  readonly atomic: boolean;
}

export interface ListSchema {
  readonly kind: 'list';
  readonly goType?: string | undefined;
  readonly items: Schema;
  /** How items are told apart: not at all, by their value, or by the values of `keys`. */
  readonly type: 'atomic' | 'set' | 'map';
  readonly keys: readonly string[];
}

export interface ScalarSchema {
  readonly kind: ScalarKind;
  /** The type as Go prints it in errors, where it has a name of its own. */
  readonly goType?: string | undefined;
  /** Of `any`: what there is to choose from. */
  readonly forms?: Forms | undefined;
}

/** JSON of several forms, which Go's type tells apart by itself. */
export interface Forms {
  /** Made when it is asked for: such types hold themselves. */
  readonly object: () => Schema;
  readonly list?: () => Schema;
  readonly allowsBoolean?: boolean;
  /** The error of what has none of the forms; absent: it counts as null. */
  readonly refusal?: string;
}

export type ScalarKind =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  /** Base64. */
  | 'bytes'
  | 'int-or-string'
  | 'quantity'
  | 'time'
  | 'micro-time'
  /** Any JSON value. */
  | 'any'
  /** Any JSON value, whose objects are owned field by field, and lists as a whole. */
  | 'deduced'
  /** Any JSON value, which is meant to be an object. */
  | 'raw';

const scalars = Object.fromEntries(
  (
    [
      'string',
      'boolean',
      'int32',
      'int64',
      'double',
      'bytes',
      'int-or-string',
      'quantity',
      'time',
      'micro-time',
      'any',
      'deduced',
      'raw',
    ] as const
  ).map((kind) => [kind, { kind }]),
) as Readonly<Record<ScalarKind, ScalarSchema>>;

export function scalarSchema(kind: ScalarKind): ScalarSchema {
  return scalars[kind];
}

/** The Go type as `encoding/json` prints it in errors: `[]v1.ServicePort`, `map[string]string`, `int32`. */
export function goTypeOf(schema: Schema): string {
  if (schema.kind !== 'object' && schema.goType !== undefined) return schema.goType;
  switch (schema.kind) {
    case 'object':
      return schema.name;
    case 'map':
      return `map[string]${goTypeOf(schema.values)}`;
    case 'list':
      return `[]${goTypeOf(schema.items)}`;
    case 'boolean':
      return 'bool';
    case 'double':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    case 'any':
    case 'deduced':
      return 'interface {}';
    case 'raw':
      return 'map[string]interface {}';
    case 'int32':
    case 'int64':
      return schema.kind;
    default:
      return 'string';
  }
}
