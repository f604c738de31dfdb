import { expect, test } from 'vitest';
import { configMap, maxDataBytes } from './index.ts';

test('a ConfigMap that is too large as a whole: the words that users look for', () => {
  const errorsAt = (bytes: number) => {
    const data = { k: 'x'.repeat(bytes) };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'big', namespace: 'default' }, data };
    return configMap.strategy?.validate?.(object)?.map((error) => JSON.stringify(error));
  };
  expect(errorsAt(maxDataBytes)).toEqual([]);
  expect(errorsAt(maxDataBytes + 1)).toEqual([expect.stringMatching(/"\[\]".*may not be more than 1048576 bytes/)]);
});
