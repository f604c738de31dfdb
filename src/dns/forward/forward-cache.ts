// Replies of upstreams for as long as their TTLs say (RFC 1035, 7.4; negative ones RFC 2308, 5; failures RFC 9520), and
// some time longer, for when no upstream answers (RFC 8767).
import { RCODE, type ResourceRecord } from '../wire/message.ts';

export interface ForwardedReply {
  readonly rcode: number;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** The upstream found the records' signatures good (AD). */
  readonly authenticData?: boolean;
}

/** Seconds. */
const longestTTL = 3600;
const longestNegativeTTL = 1800;
const failureTTL = 5;
const staleFor = 3600;
/** Kept at most, of positive and of negative replies each: replies, and the bytes that they may take. */
const mostEntries = 10_000;
const mostBytes = 8 * 1024 * 1024;
/** What a record takes besides its name and its data. */
const recordOverhead = 200;

export type ReplyKind = 'success' | 'denial';

export interface CacheEntry {
  readonly reply: ForwardedReply;
  readonly kind: ReplyKind;
  /** In milliseconds, as the clock's `monotonic`. */
  readonly stored: number;
  readonly expires: number;
  hits: number;
  /** When a refresh last failed, so that the next question does not wait for another. */
  failedAt: number | undefined;
}

/** Whether a reply says nothing of the name: it takes no place of what is known, stale or not (RFC 8767, 4). */
export function isFailure(rcode: number): boolean {
  return rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN;
}

/** Seconds that a reply may be kept, from its own records: no longer than any of them. */
function ttlOf({ rcode, answers, authority, additional }: ForwardedReply): number {
  if (isFailure(rcode)) return rcode === RCODE.SERVFAIL || rcode === RCODE.NOTIMP ? failureTTL : 0;
  const ttls = [answers, authority, additional].flat().map((r) => r.ttl);
  // Behind aliases that lead to nothing, too, a SOA record says for how long there is nothing (RFC 2308, 2.2 and 5).
  const soa = authority.find((r) => r.data.type === 'SOA');
  if (soa?.data.type === 'SOA') return Math.min(longestNegativeTTL, soa.data.minimum, ...ttls);
  return rcode === RCODE.NOERROR && answers.length > 0 ? Math.min(longestTTL, ...ttls) : 0;
}

/** The reply with its TTLs less the time it was kept, or all the same where it is stale. */
export function aged({ reply, stored }: CacheEntry, now: number, staleTtl?: number): ForwardedReply {
  const seconds = Math.floor((now - stored) / 1000);
  const age = (records: readonly ResourceRecord[]) =>
    records.map((r) => ({ ...r, ttl: staleTtl ?? Math.max(0, r.ttl - seconds) }));
  return { ...reply, answers: age(reply.answers), authority: age(reply.authority), additional: age(reply.additional) };
}

export class ForwardCache {
  readonly #shelves = { success: new Shelf(), denial: new Shelf() };

  /** The entry under a key while it is at least stale. */
  find(key: string, now: number): CacheEntry | undefined {
    const entry = this.#shelves.success.find(key) ?? this.#shelves.denial.find(key);
    return entry && now < entry.expires + staleFor * 1000 ? entry : undefined;
  }

  /** Returns how many entries had to leave. */
  keep(key: string, reply: ForwardedReply, now: number): { readonly kind: ReplyKind; readonly evicted: number } {
    const ttl = ttlOf(reply);
    const kind = reply.rcode === RCODE.NOERROR && reply.answers.length > 0 ? 'success' : 'denial';
    const known = this.find(key, now);
    if (isFailure(reply.rcode) && known && !isFailure(known.reply.rcode)) return { kind, evicted: 0 };
    this.#shelves.success.take(key);
    this.#shelves.denial.take(key);
    if (ttl <= 0) return { kind, evicted: 0 };
    const entry = { reply, kind, stored: now, expires: now + ttl * 1000, hits: 0, failedAt: undefined } as const;
    return { kind, evicted: this.#shelves[kind].put(key, { ...entry }) };
  }

  size(kind: ReplyKind): number {
    return this.#shelves[kind].size;
  }
}

/** Entries up to a number of bytes, the least recently used leaving first. */
class Shelf {
  readonly #entries = new Map<string, CacheEntry>();
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  find(key: string): CacheEntry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  put(key: string, entry: CacheEntry): number {
    this.#entries.set(key, entry);
    this.#bytes += bytesOf(entry);
    let evicted = 0;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= mostEntries && this.#bytes <= mostBytes) break;
      this.take(oldest);
      evicted += 1;
    }
    return evicted;
  }

  take(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= bytesOf(entry);
  }
}

function bytesOf({ reply: { answers, authority, additional } }: CacheEntry): number {
  return [answers, authority, additional].flat().reduce((sum, record) => sum + bytesOfRecord(record), 0);
}

function bytesOfRecord({ name, data }: ResourceRecord): number {
  const long =
    data.type === 'TXT'
      ? data.texts.reduce((sum, { length }) => sum + length, 0)
      : data.type === 'opaque'
        ? data.bytes.length
        : 0;
  return recordOverhead + name.length + long;
}
