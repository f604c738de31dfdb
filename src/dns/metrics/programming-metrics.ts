// How long it took until a change of endpoints was in the answers (the Kubernetes SLI of DNS programming latency).
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { Histogram } from '../../metrics/metric.ts';

/** Set by the endpointslice controller: when the Pod or Service changed that the slice was written for. */
const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export class ProgrammingMetrics {
  readonly family = new Histogram({
    name: 'coredns_kubernetes_dns_programming_duration_seconds',
    help: 'In Cluster DNS Programming Latency in seconds',
    labels: ['service_kind'],
    bounds: Array.from({ length: 20 }, (_, i) => 0.001 * 2 ** i),
  });

  /** A slice of a headless Service with a selector is in the answers now; slices of others are not counted (as CoreDNS). */
  programmed({ metadata }: Readonly<EndpointSlice>, now: number): void {
    const triggered = Date.parse(metadata.annotations?.[triggerTimeAnnotation] ?? '');
    const headless = metadata.labels?.['service.kubernetes.io/headless'] !== undefined;
    if (!headless || Number.isNaN(triggered)) return;
    this.family.with('headless_with_selector').observe(Math.max(0, now - triggered) / 1000);
  }
}
