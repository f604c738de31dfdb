// The schemas of the built-in kinds, made from the tables of facts. A type is made when it is first looked into, so that
// start-up pays for the kinds in use only.

import type { GroupVersionKind } from '../apimachinery/object.ts';
import {
  type Field,
  type Forms,
  type ObjectSchema,
  type ScalarKind,
  type Schema,
  scalarSchema,
} from '../apimachinery/schema/schema.ts';
import { table } from '../apimachinery/table.ts';
import { type Facts, type FieldFacts, type MergeFacts, readFacts, type TypeFacts } from './schema/facts.ts';
import { type GoEncoding, goEncoding } from './schema/go-encoding.ts';
import { type GoNames, goNames } from './schema/go-names.ts';

export interface Schemas {
  /** The schema of a built-in kind, or undefined. */
  schemaOf(kind: GroupVersionKind): ObjectSchema | undefined;
  /** The schema of a type by its full name (`io.k8s.api.core.v1.PodSpec`), or undefined. */
  typeSchema(name: string): ObjectSchema | undefined;
}

const scalarTypes = table<ScalarKind>({
  string: 'string',
  'string:byte': 'bytes',
  'string:date-time': 'time',
  boolean: 'boolean',
  'integer:int32': 'int32',
  'integer:int64': 'int64',
  'number:double': 'double',
  object: 'raw',
  any: 'any',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'raw',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'micro-time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'raw',
});

/** Defaults that the published schemas carry where a field is part of a list's key. */
const keyDefaults = table<string>({
  'core.v1.ServicePort.protocol': 'TCP',
  'core.v1.ContainerPort.protocol': 'TCP',
  'core.v1.LocalObjectReference.name': '',
});

const crds = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** `io.k8s.api.core.v1.Pod` -> `core.v1.Pod`. */
function shortName(type: string): string {
  return type.split('.').slice(-3).join('.');
}

/** `io.k8s.api.core.v1.Pod` -> `v1.Pod`, as Go prints it. */
function goName(type: string): string {
  return type.split('.').slice(-2).join('.');
}

class BuiltinSchemas implements Schemas {
  readonly #facts: Facts;
  readonly #encoding: GoEncoding;
  readonly #names: GoNames;
  readonly #types = new Map<string, ObjectSchema | undefined>();
  /** What was asked for by kind: found without making a name of group, version and kind for each request. */
  readonly #kinds = new Map<string, { readonly of: GroupVersionKind; readonly schema: ObjectSchema }[]>();

  constructor(facts: Facts, encoding: GoEncoding, names: GoNames) {
    this.#facts = facts;
    this.#encoding = encoding;
    this.#names = names;
  }

  schemaOf({ group, version, kind }: GroupVersionKind): ObjectSchema | undefined {
    const alike = this.#kinds.get(kind) ?? [];
    for (const { of, schema } of alike) if (of.group === group && of.version === version) return schema;
    const type = this.#facts.typesOfKinds.get(`${group}/${version}/${kind}`);
    const schema = type === undefined ? undefined : this.typeSchema(type);
    if (schema) this.#kinds.set(kind, [...alike, { of: { group, version, kind }, schema }]);
    return schema;
  }

  typeSchema(name: string): ObjectSchema | undefined {
    if (!this.#types.has(name)) this.#types.set(name, this.#make(name));
    return this.#types.get(name);
  }

  #make(name: string): ObjectSchema | undefined {
    const facts = this.#facts.factsOf(name);
    if (!facts || facts.fields.some((f) => f.name === '(itself)')) return undefined;
    const atomic = facts.merge.get('(itself)')?.listOrMapType === 'atomic';
    return new LazyObject(goName(name), atomic, () => this.#fields(name, facts));
  }

  #fields(type: string, facts: TypeFacts): Field[] {
    const short = shortName(type);
    return facts.fields.map((field) => {
      const merge = facts.merge.get(field.name);
      const schema = named(this.#schema(field.type, merge), this.#names.goType(short, field.name));
      const isTypeMeta = facts.groupVersionKind !== '' && (field.name === 'kind' || field.name === 'apiVersion');
      const strategies = (merge?.patchStrategy ?? '').split(',').filter((s) => s !== '');
      return {
        name: field.name,
        embedded: isTypeMeta ? 'TypeMeta' : this.#names.embedded(short, field.name),
        schema,
        required: field.required,
        absent: this.#absent(short, field, schema, facts.groupVersionKind !== ''),
        keepsZero: this.#keepsZero(short, field, schema),
        patchStrategy: strategies as Field['patchStrategy'],
        patchMergeKey: merge?.patchMergeKey || undefined,
        default: keyDefaults[`${short}.${field.name}`],
      };
    });
  }

  #schema(type: string, merge: MergeFacts | undefined): Schema {
    if (type.startsWith('[]')) {
      const listType = merge?.listOrMapType;
      return {
        kind: 'list',
        items: this.#schema(type.slice(2), undefined),
        type: listType === 'map' || listType === 'set' ? listType : 'atomic',
        keys: merge?.listMapKeys ?? [],
      };
    }
    const atomicity = merge?.listOrMapType;
    if (type.startsWith('map[string]')) {
      const values = this.#schema(type.slice('map[string]'.length), undefined);
      return { kind: 'map', values, atomic: atomicity === 'atomic' };
    }
    const scalar = scalarTypes[type];
    if (scalar !== undefined) return scalarSchema(scalar);
    const forms = this.#formsOf(type);
    if (forms) return { kind: 'any', forms };
    if (type === `${crds}.JSON`) return { kind: 'any', goType: 'v1.JSON' };
    if (type === `${crds}.CustomResourceSubresourceStatus`) return new LazyObject(goName(type), false, () => []);
    const object = this.typeSchema(type);
    if (!object) return scalarSchema('any');
    if (!atomicity) return object;
    // A field may say otherwise than its type.
    return new LazyObject(object.name, atomicity === 'atomic', () => [...object.fields.values()]);
  }

