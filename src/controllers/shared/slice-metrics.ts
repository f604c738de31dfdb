// What both controllers of EndpointSlices count, under upstream's names and with its buckets (k8s.io/endpointslice/metrics).
import { CollectedFamily, Counter, type Family, Histogram } from '../../metrics/metric.ts';

/** The endpoints that have the same ports, in one family, and the slices that they take. */
export interface GroupSize {
  readonly endpoints: number;
  readonly slices: number;
}

/** What became of one family of a Service, or of one Endpoints, in one sync. */
export interface SyncFigures {
  /** Endpoints that came and went. */
  readonly added: number;
  readonly removed: number;
  /** As they are after the sync. */
  readonly groups: readonly GroupSize[];
}

export interface SliceMetricsOptions {
  /** What all names begin with: `endpoint_slice_controller`. */
  readonly subsystem: string;
  /** What is synced, as the help texts say it. */
  readonly synced: 'Service' | 'Endpoints';
  readonly maxEndpointsPerSlice: number;
  /** The slices that even no endpoints need: 1 where a placeholder says so. */
  readonly leastSlices: 0 | 1;
}

interface Totals {
  endpoints: number;
  slices: number;
  desired: number;
}

/** 2 to 32,768, each twice the one before. */
export const countBounds = Array.from({ length: 15 }, (_, i) => 2 ** (i + 1));

export class SliceMetrics {
  readonly families: readonly Family[];
  readonly #options: SliceMetricsOptions;
  readonly #added: Histogram;
  readonly #removed: Histogram;
  readonly #changes: Counter;
  readonly #known = new Map<string, Totals>();
  readonly #sum: Totals = { endpoints: 0, slices: 0, desired: 0 };

  constructor(options: SliceMetricsOptions) {
    this.#options = options;
    const { subsystem, synced } = options;
    const perSync = (what: string) =>
      new Histogram({
        name: `${subsystem}_endpoints_${what}_per_sync`,
        help: `Number of endpoints ${what} on each ${synced} sync`,
        bounds: countBounds,
      });
    const gauge = (name: string, help: string, value: (sum: Totals) => number) =>
      new CollectedFamily({ name: `${subsystem}_${name}`, help, type: 'gauge' }, () => [[[], value(this.#sum)]]);
    this.#added = perSync('added');
    this.#removed = perSync('removed');
    this.#changes = new Counter({
      name: `${subsystem}_changes`,
      help: 'Number of EndpointSlice changes',
      labels: ['operation'],
    });
    this.families = [
      this.#added,
      this.#removed,
      this.#changes,
      gauge('endpoints_desired', 'Number of endpoints desired', ({ endpoints }) => endpoints),
      gauge('num_endpoint_slices', 'Number of EndpointSlices', ({ slices }) => slices),
      gauge(
        'desired_endpoint_slices',
        'Number of EndpointSlices that would exist with perfect endpoint allocation',
        ({ desired }) => desired,
      ),
    ];
  }

  /** The Service `key` was looked at: one entry for each of its families. */
  synced(key: string, figures: readonly SyncFigures[]): void {
    this.forget(key);
    const totals: Totals = { endpoints: 0, slices: 0, desired: 0 };
    for (const { added, removed, groups } of figures) {
      this.#added.with().observe(added);
      this.#removed.with().observe(removed);
      let desired = 0;
      for (const { endpoints, slices } of groups) {
        totals.endpoints += endpoints;
        totals.slices += slices;
        desired += Math.ceil(endpoints / this.#options.maxEndpointsPerSlice);
      }
      totals.desired += Math.max(desired, this.#options.leastSlices);
    }
    this.#known.set(key, totals);
    this.#count(totals, 1);
  }

  forget(key: string): void {
    const totals = this.#known.get(key);
    if (totals) this.#count(totals, -1);
    this.#known.delete(key);
  }

  /** A slice was written. */
  wrote(operation: 'create' | 'update' | 'delete'): void {
    this.#changes.with(operation).add();
  }

  #count({ endpoints, slices, desired }: Totals, sign: 1 | -1): void {
    this.#sum.endpoints += sign * endpoints;
    this.#sum.slices += sign * slices;
    this.#sum.desired += sign * desired;
  }
}
