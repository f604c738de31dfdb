import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage } from './decode.ts';
import { encodeMessage } from './encode.ts';
import { type Message, type RecordData, type ResourceRecord, TYPE } from './message.ts';
import { FormatError, isWithin } from './name.ts';

const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const name = fc.array(label, { maxLength: 6 }).map((labels) => (labels.length === 0 ? '.' : `${labels.join('.')}.`));
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const data: fc.Arbitrary<RecordData> = fc.oneof(
  fc.record({ type: fc.constant('A' as const), address: fc.ipV4() }),
  fc.record({ type: fc.constant('AAAA' as const), address: fc.constantFrom('::', '::1', 'fd00:96::a', '2001:db8::1') }),
  fc.record({ type: fc.constantFrom('CNAME' as const, 'NS' as const, 'PTR' as const), target: name }),
  fc.record({ type: fc.constant('SRV' as const), priority: u16, weight: u16, port: u16, target: name }),
  fc.record({
    type: fc.constant('TXT' as const),
    texts: fc.array(fc.stringMatching(/^[ -~]{0,40}$/), { minLength: 1 }),
  }),
  fc.record({
    type: fc.constant('SOA' as const),
    primary: name,
    mailbox: name,
    serial: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
  }),
);
const record: fc.Arbitrary<ResourceRecord> = fc.record({ name, ttl: u32, data });
const message: fc.Arbitrary<Message> = fc.record({
  id: u16,
  response: fc.boolean(),
  opcode: fc.integer({ min: 0, max: 15 }),
  authoritative: fc.boolean(),
  truncated: fc.constant(false),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  rcode: fc.integer({ min: 0, max: 15 }),
  question: fc.record({ name, type: u16, class: u16 }),
  answers: fc.array(record, { maxLength: 5 }),
  authority: fc.array(record, { maxLength: 2 }),
  additional: fc.array(record, { maxLength: 3 }),
  edns: fc.option(fc.record({ udpSize: u16, version: fc.constant(0), dnssecOk: fc.boolean() }), { nil: undefined }),
});

describe('messages', () => {
  test('read back as they were written', () => {
    fc.assert(
      fc.property(message, (m) => {
        expect(decodeMessage(encodeMessage(m))).toEqual(m);
      }),
    );
  });

  test('stay within the limit, and say so when records were left out', () => {
    fc.assert(
      fc.property(message, fc.integer({ min: 300, max: 700 }), (m, limit) => {
        const packet = encodeMessage(m, limit);
        const whole = encodeMessage(m);
        const read = decodeMessage(packet);
        expect(packet.length).toBeLessThanOrEqual(Math.max(limit, 12 + 5 + 73 + 11));
        // What is only additional may go without a word.
        const needed = encodeMessage({ ...m, additional: [] });
        expect(read.truncated).toBe(needed.length > limit);
        if (whole.length <= limit) expect(read.additional).toEqual(m.additional);
        expect(read.answers).toEqual(m.answers.slice(0, read.answers.length));
      }),
    );
  });

  test('noise is refused with a FormatError and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeMessage(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a broken copy of a real message is refused or read, never worse', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 0, max: 255 }), (m, at, byte) => {
        const packet = Buffer.from(encodeMessage(m));
        packet[at % packet.length] = byte;
        try {
          decodeMessage(packet);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('an OPT record has its place and its name', () => {
    const opt = (name: string) => `${name}00291000000000000000`;
    const header = '00000000000000000000';
    const inAnswers = Buffer.from(`${header.slice(0, 12)}000100000000${opt('00')}`, 'hex');
    expect(() => decodeMessage(inAnswers)).toThrow('outside the additional section');
    const below = Buffer.from(`${header}0001${opt('016100')}`, 'hex');
    expect(() => decodeMessage(below)).toThrow('below the root');
    expect(decodeMessage(Buffer.from(`${header}0001${opt('00')}`, 'hex')).edns?.udpSize).toBe(4096);
  });

  test('names in data of other types come without pointers', () => {
    // A KX record (RFC 2230) whose name points to the question.
    const packet = Buffer.from('0000800000010001000000000161000024000' + '1c00c00240001000000000004000ac00c', 'hex');
    expect(decodeMessage(packet).answers[0]?.data).toEqual({
      type: 'opaque',
      code: 36,
      bytes: Buffer.from('000a016100', 'hex'),
    });
  });

  test('whether a name is below a domain is a matter of labels', () => {
    expect(isWithin('a.cluster.local.', 'cluster.local.')).toBe(true);
    expect(isWithin('cluster.local.', 'cluster.local.')).toBe(true);
    expect(isWithin('acluster.local.', 'cluster.local.')).toBe(false);
    expect(isWithin('a\\.cluster.local.', 'cluster.local.')).toBe(false);
    expect(isWithin('a\\\\.cluster.local.', 'cluster.local.')).toBe(true);
  });

  test('a pointer that leads to itself is refused', () => {
    const packet = Buffer.from('000001000001000000000000c00c00010001', 'hex');
    expect(() => decodeMessage(packet)).toThrow(FormatError);
  });

  test('names are compressed to their first place, SRV targets are not', () => {
    const question = { name: 'web.demo.svc.cluster.local.', type: TYPE.SRV, class: 1 };
    const target = 'a.web.demo.svc.cluster.local.';
    const base = { id: 1, response: true, opcode: 0, authoritative: true, truncated: false, rcode: 0, edns: undefined };
    const srv: RecordData = { type: 'SRV', priority: 0, weight: 1, port: 80, target };
    const packet = encodeMessage({
      ...base,
      recursionDesired: false,
      recursionAvailable: false,
      question,
      answers: [{ name: question.name, ttl: 30, data: srv }],
      authority: [],
      additional: [{ name: target, ttl: 30, data: { type: 'A', address: '10.0.0.1' } }],
    });
    const [header, questionLength, pointer, fields] = [12, 28 + 4, 2, 10];
    const answerLength = pointer + fields + 6 + 30;
    const additionalLength = 2 + pointer + fields + 4;
    expect(packet.length).toBe(header + questionLength + answerLength + additionalLength);
  });
});
