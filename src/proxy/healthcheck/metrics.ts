// /metrics, under kube-proxy's names and with its buckets (Kubernetes v1.36, pkg/proxy/metrics).
import { CollectedFamily, Counter, type Family, Histogram } from '../../metrics/metric.ts';
import { processFamilies } from '../../metrics/process-metrics.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { RuleCounts } from '../backend.ts';
import { type PacketCounter, packetCounters } from '../iptables/kernel-facts.ts';
import type { ServicePortPlan } from '../plan.ts';
import type { ProxyMode } from '../settings.ts';
import type { SyncStatus } from '../sync-status.ts';

export interface ProxyMetricsOptions {
  readonly mode: ProxyMode;
  readonly families: readonly IPFamily[];
  readonly status: SyncStatus;
  readonly plans: () => Iterable<ServicePortPlan>;
  /** Of each table that the mode counts rules in. */
  readonly ruleCounts?: (() => readonly RuleCounts[]) | undefined;
  /** What the counters of packets have seen that are there, in the iptables mode. */
  readonly countedPackets?: (() => Promise<ReadonlyMap<PacketCounter, number>>) | undefined;
}

const steps = (first: number, step: number, count: number) => Array.from({ length: count }, (_, i) => first + i * step);
const syncBounds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const programmingBounds = [...steps(0.25, 0.25, 2), ...steps(1, 1, 59), ...steps(60, 5, 12), ...steps(120, 30, 7)];

const prefix = 'kubeproxy_';
const byFamily = { labels: ['ip_family'] } as const;

const histogram = (name: string, help: string, bounds: readonly number[] = syncBounds) =>
  new Histogram({ name: prefix + name, help, bounds, ...byFamily });
const codeCounter = (name: string, help: string) => new Counter({ name: prefix + name, help, labels: ['code'] });

