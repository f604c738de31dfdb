// Storage whose operations are timed under the names that kube-apiserver gives its requests to etcd.

import { CollectedFamily, Counter, type Family, Histogram, type HistogramSeries } from '../../metrics/metric.ts';
import { ByResource } from '../../storage/by-resource.ts';
import { registryPrefix, resourceOf } from '../../storage/registry-keys.ts';
import type {
  RangeRequest,
  RangeResult,
  Storage,
  Transaction,
  TransactionResult,
  WatchBatch,
  WatchRequest,
} from '../../storage/storage.ts';
import type { Clock } from '../../system/clock.ts';

const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

function placeOf(key: string): readonly [group: string, resource: string] {
  if (!key.startsWith(registryPrefix)) return ['', ''];
  const { group, resource } = resourceOf(key);
  return [group, resource];
}

function operationOf({ compare, operations }: Transaction): string {
  const [first] = operations;
  if (first?.type === 'delete') return 'delete';
  return compare[0]?.modRevision === 0 ? 'create' : 'update';
}

const labels = ['operation', 'group', 'resource'];

export class MeteredStorage implements Storage {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #duration = new Histogram({
    name: 'etcd_request_duration_seconds',
    help: 'Etcd request latency in seconds for each operation and object type.',
    labels,
    bounds,
  });
  readonly #errors = new Counter({
    name: 'etcd_request_errors_total',
    help: 'Etcd failed request counts for each operation and object type.',
    labels,
  });

  /** By operation. */
  readonly #series = new ByResource(() => new Map<string, HistogramSeries>());

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  get families(): readonly Family[] {
    const help = 'Etcd request counts for each operation and object type.';
    const total = { name: 'etcd_requests_total', help, labels, type: 'counter' } as const;
    return [this.#duration, this.#errors, new CollectedFamily(total, () => this.#totals())];
  }

  *#totals(): Generator<readonly [readonly string[], number]> {
    for (const [prefix, operations] of this.#series.entries()) {
      for (const [operation, { count }] of operations) yield [[operation, ...placeOf(prefix)], count];
    }
  }

  #timed<T>(operation: string, key: string, work: Promise<T>): Promise<T> {
    const started = this.#clock.monotonic();
    const observe = () => this.#seriesOf(operation, key).observe((this.#clock.monotonic() - started) / 1000);
    // The caller has the work itself, so that it waits no longer for being timed.
    work.then(observe, () => {
      observe();
      this.#errors.with(operation, ...placeOf(key)).add();
    });
    return work;
  }

  #seriesOf(operation: string, key: string): HistogramSeries {
    const known = this.#series.of(key);
    let series = known.get(operation);
    if (!series) {
      series = this.#duration.with(operation, ...placeOf(key));
      known.set(operation, series);
    }
    return series;
  }

  get(key: string, revision?: number): ReturnType<Storage['get']> {
    return this.#timed('get', key, this.#storage.get(key, revision));
  }

  range(request: RangeRequest): Promise<RangeResult> {
    return this.#timed('list', request.prefix, this.#storage.range(request));
  }

  transact(transaction: Transaction): Promise<TransactionResult> {
    const key = transaction.operations[0]?.key ?? '';
    return this.#timed(operationOf(transaction), key, this.#storage.transact(transaction));
  }

  watch(request: WatchRequest): AsyncIterable<WatchBatch> {
    return this.#storage.watch(request);
  }

  compact(revision: number): Promise<void> {
    return this.#storage.compact(revision);
  }

  /** Asked for with every read: too often to be timed. */
  currentRevision(): Promise<number> | number {
    return this.#storage.currentRevision();
  }

  isStale(key: string): boolean {
    return this.#storage.isStale?.(key) ?? false;
  }

  close(): Promise<void> {
    return this.#storage.close();
  }
}
