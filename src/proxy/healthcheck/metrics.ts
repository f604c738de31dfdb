// The text of /metrics (Prometheus exposition format 0.0.4), under kube-proxy's names.
import type { SyncStatus } from '../sync-status.ts';

interface Sample {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'summary';
  readonly help: string;
  readonly values: readonly (readonly [suffix: string, value: number])[];
}

function samples(status: SyncStatus): Sample[] {
  const gauge = (name: string, help: string, value: number): Sample => ({
    name,
    type: 'gauge',
    help,
    values: [['', value]],
  });
  const counter = (name: string, help: string, value: number): Sample => ({
    name,
    type: 'counter',
    help,
    values: [['', value]],
  });
  return [
    {
      name: 'kubeproxy_sync_proxy_rules_duration_seconds',
      type: 'summary',
      help: 'Time that syncs took.',
      values: [
        ['_sum', status.seconds],
        ['_count', status.syncs],
      ],
    },
    {
      name: 'kubeproxy_sync_full_proxy_rules_duration_seconds',
      type: 'summary',
      help: 'Time that full syncs took.',
      values: [
        ['_sum', status.fullSeconds],
        ['_count', status.fullSyncs],
      ],
    },
    gauge(
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      'When rules were last written, in seconds since the Unix epoch.',
      status.lastSynced / 1000,
    ),
    gauge('kubeproxy_sync_proxy_rules_changes_pending', 'Changes that wait for a sync.', status.pendingChanges),
    counter('kubeproxy_sync_proxy_rules_changes_total', 'Changes of Services and EndpointSlices.', status.totalChanges),
    counter('kubeproxy_sync_proxy_rules_failures_total', 'Syncs that the kernel refused.', status.failures),
  ];
}

/** All metrics, a line per value. */
export function metricsText(status: SyncStatus): string {
  return samples(status)
    .map(({ name, type, help, values }) => {
      const lines = values.map(([suffix, value]) => `${name}${suffix} ${value}\n`).join('');
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines}`;
    })
    .join('');
}