export class ProxyMetrics {
  readonly #options: ProxyMetricsOptions;
  readonly #syncs = histogram('sync_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds');
  readonly #fullSyncs = histogram(
    'sync_full_proxy_rules_duration_seconds',
    'SyncProxyRules latency in seconds for full resyncs',
  );
  readonly #partialSyncs = histogram(
    'sync_partial_proxy_rules_duration_seconds',
    'SyncProxyRules latency in seconds for partial resyncs',
  );
  readonly #programming = histogram(
    'network_programming_duration_seconds',
    'In Cluster Network Programming Latency in seconds',
    programmingBounds,
  );
  readonly #conntrack = histogram(
    'conntrack_reconciler_sync_duration_seconds',
    'ReconcileConntrackFlowsLatency latency in seconds',
  );
  readonly #endedFlows = new Counter({
    name: `${prefix}conntrack_reconciler_deleted_entries_total`,
    help: 'Cumulative conntrack flows deleted by conntrack reconciler',
    ...byFamily,
  });
  /** By status code. */
  readonly healthz = codeCounter('proxy_healthz_total', 'Cumulative proxy healthz HTTP status');
  readonly livez = codeCounter('proxy_livez_total', 'Cumulative proxy livez HTTP status');
  readonly #families: readonly Family[];
  #counted: ReadonlyMap<PacketCounter, number> = new Map();

  constructor(options: ProxyMetricsOptions) {
    this.#options = options;
    this.#families = [
      this.#syncs,
      this.#fullSyncs,
      this.#partialSyncs,
      this.#programming,
      this.#conntrack,
      this.#endedFlows,
      this.healthz,
      this.livez,
      ...this.#statusFamilies(),
      ...this.#modeFamilies(),
      ...this.#packetFamilies(),
      this.#noLocalEndpoints(),
      ...processFamilies(),
    ];
  }

  /** A sync ended well; `duration` in milliseconds. */
  synced({ full, duration }: { readonly full: boolean; readonly duration: number }): void {
    for (const family of this.#options.families) {
      this.#syncs.with(family).observe(duration / 1000);
      (full ? this.#fullSyncs : this.#partialSyncs).with(family).observe(duration / 1000);
    }
  }

  /** So many seconds after an endpoint changed, its rules were there. */
  programmed(family: IPFamily, seconds: number): void {
    this.#programming.with(family).observe(seconds);
  }

  /** Flows were looked through for so many seconds, and some of them ended. */
  reconciled(family: IPFamily, { seconds, ended }: { readonly seconds: number; readonly ended: number }): void {
    this.#conntrack.with(family).observe(seconds);
    this.#endedFlows.with(family).add(ended);
  }

  /** Prometheus exposition format 0.0.4. */
  async print(): Promise<string> {
    this.#counted = (await this.#options.countedPackets?.()) ?? new Map();
    return this.#families.map((family) => family.print()).join('');
  }

  /** What is known for the proxy as a whole, shown under each of its families. */
  #each(type: 'gauge' | 'counter', [name, help]: readonly [string, string], value: () => number): Family {
    const { families } = this.#options;
    return new CollectedFamily({ name: `${prefix}sync_proxy_rules_${name}`, help, type, ...byFamily }, () => {
      const now = value();
      return families.map((family) => [[family], now] as const);
    });
  }

  #statusFamilies(): Family[] {
    const { status } = this.#options;
    const { pending, total } = status;
    const one = (type: 'gauge' | 'counter', [name, help]: readonly [string, string], value: () => number) =>
      new CollectedFamily({ name: `${prefix}sync_proxy_rules_${name}`, help, type }, () => [[[], value()]]);
    return [
      this.#each(
        'gauge',
        ['last_timestamp_seconds', 'The last time proxy rules were successfully synced'],
        () => status.lastSynced / 1000,
      ),
      this.#each(
        'gauge',
        ['last_queued_timestamp_seconds', 'The last time a sync of proxy rules was queued'],
        () => status.lastQueued / 1000,
      ),
      one('gauge', ['endpoint_changes_pending', 'Pending proxy rules Endpoint changes'], () => pending.endpoint),
      one('counter', ['endpoint_changes_total', 'Cumulative proxy rules Endpoint changes'], () => total.endpoint),
      one('gauge', ['service_changes_pending', 'Pending proxy rules Service changes'], () => pending.service),
      one('counter', ['service_changes_total', 'Cumulative proxy rules Service changes'], () => total.service),
    ];
  }

  #modeFamilies(): Family[] {
    const { status, mode, ruleCounts } = this.#options;
    const failures = (name: string, help: string, value: () => number) => this.#each('counter', [name, help], value);
    if (mode === 'nftables') {
      return [
        failures('nftables_sync_failures_total', 'Cumulative proxy nftables sync failures', () => status.failures),
        // A cleanup of our own is part of the transaction that makes it needed, so it fails with that.
        failures('nftables_cleanup_failures_total', 'Cumulative proxy nftables cleanup failures', () => 0),
      ];
    }
    const table = (name: string, help: string, pick: (counts: RuleCounts) => number) =>
      new CollectedFamily(
        { name: `${prefix}sync_proxy_rules_${name}`, help, type: 'gauge', labels: ['table', 'ip_family'] },
        () => (ruleCounts?.() ?? []).map((counts) => [[counts.table, counts.family], pick(counts)] as const),
      );
    return [
      failures('iptables_restore_failures_total', 'Cumulative proxy iptables restore failures', () => status.failures),
      failures(
        'iptables_partial_restore_failures_total',
        'Cumulative proxy iptables partial restore failures',
        () => status.partialFailures,
      ),
      table('iptables_total', 'Total number of iptables rules owned by kube-proxy', ({ total }) => total),
      table('iptables_last', 'Number of iptables rules written by kube-proxy in last sync', ({ last }) => last),
    ];
  }

  #packetFamilies(): Family[] {
    const family = (name: string, help: string, counter: PacketCounter) =>
      new CollectedFamily({ name: `${prefix}iptables_${name}_packets_total`, help, type: 'counter' }, () => {
        const packets = this.#counted.get(counter);
        return packets === undefined ? [] : [[[], packets]];
      });
    return [
      family(
        'ct_state_invalid_dropped',
        'packets dropped by iptables to work around conntrack problems',
        packetCounters.invalidDropped,
      ),
      family(
        'localhost_nodeports_accepted',
        'Number of packets accepted on nodeports of loopback interface',
        packetCounters.localhostNodePorts,
      ),
    ];
  }

  #noLocalEndpoints(): Family {
    const { plans, families } = this.#options;
    const options = {
      name: `${prefix}sync_proxy_rules_no_local_endpoints_total`,
      help: 'Number of services with a Local traffic policy and no endpoints',
      type: 'gauge',
      labels: ['traffic_policy', 'ip_family'],
    } as const;
    return new CollectedFamily(options, () => {
      const policies = ['internal', 'external'];
      const labels = policies.flatMap((policy) => families.map((family) => `${policy} ${family}`));
      const services = new Map(labels.map((key) => [key, new Set<string>()]));
      for (const { servicePort, internal, external } of plans()) {
        for (const [policy, route] of [
          ['internal', internal],
          ['external', external],
        ] as const) {
          if (route !== 'drop') continue;
          const names = services.get(`${policy} ${servicePort.family}`);
          names?.add(`${servicePort.namespace}/${servicePort.serviceName}`);
        }
      }
      return [...services].map(([key, names]) => [key.split(' '), names.size] as const);
    });
  }
}
