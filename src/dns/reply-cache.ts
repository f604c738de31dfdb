// Replies of the zone as bytes, found by the bytes of the question. Each falls when something that it came from changes
// (Answer.dependencies), and only then: the zone's serial is written into them as they go out.
import { MultiMap } from './multi-map.ts';
import type { Transport } from './respond.ts';

/** Bytes that replies with records, and those without, may take in all. */
const mostReplyBytes = 8 * 1024 * 1024;
const mostEmptyBytes = 1 * 1024 * 1024;
/** Of so many new replies one takes the place of the oldest: what is asked for often gets in, what is not throws nothing out. */
const admittedOf = 16;
/** What a reply costs besides its packets: its key, its places in the indexes. */
const overhead = 500;
/** A question with its EDNS record is never longer than this where it is worth keeping. */
const longestKey = 300;

export interface Reply {
  readonly packet: Buffer;
  /** In how many orders of its records it is to be kept; all are of one length, but those that are cut. */
  readonly orders: number;
  readonly dependencies: readonly string[];
  /** Without records: kept apart, so that questions for nonsense do not push out those for Services. */
  readonly empty: boolean;
  /** Where in the packet the serial of an SOA record stands. */
  readonly serialAt: number | undefined;
}

class PreparedReply {
  readonly dependencies: readonly string[];
  readonly empty: boolean;
  readonly bytes: number;
  /** As texts of a byte per character: small buffers share blocks of memory, and would keep whole ones alive. */
  readonly #packets: string[];
  readonly #orders: number;
  readonly #serialAt: number | undefined;
  #turn = 0;

  constructor({ packet, orders, dependencies, empty, serialAt }: Reply) {
    this.#packets = [packet.toString('latin1')];
    this.#orders = orders;
    this.dependencies = dependencies;
    this.empty = empty;
    this.#serialAt = serialAt;
    this.bytes = packet.length * orders + overhead;
  }

  /** Whether all its orders are here. They come one by one, each with a query: all at once would keep other queries waiting. */
  get complete(): boolean {
    return this.#packets.length === this.#orders;
  }

  addOrder(packet: Buffer): void {
    if (!this.complete) this.#packets.push(packet.toString('latin1'));
  }

  /** The next of its orders, under a query's id and with the zone's serial of now. The buffer is the caller's. */
  next(id: number, serial: number): Buffer {
    const packet = this.#packets[this.#turn]!;
    this.#turn = (this.#turn + 1) % this.#packets.length;
    const copy = Buffer.allocUnsafe(packet.length);
    copy.write(packet, 0, 'latin1');
    copy.writeUInt16BE(id, 0);
    if (this.#serialAt !== undefined) copy.writeUInt32BE(serial >>> 0, this.#serialAt);
    return copy;
  }
}

/** Replies up to a number of bytes. */
class Shelf {
  readonly #replies = new Map<string, PreparedReply>();
  readonly #mostBytes: number;
  #bytes = 0;
  #refused = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get(key: string): PreparedReply | undefined {
    return this.#replies.get(key);
  }

  /** Whether the next reply is to be taken in. */
  admits(): boolean {
    const full = this.#bytes + overhead > this.#mostBytes;
    return !full || ++this.#refused % admittedOf === 0;
  }

  /** Returns what had to leave. */
  put(key: string, reply: PreparedReply): [string, PreparedReply][] {
    this.take(key);
    this.#replies.set(key, reply);
    this.#bytes += reply.bytes;
    const left: [string, PreparedReply][] = [];
    for (const [oldest, old] of this.#replies) {
      if (this.#bytes <= this.#mostBytes) break;
      this.take(oldest);
      left.push([oldest, old]);
    }
    return left;
  }

  take(key: string): PreparedReply | undefined {
    const reply = this.#replies.get(key);
    if (!reply) return undefined;
    this.#bytes -= reply.bytes;
    this.#replies.delete(key);
    return reply;
  }
}

export class ReplyCache {
  readonly #replies = new Shelf(mostReplyBytes);
  readonly #empty = new Shelf(mostEmptyBytes);
  readonly #keysOfDependency = new MultiMap();

  /** A reply that is complete. */
  find(packet: Buffer, transport: Transport): PreparedReply | undefined {
    if (packet.length > longestKey) return undefined;
    const reply = this.#get(keyOf(packet, transport));
    return reply?.complete ? reply : undefined;
  }

  /** Keeps the reply to a query that none was found for, if it is its turn. */
  keep(packet: Buffer, transport: Transport, reply: Reply): void {
    if (packet.length > longestKey) return;
    const present = reply.orders > 1 ? this.#get(keyOf(packet, transport)) : undefined;
    const shelf = reply.empty ? this.#empty : this.#replies;
    if (present) present.addOrder(reply.packet);
    else if (shelf.admits()) this.#put(keyOf(packet, transport), new PreparedReply(reply), shelf);
  }

  #get(key: string): PreparedReply | undefined {
    return this.#replies.get(key) ?? this.#empty.get(key);
  }

  #put(key: string, reply: PreparedReply, shelf: Shelf): void {
    for (const [old, { dependencies }] of shelf.put(key, reply)) {
      for (const dependency of dependencies) this.#keysOfDependency.remove(dependency, old);
    }
    for (const dependency of reply.dependencies) this.#keysOfDependency.add(dependency, key);
  }

  /** Forgets the replies that came from any of these. */
  invalidate(dependencies: Iterable<string>): void {
    for (const dependency of dependencies) {
      for (const key of [...this.#keysOfDependency.get(dependency)]) {
        const reply = this.#replies.take(key) ?? this.#empty.take(key);
        for (const other of reply?.dependencies ?? []) this.#keysOfDependency.remove(other, key);
      }
    }
  }
}

/** All of the query but its id: flags, question and EDNS record, since all of these shape the reply. */
function keyOf(packet: Buffer, transport: Transport): string {
  return packet.toString('latin1', 2) + (transport === 'udp' ? 'u' : 't');
}
