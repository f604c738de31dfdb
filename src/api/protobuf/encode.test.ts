import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apiVersionOf, type GroupVersionKind } from '../../apimachinery/object.ts';
import { arbitraryObject } from '../../apimachinery/schema/arbitrary.contract.ts';
import { decodeObject } from '../../apimachinery/schema/decode.ts';
import { builtinResources } from '../registry.ts';
import { readFacts } from '../schema/facts.ts';
import { builtinSchemas } from '../schema.ts';
import { decodeProtobuf } from './decode.ts';
import { encodeList, encodeObject, enveloped, messageOfObject, watchFrame } from './envelope.ts';
import { messageOf, typeOfKind } from './messages.ts';

const schemas = builtinSchemas();

/** Every kind that a resource or subresource has for its body, once. */
const kinds: readonly GroupVersionKind[] = [
  ...new Map(
    builtinResources()
      .flatMap((resource) => [resource, ...resource.subresources])
      .map((facts) => ({ ...(facts.kindGroupVersion ?? facts), kind: facts.kind }))
      .map(({ group, version, kind }) => [`${group}/${version}/${kind}`, { group, version, kind }] as const),
  ).values(),
].filter((kind) => schemas.schemaOf(kind) !== undefined);

describe('encodeObject', () => {
  test.each(kinds.map((kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind] as const))(
    '%s: what was written is read again',
    (_name, kind) => {
      const schema = schemas.schemaOf(kind)!;
      const typed = { kind: kind.kind, apiVersion: apiVersionOf(kind) };
      fc.assert(
        fc.property(arbitraryObject(schema, 6), (object) => {
          const known = forTheWire(object, typeOfKind(kind)!) as object;
          const value = { ...typed, ...decodeObject(known, schema).object };
          const { value: read } = decodeProtobuf(encodeObject(value)!);
          expect({ ...typed, ...decodeObject(read, schema).object }).toEqual(value);
        }),
        { numRuns: 25 },
      );
    },
  );

  test('schemas in a CustomResourceDefinition keep their unions and any JSON', () => {
    const schema = {
      type: 'object',
      default: { any: [1, 'x', null, true] },
      enum: [1, 'two'],
      properties: {
        list: { type: 'array', items: { type: 'string', maxLength: 3 } },
        tuple: { items: [{ type: 'string' }, { type: 'integer', minimum: -1.5 }] },
        open: { additionalProperties: true },
        closed: { additionalProperties: false },
        map: { additionalProperties: { $ref: '#/x', 'x-kubernetes-int-or-string': true } },
      },
      dependencies: { a: ['b'], c: { type: 'object' } },
      'x-kubernetes-validations': [{ rule: 'self.a > 0', optionalOldSelf: true }],
    };
    const versions = [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } },
    ];
    const object = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', spec: { versions } };
    expect(decodeProtobuf(encodeObject(object)!).value).toEqual({ spec: { versions } });
  });

  test('fields stand by number and maps by key, whatever their order in JSON', () => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
    const one = encodeObject({ ...configMap, metadata: { name: 'a' }, data: { a: '1', b: '2' } } as never);
    const other = encodeObject({ data: { b: '2', a: '1' }, metadata: { name: 'a' }, ...configMap } as never);
    expect(other).toEqual(one);
  });
});

const facts = readFacts();

/** Where the schema takes any value and the message does not. */
const shaped: Readonly<Record<string, unknown>> = {
  CustomResourceSubresourceStatus: {},
  JSONSchemaPropsOrArray: [{ type: 'string' }],
  JSONSchemaPropsOrBool: false,
  JSONSchemaPropsOrStringArray: ['a'],
};

/** As it can stand in a message, which does not tell an empty list of a field from none. */
function forTheWire(value: unknown, type: string): unknown {
  const name = type.split('.').at(-1)!;
  if (name in shaped && type.startsWith('io.')) return shaped[name];
  if (Array.isArray(value)) return value.map((item) => forTheWire(item, type.slice(2)));
  if (typeof value !== 'object' || value === null) return value;
  const isMap = type.startsWith('map[string]');
  const fields = new Map(facts.factsOf(type)?.fields.map((field) => [field.name, field.type]));
  const parts = Object.entries(value).filter(([, part]) => isMap || !Array.isArray(part) || part.length > 0);
  return Object.fromEntries(
    parts.map(([key, part]) => [
      key,
      forTheWire(part, isMap ? type.slice('map[string]'.length) : (fields.get(key) ?? '')),
    ]),
  );
}

