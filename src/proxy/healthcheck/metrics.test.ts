import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { nodeA, planned, service } from '../fixtures/objects.ts';
import { planServicePort } from '../plan.ts';
import { servicePorts } from '../service-port.ts';
import { SyncStatus } from '../sync-status.ts';
import { ProxyMetrics } from './metrics.ts';
import { programmingTimes } from './programming.ts';

async function sampleLines(metrics: ProxyMetrics): Promise<string[]> {
  return (await metrics.print()).split('\n').filter((line) => /^kubeproxy_/.test(line) && !line.includes('_bucket'));
}

test('under the names of kube-proxy, for each family', async () => {
  const status = new SyncStatus(new FakeClock(5000), { timeout: 60_000 });
  const local = service({ name: 'web', internalTrafficPolicy: 'Local' });
  const plans = servicePorts(local, 'IPv4').map((port) => planServicePort(port, [planned('10.244.2.1')], nodeA));
  const metrics = new ProxyMetrics({ mode: 'nftables', families: ['IPv4'], status, plans: () => plans });
  status.queued('endpoint');
  status.queued('service');
  status.failed({ full: false });
  metrics.synced({ full: false, duration: 20 });
  metrics.programmed('IPv4', 0.5);
  metrics.reconciled('IPv4', { seconds: 0.25, ended: 3 });
  metrics.healthz.with('200').add();
  expect(await sampleLines(metrics)).toEqual([
    'kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 0.02',
    'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_sync_partial_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 0.02',
    'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_network_programming_duration_seconds_sum{ip_family="IPv4"} 0.5',
    'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family="IPv4"} 0.25',
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv4"} 3',
    'kubeproxy_proxy_healthz_total{code="200"} 1',
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 5',
    'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"} 5',
    'kubeproxy_sync_proxy_rules_endpoint_changes_pending 1',
    'kubeproxy_sync_proxy_rules_endpoint_changes_total 1',
    'kubeproxy_sync_proxy_rules_service_changes_pending 1',
    'kubeproxy_sync_proxy_rules_service_changes_total 1',
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 1',
    'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family="IPv4"} 0',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="internal",ip_family="IPv4"} 1',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="external",ip_family="IPv4"} 0',
  ]);
});

test('in iptables mode rules are counted by table, and packets where the kernel counts them', async () => {
  const status = new SyncStatus(new FakeClock(5000), { timeout: 60_000 });
  status.failed({ full: false });
  const countedPackets = async () => new Map([['ct_state_invalid_dropped_pkts', 42] as const]);
  const ruleCounts = () => [{ table: 'nat', family: 'IPv4', total: 9, last: 4 } as const];
  const metrics = new ProxyMetrics({
    mode: 'iptables',
    families: ['IPv4'],
    status,
    plans: () => [],
    ruleCounts,
    countedPackets,
  });
  expect((await sampleLines(metrics)).filter((line) => line.includes('iptables'))).toEqual([
    'kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv4"} 1',
    'kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total{ip_family="IPv4"} 1',
    'kubeproxy_sync_proxy_rules_iptables_total{table="nat",ip_family="IPv4"} 9',
    'kubeproxy_sync_proxy_rules_iptables_last{table="nat",ip_family="IPv4"} 4',
    'kubeproxy_iptables_ct_state_invalid_dropped_packets_total 42',
  ]);
});

test('programming is timed from the trigger that the slice names, if it came in our time', () => {
  const slice = (time: string) => ({
    metadata: { name: 's', annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': time } },
    addressType: 'IPv6',
    endpoints: [],
  });
  const slices = [slice('1970-01-01T00:00:10Z'), slice('1970-01-01T00:00:01Z'), slice('')];
  expect(programmingTimes(slices, { since: 5000, now: 10_500 })).toEqual([{ family: 'IPv6', seconds: 0.5 }]);
});
