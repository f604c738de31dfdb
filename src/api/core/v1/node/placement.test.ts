import { expect, test } from 'vitest';
import type { Node, NodeSelectorTerm, Taint, Toleration } from '../types.generated.ts';
import { matchesTerm, tolerates } from './placement.ts';

const node: Node = {
  metadata: { name: 'n', labels: { size: '10', odd: '007', big: '9223372036854775808' } },
  spec: {},
};
const label = (key: string, operator: string, values?: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key, operator, ...(values && { values }) }],
});
const field = (operator: string, values: string[]): NodeSelectorTerm => ({
  matchFields: [{ key: 'metadata.name', operator, values }],
});

test.each<[NodeSelectorTerm, boolean]>([
  [{}, false],
  [label('size', 'In', ['10']), true],
  [label('none', 'NotIn', ['10']), true],
  [label('none', 'NotIn', []), false],
  [label('size', 'Exists'), true],
  [label('size', 'Exists', ['10']), false],
  [label('none', 'DoesNotExist', ['x']), false],
  [label('size', 'Gt', ['9']), true],
  [label('size', 'Gt', ['+9']), true],
  [label('size', 'Gt', ['9.5']), false],
  [label('size', 'Lt', ['11', '12']), false],
  [label('odd', 'Lt', ['8']), true],
  [label('big', 'Gt', ['1']), false],
  [field('In', ['n']), true],
  [field('NotIn', ['m']), true],
  [field('In', ['n', 'm']), false],
  [field('Exists', []), false],
])('%j is met: %s', (term, expected) => expect(matchesTerm(node, term)).toBe(expected));

const taint: Taint = { key: 'a', value: '5', effect: 'NoSchedule' };

test.each<[Toleration, boolean]>([
  [{ key: 'a', value: '5' }, true],
  [{ key: 'a', operator: '', value: '5' }, true],
  [{ value: '5' }, true],
  [{ operator: 'Exists' }, true],
  [{ key: 'a', operator: 'Nothing', value: '5' }, false],
  [{ key: 'a', operator: 'Lt', value: '6' }, true],
  [{ key: 'a', operator: 'Gt', value: '5' }, false],
  [{ key: 'a', operator: 'Lt', value: '+6' }, false],
  [{ key: 'a', operator: 'Lt', value: '06' }, false],
  [{ key: 'a', operator: 'Exists', effect: 'NoExecute' }, false],
])('%j tolerates: %s', (toleration, expected) => expect(tolerates(toleration, taint)).toBe(expected));
