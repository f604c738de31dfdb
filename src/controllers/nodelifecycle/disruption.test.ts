import { expect, test } from 'vitest';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { makeNode } from '../harness/start.ts';
import { defaultRates, type EvictionRates, evictionOf, ZoneHealth } from './disruption.ts';

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

function healthOf(all: readonly Node[]): ZoneHealth {
  const health = new ZoneHealth();
  for (const one of all) health.set(one);
  return health;
}

function rateIn(text: string, rates: Partial<EvictionRates> = {}): number | 'held' {
  const all = cluster(text);
  const eviction = evictionOf(all[0]!, healthOf(all), { ...defaultRates, ...rates });
  return eviction.kind === 'held' ? 'held' : eviction.rate;
}

test.each<[string, string, number | 'held']>([
  ['one of three', 'srr', 0.1],
  ['the only one', 's', 'held'],
  ['all of all zones', 'ss ss', 'held'],
  ['all of one zone', 'sss rrr', 0.1],
  ['most of a zone', 'ssrr rrr', 0.1],
  ['more than half of a zone', 'sssrr rrr', 0],
  ['two of three are too few to be a fault of the zone', 'ssr rrr', 0.1],
  ['most of a large zone', `${'s'.repeat(40)}${'r'.repeat(20)}`, 0.01],
])('%s: %s', (_, text, rate) => {
  expect(rateIn(text)).toBe(rate);
});

test('rates and thresholds are as they are told', () => {
  expect(rateIn('srr', { rate: 2 })).toBe(2);
  expect(rateIn('sssrr', { largeClusterSizeThreshold: 4, secondaryRate: 1 })).toBe(1);
  expect(rateIn('sssrr', { unhealthyZoneThreshold: 0.7 })).toBe(0.1);
});

test('a node that is not counted is no sign of life', () => {
  const [silent, ready] = cluster('sr') as [Node, Node];
  ready.metadata.labels = { ...ready.metadata.labels, 'node.kubernetes.io/exclude-disruption': '' };
  expect(evictionOf(silent, healthOf([silent, ready]), defaultRates)).toEqual({ kind: 'held' });
});

test('the counts follow nodes that change, move and go', () => {
  const [one, other] = cluster('r r') as [Node, Node];
  const [silent] = cluster('s') as [Node];
  const health = healthOf([one, other]);
  health.set(silent);
  expect(health.isAllSilent).toBe(false);
  health.remove(other.metadata.name);
  expect(health.isAllSilent).toBe(true);
  health.set({ ...one, metadata: { ...one.metadata, labels: {} } });
  expect(health.isAllSilent).toBe(false);
  expect(evictionOf(silent, health, defaultRates)).toEqual({ kind: 'limited', rate: 0.1 });
  health.remove(one.metadata.name);
  expect(health.isAllSilent).toBe(false);
});
