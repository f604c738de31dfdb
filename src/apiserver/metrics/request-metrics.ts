// Requests as kube-apiserver counts them: names, labels and buckets of its endpoints/metrics package.

import { table } from '../../apimachinery/table.ts';
import {
  Counter,
  type Family,
  Gauge,
  Histogram,
  type HistogramSeries,
  type NumberSeries,
} from '../../metrics/metric.ts';
import type { ApiRequest, ByteSink } from '../request.ts';
import { isLongRunning, type RequestInfo } from '../request-info.ts';

const where = ['group', 'version', 'resource', 'subresource', 'scope', 'component'];
const seconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const powersOfTen = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const eventSizes = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

const verbs = table<string>({ create: 'POST', update: 'PUT', head: 'GET' });
/** All others are one: over HTTP/2 clients can make up as many methods as they like. */
const known = new Set([
  'APPLY',
  'CONNECT',
  'DELETE',
  'DELETECOLLECTION',
  'GET',
  'LIST',
  'PATCH',
  'POST',
  'PUT',
  'WATCH',
]);
/** Paths that are no resource and have a name in the labels; others are counted without. */
const namedPaths = new Set(['/healthz', '/livez', '/readyz', '/metrics', '/version', '/openapi/v2', '/openapi/v3']);

export interface Observation {
  readonly code: number;
  readonly seconds: number;
  /** Of the body where it is whole. */
  readonly bytes: number | undefined;
  /** The resource is one that is served. */
  readonly isServed: boolean;
}

/** All that one kind of request adds to. */
interface RequestSeries {
  readonly labels: readonly string[];
  readonly codes: Map<number, NumberSeries>;
  readonly duration: HistogramSeries;
  readonly sli: HistogramSeries;
  readonly sizes: HistogramSeries | undefined;
}

function scopeOf({ isResource, namespace, name }: RequestInfo): string {
  if (namespace !== '') return 'namespace';
  if (name !== '') return 'resource';
  return isResource ? 'cluster' : '';
}

function verbOf({ verb }: RequestInfo, request: Pick<ApiRequest, 'headers'>): string {
  if (verb === 'patch' && request.headers['content-type']?.startsWith('application/apply-patch')) return 'APPLY';
  const named = verbs[verb] ?? verb.toUpperCase();
  return known.has(named) ? named : 'other';
}

function placeOf(info: RequestInfo, isServed: boolean): string[] {
  if (!info.isResource) return ['', '', '', namedPaths.has(info.path) ? info.path : '', '', 'apiserver'];
  // Names that nobody serves come from clients, who can make up as many as they like.
  if (!isServed) return ['', '', '', '', '', 'apiserver'];
  const { group, version, resource, subresource } = info;
  return [group, version, resource, subresource, scopeOf(info), 'apiserver'];
}

export class RequestMetrics {
  readonly #total = new Counter({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
    labels: ['verb', 'dry_run', ...where, 'code'],
  });
  readonly #duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
    labels: ['verb', 'dry_run', ...where],
    bounds: seconds,
  });
  readonly #sli = new Histogram({
    name: 'apiserver_request_sli_duration_seconds',
    help: 'Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.',
    labels: ['verb', ...where],
    bounds: seconds.slice(2),
  });
  readonly #sizes = new Histogram({
    name: 'apiserver_response_sizes',
    help: 'Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
    labels: ['verb', ...where],
    bounds: powersOfTen,
  });
  readonly #longRunning = new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.',
    labels: ['verb', ...where],
  });
  readonly #watchEvents = new Counter({
    name: 'apiserver_watch_events_total',
    help: 'Number of events sent in watch clients',
    labels: ['group', 'version', 'resource'],
  });
  readonly #watchSizes = new Histogram({
    name: 'apiserver_watch_events_sizes',
    help: 'Watch event size distribution in bytes',
    labels: ['group', 'version', 'resource'],
    bounds: eventSizes,
  });
  readonly #series = new Map<string, RequestSeries>();
  /** Creates of one collection have one RequestInfo; by whether the resource is served. */
  readonly #creates = {
    true: new WeakMap<RequestInfo, RequestSeries>(),
    false: new WeakMap<RequestInfo, RequestSeries>(),
  };

  get families(): readonly Family[] {
    return [
      this.#total,
      this.#duration,
      this.#sli,
      this.#sizes,
      this.#longRunning,
      this.#watchEvents,
      this.#watchSizes,
    ];
  }

  observe(request: ApiRequest, info: RequestInfo, { code, seconds, bytes, isServed }: Observation): void {
    const series = this.#seriesOf(request, info, isServed);
    let total = series.codes.get(code);
    if (!total) {
      total = this.#total.with(...series.labels, String(code));
      series.codes.set(code, total);
    }
    total.add();
    // How long a watch lasts is its client's choice.
    if (!isLongRunning(info)) {
      series.duration.observe(seconds);
      series.sli.observe(seconds);
    }
    if (bytes !== undefined) series.sizes?.observe(bytes);
  }

  #seriesOf(request: ApiRequest, info: RequestInfo, isServed: boolean): RequestSeries {
    if (info.verb !== 'create' || request.query.size > 0) return this.#namedSeries(request, info, isServed);
    const known = this.#creates[isServed ? 'true' : 'false'];
    let series = known.get(info);
    if (!series) {
      series = this.#namedSeries(request, info, isServed);
      known.set(info, series);
    }
    return series;
  }

  #namedSeries(request: ApiRequest, info: RequestInfo, isServed: boolean): RequestSeries {
    const verb = verbOf(info, request);
    const dryRun = verb !== 'GET' && verb !== 'LIST' && request.query.has('dryRun') ? 'All' : '';
    const place = placeOf(info, isServed);
    const key = `${verb} ${dryRun} ${place.join(' ')}`;
    let series = this.#series.get(key);
    if (!series) {
      const isRead = verb === 'GET' || verb === 'LIST';
      series = {
        labels: [verb, dryRun, ...place],
        codes: new Map(),
        duration: this.#duration.with(verb, dryRun, ...place),
        sli: this.#sli.with(verb, ...place),
        sizes: isRead ? this.#sizes.with(verb, ...place) : undefined,
      };
      this.#series.set(key, series);
    }
    return series;
  }

  /** Counts a watch until `ended` is called; events that go through the sink are counted too. */
  watch(info: RequestInfo): { sink(sink: ByteSink): ByteSink; ended(): void } {
    const running = this.#longRunning.with('WATCH', ...placeOf(info, true));
    const kind = [info.group, info.version, info.resource];
    const events = this.#watchEvents.with(...kind);
    const sizes = this.#watchSizes.with(...kind);
    running.add(1);
    return {
      ended: () => running.add(-1),
      sink: (sink) => ({
        write(chunk) {
          events.add();
          sizes.observe(chunk.length);
          return sink.write(chunk);
        },
        // Without bytes there is no size.
        ...(sink.writeEvent && {
          writeEvent(event) {
            events.add();
            return sink.writeEvent?.(event) ?? true;
          },
        }),
        drained: () => sink.drained(),
        get buffered() {
          return sink.buffered;
        },
      }),
    };
  }
}
