import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExactly } from '../../apimachinery/json/int64.ts';
import { parseSharing } from './shared-fields.ts';

const key = fc.string({ unit: fc.constantFrom('f:a', 'k:{"b":"}', '"', '\\', '{', '}', ':', 'é') });
const fields = fc.letrec((tie) => ({
  set: fc.oneof({ maxDepth: 3 }, fc.constant({}), fc.dictionary(key, tie('set'), { maxKeys: 3 })),
})).set;
const entry = fc.record(
  {
    manager: key,
    fieldsType: fc.constant('FieldsV1'),
    fieldsV1: fc.oneof(fields, fc.constant(null)),
    subresource: key,
  },
  { requiredKeys: ['manager'] },
);
/** Custom resources may say anything, also what looks like sets of fields. */
const spec = fc.oneof(fc.jsonValue(), fc.record({ fieldsV1: fc.oneof(fields, fc.constant(0)) }));
const objects = fc.record(
  { metadata: fc.record({ name: key, managedFields: fc.array(entry) }, { requiredKeys: ['name'] }), spec },
  { requiredKeys: ['metadata'] },
);

test('it is what the text says, whatever its fields are', () => {
  fc.assert(
    fc.property(objects, (object) => {
      const text = JSON.stringify(object);
      expect(parseSharing(text)).toEqual(parseExactly(text));
    }),
  );
});

test.each(['{"fieldsV1":{}}', '[null,{"fieldsV1":{}}]', '[[{"fieldsV1":{}}]]', '"{"'])(
  'managedFields of another form are what they are: %s',
  (managedFields) => {
    const text = `{"metadata":{"name":"a","managedFields":${managedFields}},"spec":{"fieldsV1":{}}}`;
    expect(parseSharing(text)).toEqual(parseExactly(text));
  },
);

test('objects that were written alike have their sets of fields in common', () => {
  const text = (name: string) =>
    `{"metadata":{"name":"${name}","managedFields":[{"manager":"m","fieldsV1":{"f:spec":{"f:type":{}}}}]}}`;
  const [one, other] = [parseSharing(text('one')), parseSharing(text('other'))];
  expect(other.metadata.name).toBe('other');
  expect(other.metadata.managedFields![0]!.fieldsV1).toBe(one.metadata.managedFields![0]!.fieldsV1);
});
