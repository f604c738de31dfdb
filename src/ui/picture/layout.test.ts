import { expect, test } from 'vitest';
import type { Item } from '../../explain/picture/picture.ts';
import { withChanges, worldOf } from '../state/world.ts';
import { layoutOf, mostOpenDoors, mostPodCards } from './layout.ts';
import { linesOf, lostOf, shareOf } from './lines.ts';

const node = (name: string): Item => ({
  kind: 'Node',
  id: `Node ${name}`,
  name,
  zone: undefined,
  isReady: true,
  addresses: [],
  podCIDRs: [],
});
const pod = (i: number, nodeName: string): Item => ({
  kind: 'Pod',
  id: `Pod d/p${i}`,
  namespace: 'd',
  name: `p${i}`,
  node: nodeName,
  addresses: [`10.0.0.${i}`],
  state: 'ready',
});
const service = (i: number, endpoints: readonly (readonly [number, string])[]): Item[] => [
  {
    kind: 'Service',
    id: `Service d/s${i}`,
    namespace: 'd',
    name: `s${i}`,
    type: 'ClusterIP',
    clusterIPs: [],
    externalIPs: [],
    externalName: undefined,
    ports: [],
  },
  {
    kind: 'EndpointSlice',
    id: `EndpointSlice d/s${i}-x`,
    namespace: 'd',
    name: `s${i}-x`,
    service: `Service d/s${i}`,
    addressType: 'IPv4',
    ports: [],
    endpoints: endpoints.map(([p, nodeName]) => ({
      address: `10.0.0.${p}`,
      node: nodeName,
      target: `Pod d/p${p}`,
      ready: true,
      serving: true,
      terminating: false,
    })),
  },
  {
    kind: 'Traffic',
    id: `Traffic d/s${i}`,
    ports: ['IPv4', 'IPv6'].map((family) => ({
      name: '',
      port: 80,
      protocol: 'tcp',
      shares:
        family === 'IPv4' ? Object.fromEntries(endpoints.map(([p]) => [`10.0.0.${p}:80`, 1 / endpoints.length])) : {},
      lost: family === 'IPv4' && endpoints.length > 0 ? 0 : 1,
    })),
  },
];

const moment = { revision: 1, time: 0 };
const small = worldOf(
  [
    node('a'),
    node('b'),
    pod(1, 'a'),
    pod(2, 'b'),
    ...service(1, [
      [1, 'a'],
      [2, 'b'],
    ]),
  ],
  moment,
);

test('few pods are cards of their own, and lines lead to them with their shares', () => {
  const layout = layoutOf(small, undefined);
  expect(layout.pods.map(({ id }) => id)).toEqual(['Pod d/p1', 'Pod d/p2']);
  expect(linesOf(small, layout).map(({ from, to, label }) => `${from} > ${to} ${label}`.trim())).toEqual([
    'Service d/s1 > EndpointSlice d/s1-x',
    'EndpointSlice d/s1-x > Pod d/p1 50 %',
    'EndpointSlice d/s1-x > Pod d/p2 50 %',
  ]);
});

test('many pods are squares in their node, and lines lead to nodes with the sum of the shares', () => {
  const many = Array.from({ length: mostPodCards + 1 }, (_, i) => pod(i, i % 3 === 0 ? 'a' : 'b'));
  const world = worldOf(
    [
      node('a'),
      node('b'),
      ...many,
      ...service(1, [
        [0, 'a'],
        [1, 'b'],
        [2, 'b'],
        [4, 'b'],
      ]),
    ],
    moment,
  );
  const layout = layoutOf(world, undefined);
  expect(layout.pods).toEqual([]);
  expect(
    linesOf(world, layout)
      .slice(1)
      .map(({ to, label }) => `${to} ${label}`),
  ).toEqual(['Node a 25 %', 'Node b 75 %']);
});

test('of many Services only the chosen one shows its slices', () => {
  const services = Array.from({ length: mostOpenDoors + 1 }, (_, i) => service(i, [[1, 'a']])).flat();
  const world = worldOf([node('a'), pod(1, 'a'), ...services], moment);
  expect(layoutOf(world, undefined).slices).toEqual([]);
  expect(layoutOf(world, 'Service d/s3').slices.map(({ id }) => id)).toEqual(['EndpointSlice d/s3-x']);
});

