import { expect, test } from 'vitest';
import { scalarSchema } from '../../../apimachinery/schema/schema.ts';
import { fieldSchema, objectSchema } from './field-schema.ts';

test('a resource inside of a resource has metadata of its type, and no other fields than its schema says', () => {
  const metadata = objectSchema('v1.ObjectMeta', []);
  const spec = { type: 'string' };
  const schema = fieldSchema(
    { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec } },
    { metadata },
  );
  const fields = schema.kind === 'object' ? Object.fromEntries(schema.fields) : {};
  const text = { schema: scalarSchema('string') };
  expect(fields).toMatchObject({ apiVersion: text, kind: text, metadata: { schema: metadata }, spec: text });
  expect(schema).not.toHaveProperty('others');
});
