import { expect, test } from 'vitest';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { addressOfOther } from './identity.ts';

function node(addresses: readonly string[], ready: string): Node {
  return {
    metadata: { name: 'one' },
    spec: {},
    status: {
      addresses: [
        { type: 'Hostname', address: 'one' },
        ...addresses.map((address) => ({ type: 'InternalIP', address })),
      ],
      conditions: [{ type: 'Ready', status: ready }],
    },
  };
}

test.each([
  ['of another machine', node(['192.0.2.11', 'fd00::b'], 'True'), '192.0.2.11'],
  ['of this machine', node(['192.0.2.12'], 'True'), undefined],
  ['of this machine by its other address', node(['192.0.2.11', 'fd00::c'], 'True'), undefined],
  ['that nobody hears of', node(['192.0.2.11'], 'Unknown'), undefined],
  ['that never was', { metadata: { name: 'one' }, spec: {} }, undefined],
])('a node of the same name, %s', (_, found, expected) => {
  expect(addressOfOther(found, ['192.0.2.12', 'fd00::c'])).toBe(expected);
});
