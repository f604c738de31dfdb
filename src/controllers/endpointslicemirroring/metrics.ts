// What this controller counts beside what the one of EndpointSlices counts, too.
import { type Family, Histogram } from '../../metrics/metric.ts';
import { countBounds, SliceMetrics, type SyncFigures } from '../shared/slice-metrics.ts';

const subsystem = 'endpoint_slice_mirroring_controller';
/** 1 ms to 16 s, each twice the one before. */
const durationBounds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

export interface MirroringFigures extends SyncFigures {
  /** Endpoints that changed in place. */
  readonly updated: number;
  /** Addresses that are none, or too many. */
  readonly skipped: number;
}

export class MirroringMetrics {
  readonly slices: SliceMetrics;
  readonly #updated = new Histogram({
    name: `${subsystem}_endpoints_updated_per_sync`,
    help: 'Number of endpoints updated on each Endpoints sync',
    bounds: countBounds,
  });
  readonly #skipped = new Histogram({
    name: `${subsystem}_addresses_skipped_per_sync`,
    help: 'Number of addresses skipped on each Endpoints sync due to being invalid or exceeding MaxEndpointsPerSubset',
    bounds: countBounds,
  });
  readonly #duration = new Histogram({
    name: `${subsystem}_endpoints_sync_duration`,
    help: 'Duration of syncEndpoints() in seconds',
    bounds: durationBounds,
  });

  constructor(maxEndpointsPerSubset: number) {
    const maxEndpointsPerSlice = maxEndpointsPerSubset;
    this.slices = new SliceMetrics({ subsystem, synced: 'Endpoints', maxEndpointsPerSlice, leastSlices: 0 });
  }

  get families(): readonly Family[] {
    return [...this.slices.families, this.#updated, this.#skipped, this.#duration];
  }

  synced(key: string, figures: MirroringFigures): void {
    this.slices.synced(key, [figures]);
    this.#updated.with().observe(figures.updated);
    this.#skipped.with().observe(figures.skipped);
  }

  ended(seconds: number): void {
    this.#duration.with().observe(seconds);
  }
}
