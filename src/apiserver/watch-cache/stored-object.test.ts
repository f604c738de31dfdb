import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { encodeForStorage, StoredObject } from './stored-object.ts';

const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '{', '}', ':', ',', 'é', '\n') });
const objects = fc.record({
  kind: fc.constant('Thing'),
  apiVersion: fc.constant('v1'),
  metadata: fc.record({ name: text, annotations: fc.dictionary(text, text), finalizers: fc.array(text) }),
  spec: fc.jsonValue(),
});

test('the metadata is that of the whole object, whatever its texts are', () => {
  fc.assert(
    fc.property(objects, fc.nat(), (object, revision) => {
      const value = encodeForStorage(object as unknown as KubeObject);
      const alone = new StoredObject('k', value, revision).metadata;
      expect(alone).toEqual(new StoredObject('k', value, revision).object.metadata);
    }),
  );
});
