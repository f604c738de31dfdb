// How long it took until a change of endpoints was in the answers (the Kubernetes SLI of DNS programming latency).
import { headlessLabel, lastChangeTriggerTime } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { Histogram } from '../../metrics/metric.ts';

export class ProgrammingMetrics {
  readonly family = new Histogram({
    name: 'coredns_kubernetes_dns_programming_duration_seconds',
    help: 'In Cluster DNS Programming Latency in seconds',
    labels: ['service_kind'],
    bounds: Array.from({ length: 20 }, (_, i) => 0.001 * 2 ** i),
  });

  /** A slice of a headless Service with a selector is in the answers now; slices of others are not counted (as CoreDNS). */
  programmed({ metadata }: Readonly<EndpointSlice>, now: number): void {
    const triggered = Date.parse(metadata.annotations?.[lastChangeTriggerTime] ?? '');
    const headless = metadata.labels?.[headlessLabel] !== undefined;
    if (!headless || Number.isNaN(triggered)) return;
    this.family.with('headless_with_selector').observe(Math.max(0, now - triggered) / 1000);
  }
}
