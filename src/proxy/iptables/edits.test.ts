import { expect, test } from 'vitest';
import type { NftEvent } from '../../nftables/events.ts';
import { ipvsFootprint } from '../ipvs/rules.ts';
import { Edits, touchOf } from './edits.ts';

type Change = Extract<NftEvent, { kind: 'chain' | 'rule' }>;

const generation: NftEvent = { kind: 'generation' };
const ours = rule({ chain: 'KUBE-SERVICES', jumps: ['KUBE-SVC-ABC'] });

function rule(more: Partial<Extract<NftEvent, { kind: 'rule' }>>): Change {
  return { kind: 'rule', verb: 'add', family: 'ip', table: 'nat', chain: '', jumps: [], ...more };
}

function chain(verb: 'add' | 'delete', table: string, name: string): Change {
  return { kind: 'chain', verb, family: 'ip', table, chain: name };
}

const anyOf = (edits: Edits, events: readonly NftEvent[]): boolean =>
  events.map((event) => edits.read(event)).includes(true);

test('a generation that was announced is ours, and the next is not', () => {
  const edits = new Edits();
  edits.announce(1);
  expect(anyOf(edits, [ours, ours, generation])).toBe(false);
  expect(anyOf(edits, [ours, generation])).toBe(true);
});

test('what was announced and never came hides nothing once all is quiet', () => {
  const edits = new Edits();
  edits.announce(2);
  edits.settle();
  expect(anyOf(edits, [rule({ verb: 'delete', chain: 'KUBE-SEP-XYZ' }), generation])).toBe(true);
});

test.each([
  ['chains of others', rule({ table: 'filter', chain: 'DOCKER' })],
  ['the chains of the kubelet', chain('add', 'mangle', 'KUBE-KUBELET-CANARY')],
  ['rules of others in chains of the kernel', rule({ verb: 'delete', chain: 'POSTROUTING' })],
  ['tables of others', rule({ table: 'other', chain: 'KUBE-SERVICES' })],
])('%s are of no concern', (_, event) => {
  expect(anyOf(new Edits(), [event, generation])).toBe(false);
});

test.each([
  ['a canary', chain('delete', 'mangle', 'KUBE-PROXY-CANARY')],
  ['a jump to our chains', rule({ verb: 'delete', chain: 'PREROUTING', jumps: ['KUBE-SERVICES'] })],
])('%s is never taken away by ourselves', (_, event) => {
  const edits = new Edits();
  edits.announce(1);
  expect(edits.read(event)).toBe(true);
});

test.each([
  ['its own chains', rule({ chain: 'KUBE-LOAD-BALANCER' }), 'chain'],
  ['a jump to them that goes', rule({ verb: 'delete', chain: 'PREROUTING', jumps: ['KUBE-SERVICES'] }), 'jump'],
  ['a jump that comes', rule({ chain: 'PREROUTING', jumps: ['KUBE-SERVICES'] }), undefined],
  ['a jump of others', rule({ verb: 'delete', chain: 'PREROUTING', jumps: ['DOCKER'] }), undefined],
  ['chains of the other mode', rule({ chain: 'KUBE-SVC-ABC' }), undefined],
  ['the end of a transaction', generation, undefined],
])('what the ipvs mode wants to know of: %s', (_, event, touch) => {
  expect(touchOf(event, ipvsFootprint)).toBe(touch);
});
