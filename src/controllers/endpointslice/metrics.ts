// What this controller counts beside what the mirroring one counts, too.
import type { Service } from '../../api/core/v1/types.generated.ts';
import { CollectedFamily, Counter, type Family, Histogram } from '../../metrics/metric.ts';
import { SliceMetrics, type SyncFigures } from '../shared/slice-metrics.ts';
import { usesTrafficDistribution } from './hints.ts';
import { wantsTopologyHints } from './topology-hints.ts';

const subsystem = 'endpoint_slice_controller';
/** Prometheus' default buckets. */
const changedBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface FamilyFigures extends SyncFigures {
  /** Slices that are written or deleted. */
  readonly changed: number;
}

export class EndpointSliceMetrics {
  readonly slices: SliceMetrics;
  readonly #changed = new Histogram({
    name: `${subsystem}_endpointslices_changed_per_sync`,
    help: 'Number of EndpointSlices changed on each Service sync',
    labels: ['topology', 'traffic_distribution'],
    bounds: changedBounds,
  });
  readonly #syncs = new Counter({
    name: `${subsystem}_syncs`,
    help: 'Number of EndpointSlice syncs',
    labels: ['result'],
  });
  /** The `trafficDistribution` of those Services that it counts for. */
  readonly #distributions = new Map<string, string>();

  constructor(maxEndpointsPerSlice: number) {
    this.slices = new SliceMetrics({ subsystem, synced: 'Service', maxEndpointsPerSlice, leastSlices: 1 });
  }

  get families(): readonly Family[] {
    const services = new CollectedFamily(
      {
        name: `${subsystem}_services_count_by_traffic_distribution`,
        help: 'Number of Services using some specific trafficDistribution',
        labels: ['traffic_distribution'],
        type: 'gauge',
      },
      () => this.#countOfDistributions(),
    );
    return [...this.slices.families, this.#changed, this.#syncs, services];
  }

  /** A Service was looked at and its slices were written. */
  synced(key: string, service: Readonly<Service>, figures: readonly FamilyFigures[]): void {
    this.slices.synced(key, figures);
    const topology = wantsTopologyHints(service);
    const distribution = !topology && usesTrafficDistribution(service) ? (service.spec.trafficDistribution ?? '') : '';
    for (const { changed } of figures)
      this.#changed.with(topology ? 'Auto' : 'Disabled', distribution).observe(changed);
    if (distribution === '') this.#distributions.delete(key);
    else this.#distributions.set(key, distribution);
  }

  ended(result: 'success' | 'stale' | 'error'): void {
    this.#syncs.with(result).add();
  }

  forget(key: string): void {
    this.slices.forget(key);
    this.#distributions.delete(key);
  }

  #countOfDistributions(): (readonly [readonly string[], number])[] {
    const counts = new Map<string, number>();
    for (const distribution of this.#distributions.values()) {
      counts.set(distribution, (counts.get(distribution) ?? 0) + 1);
    }
    return [...counts].map(([distribution, count]) => [[distribution], count] as const);
  }
}