  /** The types that read their JSON themselves. */
  #formsOf(type: string): Forms | undefined {
    const object = () => this.#schema(`${crds}.JSONSchemaProps`, undefined);
    const listOf = (items: string) => () => this.#schema(`[]${items}`, undefined);
    switch (type) {
      case `${crds}.JSONSchemaPropsOrArray`:
        return { object, list: listOf(`${crds}.JSONSchemaProps`) };
      case `${crds}.JSONSchemaPropsOrStringArray`:
        return { object, list: listOf('string') };
      case `${crds}.JSONSchemaPropsOrBool`:
        return { object, allowsBoolean: true, refusal: 'boolean or JSON schema expected' };
      default:
        return undefined;
    }
  }

  #absent(type: string, field: FieldFacts, schema: Schema, isKind: boolean): Field['absent'] {
    const encoding = this.#encoding;
    if (encoding.isNullWhenAbsent(type, field.name)) return 'null';
    if (encoding.isZeroWhenAbsent(type, field.name)) return 'zero';
    if (encoding.isLeftOutThoughRequired(type, field.name)) return 'nothing';
    if (schema.kind === 'object') {
      const usual = field.name === 'metadata' || (isKind && (field.name === 'spec' || field.name === 'status'));
      return usual || field.required || encoding.isPlainStruct(type, field.name) ? 'object' : 'nothing';
    }
    if (!field.required || ['time', 'micro-time', 'any', 'raw'].includes(schema.kind)) return 'nothing';
    return schema.kind === 'list' ? 'list' : 'zero';
  }

  #keepsZero(type: string, field: FieldFacts, schema: Schema): boolean {
    if (schema.kind === 'object' || schema.kind === 'list' || schema.kind === 'map') return false;
    if (schema.kind === 'int-or-string' || schema.kind === 'any') return true;
    const isText = !['boolean', 'int32', 'int64', 'double'].includes(schema.kind);
    return this.#encoding.keepsZero(type, field.name, isText ? 'text' : 'other');
  }
}

/** The schema under the names of Go's types: `[]v1.AccessMode` names the items, `v1.ResourceList` the map itself. */
function named(schema: Schema, goType: string | undefined): Schema {
  if (goType === undefined || schema.kind === 'object') return schema;
  if (schema.kind === 'list' && goType.startsWith('[]'))
    return { ...schema, items: named(schema.items, goType.slice(2)) };
  const values = /^map\[string\](.+)$/.exec(goType)?.[1];
  if (schema.kind === 'map' && values !== undefined) return { ...schema, values: named(schema.values, values) };
  return { ...schema, goType };
}

class LazyObject implements ObjectSchema {
  readonly kind = 'object';
  readonly name: string;
  readonly atomic: boolean;
  readonly #make: () => Field[];
  #made: { fields: ReadonlyMap<string, Field>; filled: readonly Field[] } | undefined;

  constructor(name: string, atomic: boolean, make: () => Field[]) {
    this.name = name;
    this.atomic = atomic;
    this.#make = make;
  }

  get fields(): ReadonlyMap<string, Field> {
    return this.#contents().fields;
  }

  get filled(): readonly Field[] {
    return this.#contents().filled;
  }

  #contents(): { fields: ReadonlyMap<string, Field>; filled: readonly Field[] } {
    if (!this.#made) {
      const list = this.#make();
      this.#made = {
        fields: new Map(list.map((field) => [field.name, field])),
        filled: list.filter((field) => field.absent !== 'nothing'),
      };
    }
    return this.#made;
  }
}

/** The schemas of all built-in kinds. One pass over the tables; types are made as they are asked for. */
export function builtinSchemas(): Schemas {
  return new BuiltinSchemas(readFacts(), goEncoding(), goNames());
}
