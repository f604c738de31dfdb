import { describe, expect, test } from 'vitest';
import type { Node } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { deepFreeze } from '../../client/deep-freeze.ts';
import { makeNode } from '../harness/start.ts';
import { setTopologyHints, zoneRatios } from './topology-hints.ts';

function node(name: string, zone: string | undefined, cpu = '4', change: Partial<Node['metadata']> = {}): Node {
  const labels = { ...(zone !== undefined && { 'topology.kubernetes.io/zone': zone }), ...change.labels };
  const made = makeNode(name, { metadata: { name, labels } });
  made.status = { ...made.status, allocatable: { cpu } };
  return made;
}

/** A slice with ready endpoints in these zones, `zone>hint` where they have a hint. */
function slice(...endpoints: readonly string[]): EndpointSlice {
  return {
    metadata: { name: 'web-1' },
    addressType: 'IPv4',
    endpoints: endpoints.map((text, i) => {
      const [zone, hint] = text.split('>');
      return {
        addresses: [`10.0.0.${i}`],
        conditions: { ready: true },
        ...(zone && { zone }),
        ...(hint && { hints: { forZones: [{ name: hint }] } }),
      };
    }),
  };
}

const hintsOf = ({ endpoints }: EndpointSlice) => (endpoints ?? []).map(({ hints }) => hints?.forZones?.[0]?.name);
const equal = new Map([
  ['a', 0.5],
  ['b', 0.5],
]);

describe('parts of the CPU', () => {
  test.each<[string, Node[], [string, number][] | undefined]>([
    [
      'by zone',
      [node('1', 'a', '1'), node('2', 'b', '2'), node('3', 'a', '1')],
      [
        ['a', 0.5],
        ['b', 0.5],
      ],
    ],
    [
      'in thousandths of a CPU',
      [node('1', 'a', '3'), node('2', 'a', '2000m'), node('3', 'b', '4500m'), node('4', 'c', '500m')],
      [
        ['a', 0.5],
        ['b', 0.45],
        ['c', 0.05],
      ],
    ],
    ['one zone is not enough', [node('1', 'a')], undefined],
    [
      'a node without zone says that not enough is known',
      [node('1', 'a'), node('2', 'b'), node('3', undefined)],
      undefined,
    ],
    ['and so does one without CPU', [node('1', 'a'), node('2', 'b', '0')], undefined],
    [
      'nodes of the control plane do not count',
      [
        node('1', 'a'),
        node('2', 'b'),
        node('3', undefined, '4', { labels: { 'node-role.kubernetes.io/control-plane': '' } }),
      ],
      [
        ['a', 0.5],
        ['b', 0.5],
      ],
    ],
  ])('%s', (_, nodes, wanted) => {
    const ratios = zoneRatios(nodes);
    expect(ratios && [...ratios]).toEqual(wanted);
  });
});

describe('hints', () => {
  test.each<[string, ReadonlyMap<string, number>, string[], (string | undefined)[]]>([
    ['of their own zone where each has its part', equal, ['a', 'a', 'b', 'b'], ['a', 'a', 'b', 'b']],
    ['a zone with too many gives', equal, ['a', 'a', 'a', 'b'], ['b', 'a', 'a', 'b']],
    [
      'by the CPU of the zones',
      new Map([
        ['a', 0.75],
        ['b', 0.25],
      ]),
      ['b', 'b', 'b', 'a'],
      ['a', 'a', 'b', 'a'],
    ],
    ['half an endpoint is not worth a move', equal, [...'aaaabbb'], [...'aaaabbb']],
    ['zones without nodes keep their own', equal, [...'aaabbc'], [...'aaabbc']],
  ])('%s', (_, ratios, zones, wanted) => {
    const made = slice(...zones);
    expect(setTopologyHints({ create: [made], update: [], unchanged: [] }, ratios)).toBeUndefined();
    expect(hintsOf(made)).toEqual(wanted);
  });

  test.each<[string, ReadonlyMap<string, number> | undefined, string[], string]>([
    [
      'nodes',
      undefined,
      ['a>a', 'b>b'],
      'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
    ],
    ['few endpoints', equal, ['a>a'], 'Insufficient number of endpoints (1 endpoints, 2 zones)'],
    [
      'parts that are too uneven',
      new Map([
        ['a', 0.1],
        ['b', 0.45],
        ['c', 0.45],
      ]),
      ['a>a', 'b>b', 'c>c'],
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)',
    ],
    ['a zone that is not known', equal, ['a>a', 'a', 'b', ''], 'One or more endpoints do not have a zone specified'],
  ])('there are none for want of %s, and those that were there go', (_, ratios, endpoints, refusal) => {
    const slices = { create: [], update: [] as EndpointSlice[], unchanged: [deepFreeze(slice(...endpoints))] };
    expect(setTopologyHints(slices, ratios)).toBe(refusal);
    for (const one of slices.update) expect(hintsOf(one)).toEqual(endpoints.map(() => undefined));
    expect(slices.update).toHaveLength(1);
  });

  test('where there are none and none can be, nothing is written', () => {
    const slices = { create: [], update: [], unchanged: [deepFreeze(slice('a', 'a', 'b', ''))] };
    expect(setTopologyHints(slices, equal)).toBe('One or more endpoints do not have a zone specified');
    expect(slices.update).toEqual([]);
  });

  test('slices whose hints are good stay as they are; one with too many for a zone changes', () => {
    const good = deepFreeze(slice('a>a', 'b>b', 'a>b', 'b>a'));
    const slices = { create: [], update: [] as EndpointSlice[], unchanged: [good] };
    expect(setTopologyHints(slices, equal)).toBeUndefined();
    expect(slices.update).toEqual([]);
    const skewed = {
      create: [],
      update: [] as EndpointSlice[],
      unchanged: [deepFreeze(slice('a>a', 'b>a', 'a>a', 'b>a'))],
    };
    expect(setTopologyHints(skewed, equal)).toBeUndefined();
    expect(skewed.update.map(hintsOf)).toEqual([['a', 'b', 'a', 'b']]);
  });

  test('endpoints that are not ready have none', () => {
    const made = slice('a', 'b', 'a>b');
    made.endpoints![2]!.conditions = { ready: false };
    expect(setTopologyHints({ create: [], update: [made], unchanged: [] }, equal)).toBeUndefined();
    expect(hintsOf(made)).toEqual(['a', 'b', undefined]);
  });
});
