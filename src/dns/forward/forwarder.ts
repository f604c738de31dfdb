// Questions that are not the cluster's: from the cache, else from the upstreams of the longest stub domain that holds them,
// else from those for all other names.
import type { Clock } from '../../system/clock.ts';
import { ForwardMetrics } from '../metrics/forward-metrics.ts';
import { RCODE } from '../wire/message.ts';
import { isWithin } from '../wire/name.ts';
import type { Ask } from './exchange.ts';
import { aged, type CacheEntry, ForwardCache, type ForwardedReply, isFailure } from './forward-cache.ts';
import type { LoopToken } from './loop-token.ts';
import { type ForwardQuestion, withNameOf } from './query.ts';
import type { Upstream } from './upstream.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** Where names go. */
export interface Routes {
  /** For names that no stub holds; none answers them with SERVFAIL. */
  readonly upstreams: readonly Upstream[];
  /** By domain, in lower case with the final dot: `example.internal.`. */
  readonly stubs?: ReadonlyMap<string, readonly Upstream[]>;
}

export interface ForwarderOptions {
  readonly routes: Routes;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly loopToken: LoopToken;
  readonly metrics?: ForwardMetrics;
  readonly log?: (message: string) => void;
}

const failureReply: ForwardedReply = { rcode: RCODE.SERVFAIL, answers: [], authority: [], additional: [] };
const refusal: ForwardedReply = { ...failureReply, rcode: RCODE.REFUSED };

/** Questions on their way at once; more are refused. */
const mostUnderWay = 1000;
/** How long a client waits for a new reply where there is a stale one, and how long after a failure none is sought (RFC 8767, 5). */
const staleAfterMs = 1800;
const failureRecheckMs = 5000;
/** Seconds that stale records may be kept by clients (RFC 8767, 4). */
const staleTTL = 30;
/** A reply asked for this often is fetched anew in the last tenth of its time. */
const popular = 2;

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #metrics: ForwardMetrics;
  readonly #cache = new ForwardCache();
  readonly #underWay = new Map<string, Promise<ForwardedReply>>();
  #pools: readonly { readonly domain: string; readonly pool: UpstreamPool }[];

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? new ForwardMetrics();
    this.#metrics.sizes = (kind) => this.#cache.size(kind);
    this.#pools = this.#poolsOf(options.routes);
  }

  /** The stub domain, in lower case, that holds a name; undefined where none does. */
  stubOf(name: string): string | undefined {
    const domain = this.#route(name)?.domain;
    return domain === '.' ? undefined : domain;
  }

  /** Sends names elsewhere from now on. What was known stays known; questions under way end where they are. */
  reroute(routes: Routes): void {
    for (const { pool } of this.#pools) pool.close();
    this.#pools = this.#poolsOf(routes);
    void this.checkLoops();
  }

  /** Finds the upstreams that lead back here. Resolves when all were asked. */
  async checkLoops(): Promise<void> {
    await Promise.all(this.#pools.map(({ pool }) => pool.checkLoops()));
  }

  close(): void {
    for (const { pool } of this.#pools) pool.close();
  }

  /** Never rejects: where no upstream answers, or there is none, the reply is SERVFAIL. */
  async resolve(question: ForwardQuestion): Promise<ForwardedReply> {
    const now = this.#options.clock.monotonic();
    const key = keyOf(question);
    const entry = this.#cache.find(key, now);
    this.#metrics.requests.add();
    const reply =
      entry && now < entry.expires ? this.#hit(key, question, entry) : await this.#miss(key, question, entry);
    return { ...reply, answers: withNameOf(question.name, reply.answers) };
  }

  #hit(key: string, question: ForwardQuestion, entry: CacheEntry): ForwardedReply {
    const now = this.#options.clock.monotonic();
    entry.hits += 1;
    this.#metrics.hits[entry.kind].add();
    const lifetime = entry.expires - entry.stored;
    const soon = entry.expires - now <= Math.max(lifetime / 10, 1000);
    if (soon && entry.hits > popular && entry.kind === 'success' && !this.#underWay.has(key)) {
      this.#metrics.prefetches.add();
      void this.#fetch(key, question);
    }
    return aged(entry, now);
  }

  async #miss(key: string, question: ForwardQuestion, entry: CacheEntry | undefined): Promise<ForwardedReply> {
    this.#metrics.misses.add();
    const { clock } = this.#options;
    if (!entry || isFailure(entry.reply.rcode)) return this.#fetch(key, question);
    const failedLately = entry.failedAt !== undefined && clock.monotonic() - entry.failedAt < failureRecheckMs;
    const reply = failedLately ? undefined : await this.#within(staleAfterMs, this.#fetch(key, question));
    if (reply && !isFailure(reply.rcode)) return reply;
    if (!failedLately) entry.failedAt = clock.monotonic();
    this.#metrics.servedStale.add();
    return aged(entry, clock.monotonic(), staleTTL);
  }

  /** What a promise gives in time, else undefined. */
  #within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, () => resolve(undefined));
      void promise.then((value) => {
        timer.cancel();
        resolve(value);
      });
    });
  }

  /** The same question asked many times at once goes out once; that also ends a circle that nobody noticed. */
  #fetch(key: string, question: ForwardQuestion): Promise<ForwardedReply> {
    const running = this.#underWay.get(key);
    if (running) return running;
    if (this.#underWay.size >= mostUnderWay) {
      this.#metrics.rejected.add();
      return Promise.resolve(refusal);
    }
    const asked = this.#askUpstreams(question)
      .then((reply) => {
        const { kind, evicted } = this.#cache.keep(key, reply, this.#options.clock.monotonic());
        this.#metrics.evictions[kind].add(evicted);
        return reply;
      })
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    return asked;
  }

  async #askUpstreams(question: ForwardQuestion): Promise<ForwardedReply> {
    const reply = await this.#route(question.name)?.pool.ask(question);
    if (!reply) return failureReply;
    const { rcode, answers, authority, additional, authenticData = false } = reply;
    // What refuses or fails has no records to give; whatever came with it is not passed on.
    if (isFailure(rcode)) return { ...failureReply, rcode };
    return { rcode, answers, authority, additional, authenticData };
  }

  #route(name: string) {
    const lower = name.toLowerCase();
    return this.#pools.find(({ domain }) => isWithin(lower, domain));
  }

  /** The longest domains first. */
  #poolsOf({ upstreams, stubs = new Map() }: Routes) {
    const { ask, clock, loopToken, log = () => {} } = this.#options;
    const pool = (of: readonly Upstream[]) =>
      new UpstreamPool({ upstreams: of, ask, clock, loopToken, log, metrics: this.#metrics });
    return [...new Map<string, readonly Upstream[]>([...stubs, ['.', upstreams]])]
      .toSorted(([a], [b]) => b.length - a.length)
      .map(([domain, of]) => ({ domain, pool: pool(of) }));
  }
}

function keyOf({ name, type, class: cls, dnssecOk = false, checkingDisabled = false }: ForwardQuestion): string {
  return `${name.toLowerCase()} ${type} ${cls} ${dnssecOk ? 'd' : ''}${checkingDisabled ? 'c' : ''}`;
}