test('boxes never overlap', () => {
  const pods = Array.from({ length: 200 }, (_, i) => pod(i, `n${i % 12}`));
  const nodes = Array.from({ length: 12 }, (_, i) => node(`n${i}`));
  const services = Array.from({ length: 40 }, (_, i) => service(i, [[i, 'n0']])).flat();
  const { doors, slices, machines } = layoutOf(worldOf([...nodes, ...pods, ...services], moment), 'Service d/s0');
  const boxes = [...doors, ...slices, ...machines];
  for (const [i, a] of boxes.entries()) {
    for (const b of boxes.slice(i + 1)) {
      const isApart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect(isApart, `${a.id} and ${b.id}`).toBe(true);
    }
  }
});

const crowd = (extra: number) =>
  worldOf(
    [
      ...Array.from({ length: 30 }, (_, i) => node(`n${i}`)),
      ...Array.from({ length: 300 + extra }, (_, i) => pod(i, `n${i % 30}`)),
      ...Array.from({ length: 100 }, (_, i) => service(i, [[i, 'n0']])).flat(),
    ],
    moment,
  );

test('a crowd is drawn closer together, in about the proportions of the stage', () => {
  const { isDense, doors, machines } = layoutOf(crowd(0), undefined);
  const right = Math.max(...machines.map(({ x, width }) => x + width));
  const bottom = Math.max(...[...doors, ...machines].map(({ y, height }) => y + height));
  expect(isDense).toBe(true);
  expect(right / bottom).toBeGreaterThan(0.9);
  expect(right / bottom).toBeLessThan(2);
});

test('boxes stay where they are while pods come and go, as long as there is room', () => {
  const before = layoutOf(crowd(0), undefined);
  const places = (layout: typeof before) => layout.machines.map(({ x, y, height }) => [x, y, height]);
  expect(places(layoutOf(crowd(40), undefined, before))).toEqual(places(before));
  expect(places(layoutOf(crowd(-40), undefined, before))).toEqual(places(before));
  const full = layoutOf(crowd(900), undefined, before);
  expect(full.rows * (full.machines[0]?.perRow ?? 0)).toBeGreaterThanOrEqual(40);
});

test('a door alarms when nobody answers in any family', () => {
  expect(lostOf({ id: 'Service d/s1' }, small)).toBe(0);
  const empty = worldOf(service(1, []), moment);
  expect(lostOf({ id: 'Service d/s1' }, empty)).toBe(1);
});

test('a world that changed is the world that one would have made', () => {
  const moved = { ...pod(1, 'b'), state: 'waiting' } as Item;
  const set = [moved, pod(3, 'a'), node('c'), ...service(2, [[3, 'a']])];
  const after = withChanges(small, [
    { revision: 2, time: 1, set, gone: ['Pod d/p2'] },
    { revision: 3, time: 2, set: [], gone: ['Node c', 'Traffic d/s1', 'EndpointSlice d/s1-x'] },
  ]);
  expect(after).toEqual(worldOf(after.items.values(), { revision: 3, time: 2 }));
  expect(after.podsOfNode.get('a')?.map(({ name }) => name)).toEqual(['p3']);
  expect(after.podsOfNode.get('b')).toEqual([moved]);
  expect([...after.slicesOf.keys()]).toEqual(['Service d/s2']);
  expect(after.nodes.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('a change leaves alone what it does not touch', () => {
  const after = withChanges(small, [
    { revision: 2, time: 1, set: [{ ...pod(2, 'b'), state: 'failed' } as Item], gone: [] },
  ]);
  expect(after.podsOfNode.get('a')).toBe(small.podsOfNode.get('a'));
  expect(after.podsOfNode.get('b')).not.toBe(small.podsOfNode.get('b'));
  expect(after.services).toBe(small.services);
  expect(after.revision).toBe(2);
});

test('an endpoint has the share of whichever port sends to it, of either family', () => {
  const port = { name: '', port: 80, protocol: 'tcp', lost: 0 };
  const ports = ['10.0.0.1:80', '[fd00::1]:80'].map((endpoint) => ({ ...port, shares: { [endpoint]: 0.5 } }));
  const traffic = { kind: 'Traffic', id: 'Traffic d/s', ports } as const;
  expect(['10.0.0.1', 'fd00::1', '10.0.0.11'].map((address) => shareOf({ address }, traffic))).toEqual([0.5, 0.5, 0]);
});
