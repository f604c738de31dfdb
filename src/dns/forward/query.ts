// A question on its way to an upstream: its message, and whether a reply is the reply to it.
import type { Random } from '../../system/random.ts';
import { type Message, type Question, RCODE, type ResourceRecord, TYPE } from '../wire/message.ts';

/** A question with what the client wants of its answer. */
export interface ForwardQuestion extends Question {
  /** DNSSEC records too (DO). */
  readonly dnssecOk?: boolean;
  /** Answers that fail validation too (CD). */
  readonly checkingDisabled?: boolean;
  /** For a server that knows no EDNS (RFC 6891). */
  readonly withoutEdns?: boolean;
}

/** What replies over UDP may be (DNS flag day 2020). */
const offeredUDPSize = 1232;

export function queryMessage(id: number, question: ForwardQuestion): Message {
  const { name, type, class: cls, dnssecOk = false, checkingDisabled = false, withoutEdns = false } = question;
  return {
    id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    // Whether the upstream found the signatures good is worth knowing for those who ask (RFC 6840, 5.7); it tells it to none else.
    authenticData: true,
    checkingDisabled,
    rcode: 0,
    question: { name, type, class: cls },
    answers: [],
    authority: [],
    additional: [],
    edns: withoutEdns ? undefined : { udpSize: offeredUDPSize, version: 0, dnssecOk },
  };
}

/** The name with each letter's case thrown anew, which a forger has to guess (draft-vixie-dnsext-dns0x20). Escapes stay. */
export function mixedCase(name: string, random: Random): string {
  const dice = random.bytes(name.length);
  return [...name].map((letter, i) => ((dice[i] ?? 0) & 1 ? letter.toUpperCase() : letter.toLowerCase())).join('');
}

export type Fit = 'reply' | 'other-case' | 'noise';

/** Whether a message answers the query. In other case it may come from a server that keeps none, or from a forger. */
export function fitOf(message: Message, query: Message): Fit {
  const [asked, sent] = [message.question, query.question];
  if (!message.response || message.id !== query.id || message.opcode !== 0 || !sent) return 'noise';
  // Who cannot read a query repeats nothing of it.
  if (!asked) return message.rcode === RCODE.FORMERR ? 'reply' : 'noise';
  if (asked.type !== sent.type || asked.class !== sent.class) return 'noise';
  if (asked.name === sent.name) return 'reply';
  return asked.name.toLowerCase() === sent.name.toLowerCase() ? 'other-case' : 'noise';
}

/** Whether what cannot be read is a reply to the query cut in the middle of a record, as some servers do (RFC 2181, 9). */
export function isCutReply(packet: Buffer, { id }: Message): boolean {
  const responseAndTruncated = 0x82;
  return (
    packet.length >= 12 && packet.readUInt16BE(0) === id && (packet[2]! & responseAndTruncated) === responseAndTruncated
  );
}

/** The records with the question's name in the case that the client wrote it. */
export function withNameOf(name: string, records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  const lower = name.toLowerCase();
  if (records.every((record) => record.name === name || record.name.toLowerCase() !== lower)) return records;
  return records.map((record) => (record.name.toLowerCase() === lower ? { ...record, name } : record));
}

/** Questions that are never forwarded: zone transfers. */
export const isTransfer = (type: number): boolean => type === TYPE.AXFR || type === TYPE.IXFR;
