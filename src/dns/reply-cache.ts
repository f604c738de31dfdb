// Replies of the zone as bytes, found by the bytes of the question. Each falls when one of the Services it came from
// changes; those without records all fall with any change, since they carry the zone's serial.
import type { Transport } from './respond.ts';
import type { Answer } from './zone/answer.ts';

/** More than this many are not kept: the least recently added goes. */
const MOST_REPLIES = 100_000;
const MOST_EMPTY_REPLIES = 10_000;
/** A question with its EDNS record is never longer than this where it is worth keeping. */
const LONGEST_KEY = 300;

export class PreparedReply {
  readonly services: readonly string[];
  readonly empty: boolean;
  readonly #packets: readonly Buffer[];
  #turn = 0;

  constructor(packets: readonly Buffer[], { services, answers }: Answer) {
    this.#packets = packets;
    this.services = services;
    this.empty = answers.length === 0;
  }

  /** The next of its orders under a query's id. The buffer is the caller's until the next call with the same order. */
  next(id: number): Buffer {
    const packet = this.#packets[this.#turn]!;
    this.#turn = (this.#turn + 1) % this.#packets.length;
    const copy = Buffer.allocUnsafe(packet.length);
    packet.copy(copy);
    copy.writeUInt16BE(id, 0);
    return copy;
  }
}

export class ReplyCache {
  readonly #replies = new Map<string, PreparedReply>();
  readonly #empty = new Map<string, PreparedReply>();
  readonly #keysOfService = new Map<string, Set<string>>();

  find(packet: Buffer, transport: Transport): Buffer | undefined {
    if (packet.length > LONGEST_KEY) return undefined;
    const key = keyOf(packet, transport);
    const reply = this.#replies.get(key) ?? this.#empty.get(key);
    return reply?.next((packet[0]! << 8) | packet[1]!);
  }

  keep(packet: Buffer, transport: Transport, reply: PreparedReply): void {
    if (packet.length > LONGEST_KEY) return;
    const key = keyOf(packet, transport);
    if (reply.empty || reply.services.length === 0) {
      trim(this.#empty, MOST_EMPTY_REPLIES);
      this.#empty.set(key, reply);
      return;
    }
    const dropped = trim(this.#replies, MOST_REPLIES);
    if (dropped) this.#forget(...dropped);
    this.#replies.set(key, reply);
    for (const service of reply.services) {
      const keys = this.#keysOfService.get(service);
      if (keys) keys.add(key);
      else this.#keysOfService.set(service, new Set([key]));
    }
  }

  invalidate(services: Iterable<string>): void {
    this.#empty.clear();
    for (const service of services) {
      for (const key of this.#keysOfService.get(service) ?? []) this.#replies.delete(key);
      this.#keysOfService.delete(service);
    }
  }

  #forget(key: string, { services }: PreparedReply): void {
    for (const service of services) {
      const keys = this.#keysOfService.get(service);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysOfService.delete(service);
    }
  }
}

/** All of the query but its id: flags, question and EDNS record, since all of these shape the reply. */
function keyOf(packet: Buffer, transport: Transport): string {
  return packet.toString('latin1', 2) + (transport === 'udp' ? 'u' : 't');
}

/** Makes room for one more; returns what went. */
function trim(map: Map<string, PreparedReply>, most: number): [string, PreparedReply] | undefined {
  if (map.size < most) return undefined;
  const oldest = map.entries().next().value;
  if (oldest) map.delete(oldest[0]);
  return oldest;
}