test('every field of every kind has its number', () => {
  const missing = new Map<string, string[]>();
  const seen = new Set<string>();
  const look = (type: string): void => {
    const plain = type.replace(/^(?:\[\]|map\[string\])+/, '');
    const found = plain.includes('.') ? facts.factsOf(plain) : undefined;
    if (seen.has(plain) || !found || found.fields[0]?.name === '(itself)') return;
    seen.add(plain);
    const numbered = namesOf(plain);
    const isKind = found.groupVersionKind !== '' || plain.endsWith('.DeleteOptions');
    const fields = found.fields.filter(({ name }) => !isKind || (name !== 'kind' && name !== 'apiVersion'));
    for (const field of fields) if (numbered.has(field.name)) look(field.type);
    const without = fields.filter(({ name }) => !numbered.has(name)).map(({ name }) => name);
    if (without.length > 0) missing.set(plain.split('.').slice(-3).join('.'), without);
  };
  for (const kind of kinds) look(typeOfKind(kind) ?? '');
  look('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta');
  expect(Object.fromEntries(missing)).toEqual({});
});

function namesOf(type: string, message = type): Set<string> {
  const fields = [...messageOf(type, message).values()];
  return new Set(fields.flatMap((field) => (field.isInlined ? [...namesOf(type, field.type)] : [field.name])));
}

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');

describe('envelopes', () => {
  const typed = { apiVersion: 'v1', kind: 'ConfigMap' };

  test('an object: k8s, type, message, no encoding and no content type', () => {
    expect(hex(enveloped(typed, Buffer.from('xy')))).toBe(
      `6b387300${'0a0f'}${'0a027631'}${'1209'}${hex(Buffer.from('ConfigMap'))}${'12027879'}${'1a00'}${'2200'}`,
    );
  });

  test('a list is one body, whatever pieces it comes in', () => {
    const items = ['a', 'b'].map((name) => messageOfObject({ ...typed, metadata: { name } } as never)!);
    const list = { apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: '7' }, items };
    const { head, item, tail } = encodeList(list);
    const body = Buffer.concat([head, ...items.map(item), tail]);
    const message = hex(Buffer.concat(items.map(item)));
    expect(hex(body)).toBe(
      `6b387300${'0a13'}${'0a027631'}${'120d'}${hex(Buffer.from('ConfigMapList'))}${'1213'}${'0a03120137'}${message}${'1a00'}${'2200'}`,
    );
    expect(message).toBe('12050a030a0161' + '12050a030a0162');
  });

  test('partial metadata is a message with metadata as its first field', () => {
    const partial = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name: 'a' } };
    expect(hex(messageOfObject(partial))).toBe('0a030a0161');
  });

  test('a list of metadata had its fields the other way round at first', () => {
    const items = [Buffer.from('xy')];
    const bytes = (version: string) => {
      const kind = { apiVersion: `meta.k8s.io/${version}`, kind: 'PartialObjectMetadataList' };
      const { head, item } = encodeList({ ...kind, metadata: { resourceVersion: '7' }, items });
      return [hex(head).slice(-10), hex(item(items[0]!))];
    };
    expect(bytes('v1')).toEqual(['0a03120137', '12027879']);
    expect(bytes('v1beta1')).toEqual(['1203120137', '0a027879']);
  });

  test('a frame of a watch: length, type, object', () => {
    expect(hex(watchFrame('ADDED', Buffer.from('obj')))).toBe(
      `0000000e${'0a05'}${hex(Buffer.from('ADDED'))}${'1205'}${'0a03'}${hex(Buffer.from('obj'))}`,
    );
  });

  test('a kind without a message has no bytes', () => {
    expect(encodeObject({ apiVersion: 'example.com/v1', kind: 'Thing' })).toBeUndefined();
  });
});
