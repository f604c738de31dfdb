import { expect, test } from 'vitest';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { makeNode } from '../harness/start.ts';
import { type Eviction, evictionOf } from './disruption.ts';

/** `r` is a ready node, `s` a silent one; one word for each zone. */
function cluster(text: string): Node[] {
  return text.split(' ').flatMap((zone, z) =>
    [...zone].map((letter, i) => {
      const node = makeNode(`${z}-${i}`);
      const labels = { 'topology.kubernetes.io/zone': `${z}` };
      const conditions = [{ type: 'Ready', status: letter === 'r' ? 'True' : 'Unknown' }];
      return { ...node, metadata: { ...node.metadata, labels }, status: { ...node.status, conditions } };
    }),
  );
}

test.each<[string, string, Eviction]>([
  ['one of three', 'srr', 'normal'],
  ['the only one', 's', 'held'],
  ['all of all zones', 'ss ss', 'held'],
  ['all of one zone', 'sss rrr', 'normal'],
  ['most of a zone', 'ssrr rrr', 'normal'],
  ['more than half of a zone', 'sssrr rrr', 'paused'],
  ['two of three are too few to be a fault of the zone', 'ssr rrr', 'normal'],
  ['most of a large zone', `${'s'.repeat(40)}${'r'.repeat(20)}`, 'normal'],
])('%s: %s', (_, text, eviction) => {
  const all = cluster(text);
  expect(evictionOf(all[0]!, all)).toBe(eviction);
});

test('a node that is not counted is no sign of life', () => {
  const [silent, ready] = cluster('sr') as [Node, Node];
  ready.metadata.labels = { ...ready.metadata.labels, 'node.kubernetes.io/exclude-disruption': '' };
  expect(evictionOf(silent, [silent, ready])).toBe('held');
});
