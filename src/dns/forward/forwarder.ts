// Questions that are not the cluster's go to upstream servers: the first one that works, over UDP and, where the reply
// does not fit, TCP. Replies are kept as long as their TTLs say (RFC 1035, 7.4; negative ones RFC 2308, 5).
import type { Clock } from '../../system/clock.ts';
import { type Message, type Question, RCODE, type ResourceRecord } from '../wire/message.ts';

/** A server to ask. */
export interface Upstream {
  readonly address: string;
  readonly port: number;
}

/** Asks one server and gives its reply's message; rejects when none comes in time. */
export type Ask = (upstream: Upstream, question: Question) => Promise<Message>;

export interface ForwardedReply {
  readonly rcode: number;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

const FAILURE: ForwardedReply = { rcode: RCODE.SERVFAIL, answers: [], authority: [], additional: [] };

/** Entries kept at most; seconds that a reply is kept at most and a failure at least. */
const MOST_ENTRIES = 10_000;
const LONGEST_TTL = 3600;
const LONGEST_NEGATIVE_TTL = 1800;
/** An upstream that failed is asked last for this long. */
const PENALTY_MS = 10_000;

interface Entry {
  readonly reply: ForwardedReply;
  readonly stored: number;
  readonly expires: number;
}

export class Forwarder {
  readonly #upstreams: readonly Upstream[];
  readonly #ask: Ask;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #underWay = new Map<string, Promise<ForwardedReply>>();
  readonly #failedAt = new Map<Upstream, number>();

  constructor({ upstreams, ask, clock }: { upstreams: readonly Upstream[]; ask: Ask; clock: Clock }) {
    this.#upstreams = upstreams;
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Never rejects: where no upstream answers, or there is none, the reply is SERVFAIL. */
  async resolve(question: Question): Promise<ForwardedReply> {
    const key = `${question.name.toLowerCase()} ${question.type}`;
    const entry = this.#entries.get(key);
    if (entry && entry.expires > this.#clock.now()) return aged(entry, this.#clock.now());
    const running = this.#underWay.get(key);
    if (running) return running;
    const asked = this.#askAll(question).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    const reply = await asked;
    this.#keep(key, reply);
    return reply;
  }

  async #askAll(question: Question): Promise<ForwardedReply> {
    const order = this.#upstreams.toSorted((a, b) => this.#penalty(a) - this.#penalty(b));
    for (const upstream of order) {
      try {
        const reply = await this.#ask(upstream, question);
        this.#failedAt.delete(upstream);
        // SERVFAIL and REFUSED may be this server's own trouble: the next one may know.
        if (reply.rcode !== RCODE.SERVFAIL && reply.rcode !== RCODE.REFUSED) return reply;
      } catch {
        this.#failedAt.set(upstream, this.#clock.now());
      }
    }
    return FAILURE;
  }

  #penalty(upstream: Upstream): number {
    const failed = this.#failedAt.get(upstream);
    return failed !== undefined && this.#clock.now() - failed < PENALTY_MS ? 1 : 0;
  }

  #keep(key: string, reply: ForwardedReply): void {
    const ttl = ttlOf(reply);
    if (ttl <= 0) return;
    if (this.#entries.size >= MOST_ENTRIES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    const now = this.#clock.now();
    this.#entries.delete(key);
    this.#entries.set(key, { reply, stored: now, expires: now + ttl * 1000 });
  }
}

/** Seconds that a reply may be kept; 0 for a failure. */
function ttlOf({ rcode, answers, authority }: ForwardedReply): number {
  if (rcode === RCODE.NOERROR && answers.length > 0) return Math.min(LONGEST_TTL, ...answers.map((r) => r.ttl));
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 0;
  const soa = authority.find((r) => r.data.type === 'SOA');
  if (soa?.data.type !== 'SOA') return 0;
  return Math.min(LONGEST_NEGATIVE_TTL, soa.ttl, soa.data.minimum);
}

/** The reply with its TTLs less the time it was kept. */
function aged({ reply, stored }: Entry, now: number): ForwardedReply {
  const seconds = Math.floor((now - stored) / 1000);
  const age = (records: readonly ResourceRecord[]) => records.map((r) => ({ ...r, ttl: Math.max(0, r.ttl - seconds) }));
  return {
    rcode: reply.rcode,
    answers: age(reply.answers),
    authority: age(reply.authority),
    additional: age(reply.additional),
  };
}
