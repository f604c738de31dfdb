// What the forwarder counts, under the names of CoreDNS's forward, proxy and cache plugins.
import { CollectedFamily, Counter, type Family, Histogram, type NumberSeries } from '../../metrics/metric.ts';
import type { ReplyKind } from '../forward/forward-cache.ts';
import { durationBounds, labelValues } from './labels.ts';

const { server, zone, view } = labelValues;
const kinds = ['success', 'denial'] as const;

export class ForwardMetrics {
  readonly #families: Family[] = [];
  readonly requests = this.#cache('requests_total', 'The count of cache requests.');
  readonly hits = this.#cacheByKind('hits_total', 'The count of cache hits.');
  readonly misses = this.#cache(
    'misses_total',
    'The count of cache misses. Deprecated, derive misses from cache hits/requests counters.',
  );
  readonly prefetches = this.#cache('prefetch_total', 'The number of times the cache has prefetched a cached item.');
  readonly servedStale = this.#cache('served_stale_total', 'The number of requests served from stale cache entries.');
  readonly evictions = this.#cacheByKind('evictions_total', 'The count of cache evictions.');
  readonly broken = this.#added(
    new Counter({
      name: 'coredns_forward_healthcheck_broken_total',
      help: 'Counter of the number of complete failures of the healthchecks.',
    }),
  ).with();
  readonly rejected = this.#added(
    new Counter({
      name: 'coredns_forward_max_concurrent_rejects_total',
      help: 'Counter of the number of queries rejected because the concurrent queries were at maximum.',
    }),
  ).with();
  readonly #requests = this.#added(
    new Counter({
      name: 'coredns_forward_requests_total',
      help: 'Counter of requests made per upstream.',
      labels: ['to'],
    }),
  );
  readonly #responses = this.#added(
    new Counter({
      name: 'coredns_forward_responses_total',
      help: 'Counter of responses received per upstream.',
      labels: ['to', 'rcode'],
    }),
  );
  readonly #durations = this.#added(
    new Histogram({
      name: 'coredns_proxy_request_duration_seconds',
      help: 'Histogram of the time each request took.',
      labels: ['proxy_name', 'to', 'rcode'],
      bounds: durationBounds,
    }),
  );
  readonly #healthFailures = this.#added(
    new Counter({
      name: 'coredns_proxy_healthcheck_failures_total',
      help: 'Counter of the number of failed healthchecks.',
      labels: ['proxy_name', 'to'],
    }),
  );
  /** How many entries the cache holds, told by whoever has it. */
  sizes: (kind: ReplyKind) => number = () => 0;
  readonly entries = this.#added(
    new CollectedFamily(
      {
        name: 'coredns_cache_entries',
        help: 'The number of elements in the cache.',
        labels: ['server', 'type', 'zones', 'view'],
        type: 'gauge',
      },
      () => kinds.map((kind) => [[server, kind, zone, view], this.sizes(kind)]),
    ),
  );

  get families(): readonly Family[] {
    return this.#families;
  }

  /** An upstream answered, after so many seconds. */
  answered(to: string, rcode: string, seconds: number): void {
    this.#requests.with(to).add();
    this.#responses.with(to, rcode).add();
    this.#durations.with('forward', to, rcode).observe(seconds);
  }

  /** An upstream did not. */
  failed(to: string): void {
    this.#requests.with(to).add();
  }

  healthCheckFailed(to: string): void {
    this.#healthFailures.with('forward', to).add();
  }

  #added<F extends Family>(family: F): F {
    this.#families.push(family);
    return family;
  }

  #cache(name: string, help: string): NumberSeries {
    const labels = ['server', 'zones', 'view'];
    return this.#added(new Counter({ name: `coredns_cache_${name}`, help, labels })).with(server, zone, view);
  }

  #cacheByKind(name: string, help: string): Readonly<Record<ReplyKind, NumberSeries>> {
    const labels = ['server', 'type', 'zones', 'view'];
    const counter = this.#added(new Counter({ name: `coredns_cache_${name}`, help, labels }));
    const of = (kind: ReplyKind) => counter.with(server, kind, zone, view);
    return { success: of('success'), denial: of('denial') };
  }
}
