import { expect, test } from 'vitest';
import { parseCIDR } from '../net/cidr.ts';
import { decodeHeartbeat, encodeHeartbeat, Membership, silenceLimit } from './membership.ts';
import { type AnnouncedService, announcerOf, type Peer } from './plan.ts';

const web: AnnouncedService = {
  key: 'default/web',
  addresses: ['192.0.2.1'],
  localNodes: undefined,
  recorded: undefined,
};
const segment = parseCIDR('192.0.2.0/24')!;
const peer = (node: string, term?: number, networks = [segment]): Peer => ({
  node,
  networks,
  claims: new Map(term === undefined ? [] : [['default/web', term]]),
});
const view = (...peers: Peer[]) => ({ peers, eligible: new Set(peers.map(({ node }) => node)) });
const names = ['node-1', 'node-2', 'node-3'];
const idle = names.map((name) => peer(name));

test('all nodes agree, in whatever order they heard of each other', () => {
  const first = announcerOf(web, view(...idle));
  expect(names).toContain(first);
  expect(announcerOf(web, view(...idle.toReversed()))).toBe(first);
});

test('Services spread over the nodes', () => {
  const all = Array.from({ length: 60 }, (_, i) => announcerOf({ ...web, key: `default/web-${i}` }, view(...idle)));
  for (const name of names) expect(all.filter((node) => node === name).length).toBeGreaterThan(8);
});

test.each(names)('who answers already stays: %s', (name) => {
  const others = idle.filter(({ node }) => node !== name);
  expect(announcerOf(web, view(...others, peer(name, 1)))).toBe(name);
});

test('of two that answer, the later claim stands', () => {
  for (const [older, newer] of [names, names.toReversed()] as [string, string][]) {
    expect(announcerOf(web, view(peer(older, 1), peer(newer, 2)))).toBe(newer);
  }
});

test('of two equal claims the same one stands for all', () => {
  const both = [peer('node-1', 1), peer('node-2', 1)];
  expect(announcerOf(web, view(...both))).toBe(announcerOf(web, view(...both.toReversed())));
});

test.each(names)('where nobody answers, who did last does again: %s', (recorded) => {
  expect(announcerOf({ ...web, recorded }, view(...idle))).toBe(recorded);
});

test('a node that is not eligible loses its claim, and without any nobody answers', () => {
  const peers = [peer('node-1', 5), peer('node-2')];
  expect(announcerOf(web, { peers, eligible: new Set(['node-2']) })).toBe('node-2');
  expect(announcerOf(web, { peers, eligible: new Set() })).toBeUndefined();
});

test('with policy Local only nodes with a ready endpoint answer', () => {
  const local = { ...web, localNodes: new Set(['node-3']) };
  expect(announcerOf(local, view(peer('node-1', 1), ...idle.slice(1)))).toBe('node-3');
  expect(announcerOf({ ...web, localNodes: new Set<string>() }, view(...idle))).toBeUndefined();
});

test('nodes on the segment of the address go before others, and others serve where there are none', () => {
  const far = [parseCIDR('198.51.100.0/24')!];
  expect(announcerOf(web, view(peer('node-1', 3, far), peer('node-2', undefined, far), peer('node-3')))).toBe('node-3');
  expect(announcerOf(web, view(peer('node-1', 3, far), peer('node-2', undefined, far)))).toBe('node-1');
});

test('a node is dead when it was silent for longer than the limit; its terms are remembered', () => {
  const membership = new Membership();
  membership.hear(decodeHeartbeat(encodeHeartbeat(peer('node-1', 7)))!, 1000);
  expect(membership.alive(1000 + silenceLimit)).toEqual([peer('node-1', 7)]);
  expect(membership.alive(1001 + silenceLimit)).toEqual([]);
  expect(membership.termOf('default/web')).toBe(7);
  membership.keepTerms(new Set());
  expect(membership.termOf('default/web')).toBe(0);
});

test('a node that leaves is gone at once', () => {
  const membership = new Membership();
  membership.hear(decodeHeartbeat(encodeHeartbeat(peer('node-1', 1)))!, 1000);
  membership.hear(decodeHeartbeat(encodeHeartbeat({ ...peer('node-1', 1), leaves: true }))!, 1001);
  expect(membership.alive(1002)).toEqual([]);
});

test.each([
  '',
  'nonsense',
  'null',
  '{}',
  '{"node":"a","networks":[1],"claims":{}}',
  '{"node":"a","networks":[],"claims":{"a":"b"}}',
])('%j is no heartbeat', (packet) => {
  expect(decodeHeartbeat(packet)).toBeUndefined();
});
