import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementText } from './element-text.ts';
import { type ElementEvent, littleEndian, type NftEvent, NftEventReader } from './events.ts';
import type { SetDeclaration } from './ruleset.ts';

// What Linux 6.18 told of these, one message a line:
//   delete element ip portico-proxy m { 10.0.0.1 . tcp . 80 }          a map of verdicts
//   delete element ip portico-proxy e { 10.0.0.1 . tcp . 80 . 3 }      a map of addresses and ports
//   add element ip portico-proxy i { 1.2.3.4 . 11.0.0.0/8 }            a set with ranges
//   add chain ip portico-proxy d
//   add element ip portico-proxy m { 10.0.0.2 . tcp . 80 : goto d }
//   add rule ip portico-proxy d accept
//   delete table ip portico-proxy
const lines = readFileSync(join(import.meta.dirname, 'testdata/messages.hex'), 'utf8')
  .trimEnd()
  .split('\n');
const padded = lines.map((line) => Buffer.concat([Buffer.from(line, 'hex'), Buffer.alloc(-(line.length / 2) & 3)]));
const recorded = new Uint8Array(Buffer.concat(padded));

const read = (pieces: readonly Uint8Array[]): NftEvent[] => {
  const reader = new NftEventReader();
  return pieces.flatMap((piece) => [...reader.read(piece)]);
};

const declarations: Record<string, SetDeclaration> = {
  m: { kind: 'map', name: 'm', type: 'type ipv4_addr . inet_proto . inet_service : verdict' },
  e: {
    kind: 'map',
    name: 'e',
    type: 'typeof ip daddr . meta l4proto . th dport . numgen random mod 65535 : ip daddr . th dport',
  },
  i: { kind: 'set', name: 'i', type: 'type ipv4_addr . ipv4_addr', flags: ['interval'] },
};

function textOf(event: NftEvent): string {
  if (event.kind === 'generation') return 'generation';
  const { kind, verb, family, table } = event;
  const subject = `${verb} ${kind} ${family} ${table}`;
  if (kind === 'element') return `${subject} ${event.set} ${elementText(declarations[event.set]!, event)?.join(' : ')}`;
  return 'chain' in event ? `${subject} ${event.chain}` : subject;
}

// The machines that tell otherwise cannot read the record.
test.runIf(littleEndian)('the messages of the kernel are read, whatever pieces they come in', () => {
  expect(read([recorded]).map(textOf)).toEqual([
    'delete element ip portico-proxy m 10.0.0.1 . tcp . 80 : goto c',
    'generation',
    'delete element ip portico-proxy e 10.0.0.1 . tcp . 80 . 3 : 10.2.0.1 . 8080',
    'generation',
    'add element ip portico-proxy i undefined',
    'generation',
    'add chain ip portico-proxy d',
    'generation',
    'add element ip portico-proxy m 10.0.0.2 . tcp . 80 : goto d',
    'generation',
    'add rule ip portico-proxy d',
    'generation',
    'delete rule ip portico-proxy d',
    'delete set ip portico-proxy',
    'delete set ip portico-proxy',
    'delete set ip portico-proxy',
    'delete chain ip portico-proxy c',
    'delete chain ip portico-proxy d',
    'delete table ip portico-proxy',
    'generation',
  ]);
  const whole = JSON.stringify(read([recorded]));
  fc.assert(
    fc.property(fc.array(fc.nat(recorded.length), { maxLength: 20 }), (cuts) => {
      const ends = [...cuts.sort((a, b) => a - b), recorded.length];
      const pieces = ends.map((end, i) => recorded.subarray(ends[i - 1] ?? 0, end));
      expect(JSON.stringify(read(pieces))).toBe(whole);
    }),
  );
});

const element = (key: readonly number[], more: Partial<ElementEvent> = {}): ElementEvent => ({
  kind: 'element',
  verb: 'add',
  family: 'ip6',
  table: 't',
  set: 's',
  key: new Uint8Array(key),
  ...more,
});

test.each([
  ['type ipv6_addr', [0xfd, ...Array<number>(14).fill(0), 1], 'fd00::1'],
  ['type inet_proto . inet_service', [17, 0, 0, 0, 0, 53], 'udp . 53'],
  ['type inet_proto . inet_service', [47, 0, 0, 0, 0, 53], '47 . 53'],
  ['type ipv4_addr . inet_service', [10, 0, 0, 1, 0], undefined],
  ['type ifname', [1], undefined],
])('a key of %s', (type, key, text) => {
  expect(elementText({ kind: 'set', name: 's', type }, element(key))?.[0]).toBe(text);
});

test.each([
  [{ code: 0, chain: '' }, 'drop'],
  [{ code: -3, chain: 'c' }, 'jump c'],
  [{ code: -99, chain: '' }, undefined],
])('a verdict', (value, text) => {
  const declaration: SetDeclaration = { kind: 'map', name: 's', type: 'type inet_service : verdict' };
  expect(elementText(declaration, element([0, 80], { value }))?.[1]).toBe(text);
});
