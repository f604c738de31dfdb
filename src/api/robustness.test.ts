import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { KubeObject } from '../apimachinery/object.ts';
import { arbitraryObject } from '../apimachinery/schema/arbitrary.contract.ts';
import { decodeObject } from '../apimachinery/schema/decode.ts';
import { builtinResources } from './registry.ts';
import { builtinSchemas } from './schema.ts';

const schemas = builtinSchemas();
const definitions = builtinResources().filter(({ verbs }) => verbs.includes('create') && verbs.includes('list'));
const runs = 40;

// Whatever the decoder lets through is judged: a kind that throws would answer 500.
describe('no kind throws on what its schema lets through', () => {
  test.each(definitions.map((one) => [`${one.resource}.${one.group}/${one.version}`, one] as const))('%s', (_, one) => {
    const schema = schemas.schemaOf(one)!;
    const { strategy, subresources } = one;
    const decode = (value: unknown): KubeObject => {
      const { object } = decodeObject(value, schema);
      const metadata = {
        name: 'x',
        uid: 'u',
        ...(object.metadata as object),
        ...(one.namespaced && { namespace: 'n' }),
      };
      return { ...object, metadata } as KubeObject;
    };
    const judge = (object: KubeObject, old: KubeObject): void => {
      strategy.default?.(object);
      strategy.prepareForUpdate?.(object, old);
      strategy.validateUpdate?.(object, old);
      strategy.warnings?.(object, old);
      const status = structuredClone(object);
      if (subresources.some(({ resource }) => resource.endsWith('/status'))) {
        strategy.prepareForStatusUpdate?.(status, old);
        strategy.validateStatusUpdate?.(status, old);
      }
      for (const own of Object.values(strategy.subresources ?? {})) {
        const copy = structuredClone(object);
        own.prepareForUpdate?.(copy, old);
        own.validateUpdate?.(copy, old);
      }
    };
    fc.assert(
      fc.property(arbitraryObject(schema, 5), arbitraryObject(schema, 5), (first, second) => {
        const old = decode(first);
        strategy.default?.(old);
        strategy.prepareForCreate?.(old);
        const errors = strategy.validate?.(old) ?? [];
        strategy.warnings?.(old);
        strategy.statusWarnings?.(old);
        // What was refused is never shown.
        if (errors.length === 0) one.cells(old, 0);
        judge(decode(second), old);
        judge(decode(first), old);
        // A client that leaves everything out but what it must say.
        judge(decode({ spec: {} }), old);
      }),
      { numRuns: runs },
    );
  });
});
