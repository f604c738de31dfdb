import { expect, test } from 'vitest';
import { definedKinds, type KindDefinition } from './defined-kinds.ts';

const definition = (spec: KindDefinition['spec'], ...isTrue: string[]): KindDefinition => ({
  apiVersion: 'v1',
  kind: 'Any',
  metadata: { name: 'any' },
  spec,
  status: { conditions: isTrue.map((type) => ({ type, status: 'True' })) },
});
const names = { plural: 'toys', kind: 'Toy' };
const schema = { storage: true };
const versions = [
  { ...schema, name: 'v2', served: true },
  { ...schema, name: 'v1', served: false },
];
const service = { name: 'toys', namespace: 'default' };
const remote = { group: 'example.com', version: 'v1', service, groupPriorityMinimum: 1, versionPriority: 1 };

test.each([
  [
    'a definition that is established',
    definition({ group: 'example.com', names, versions }, 'Established'),
    ['example.com/toys v2'],
  ],
  ['one that is not yet', definition({ group: 'example.com', names, versions }), []],
  ['a server that answers', definition(remote, 'Available'), ['example.com/ v1']],
  ['one that does not', definition(remote), []],
  ['what this server has itself', definition({ ...remote, service: undefined }, 'Available'), []],
])('%s', (_, object, kinds) => {
  expect(definedKinds(object)).toEqual(kinds);
});
