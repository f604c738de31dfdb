// `GET /metrics/probes`: how probes went, with upstream's names (pkg/kubelet/prober), of pods that are on the node.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { Counter, Histogram } from '../../metrics/metric.ts';
import { containersOf } from '../pod/containers.ts';
import { identityOf } from '../pod/identity.ts';
import { type ProbeType, probeTypes } from './prober.ts';

export interface ProbeResult {
  readonly pod: Pod;
  readonly container: string;
  readonly type: ProbeType;
  readonly success: boolean;
  /** How long it took, with its tries. */
  readonly seconds: number;
}

/** Prometheus's own, which upstream leaves as they are; seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class ProbeMetrics {
  readonly #total = new Counter({
    name: 'prober_probe_total',
    help: '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.',
    labels: ['container', 'namespace', 'pod', 'pod_uid', 'probe_type', 'result'],
  });
  readonly #duration = new Histogram({
    name: 'prober_probe_duration_seconds',
    help: '[ALPHA] Duration in seconds for a probe response.',
    labels: ['container', 'namespace', 'pod', 'probe_type'],
    bounds,
  });

  /** Of those that failed only the number is kept; one that could not be made has no result. */
  add({ pod, container, type, success, seconds }: ProbeResult): void {
    const { name, namespace, uid } = identityOf(pod);
    this.#total.with(container, namespace, name, uid, type, success ? 'successful' : 'failed').add();
    if (success) this.#duration.with(container, namespace, name, type).observe(seconds);
  }

  /** The pod is no longer probed. */
  forget(pod: Pod): void {
    const { name, namespace, uid } = identityOf(pod);
    for (const { container } of containersOf(pod)) {
      for (const type of probeTypes) {
        for (const result of ['successful', 'failed'])
          this.#total.remove(container.name, namespace, name, uid, type, result);
        this.#duration.remove(container.name, namespace, name, type);
      }
    }
  }

  print(): string {
    return this.#total.print() + this.#duration.print();
  }
}
