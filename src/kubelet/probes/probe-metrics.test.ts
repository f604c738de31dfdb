import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { ProbeMetrics } from './probe-metrics.ts';

const pod = (name: string): Pod => ({
  metadata: { name, namespace: 'default', uid: `${name}-uid` },
  spec: { containers: [{ name: 'main' }] },
});

test('probes are counted by their results, and timed where they succeeded, until their pod is gone', () => {
  const metrics = new ProbeMetrics();
  const shop = { pod: pod('shop'), container: 'main', type: 'Readiness', seconds: 0.03 } as const;
  metrics.add({ ...shop, success: true });
  metrics.add({ ...shop, success: true });
  metrics.add({ ...shop, success: false });
  metrics.add({ ...shop, pod: pod('bank'), type: 'Liveness', success: false });
  const of = (name: string, type: string, result: string) =>
    `prober_probe_total{container="main",namespace="default",pod="${name}",pod_uid="${name}-uid",probe_type="${type}",result="${result}"}`;
  const text = metrics.print();
  expect(text.split('\n').filter((line) => line.startsWith('prober_probe_total'))).toEqual([
    `${of('shop', 'Readiness', 'successful')} 2`,
    `${of('shop', 'Readiness', 'failed')} 1`,
    `${of('bank', 'Liveness', 'failed')} 1`,
  ]);
  const timed = 'prober_probe_duration_seconds';
  const labels = 'container="main",namespace="default",pod="shop",probe_type="Readiness"';
  expect(text).toContain(`${timed}_bucket{${labels},le="0.025"} 0\n${timed}_bucket{${labels},le="0.05"} 2\n`);
  expect(text).toContain(`${timed}_count{${labels}} 2\n`);
  expect(text).not.toContain(`${timed}_count{container="main",namespace="default",pod="bank"`);
  metrics.forget(pod('shop'));
  expect(metrics.print()).not.toContain('shop');
  expect(metrics.print()).toContain(`${of('bank', 'Liveness', 'failed')} 1\n`);
  metrics.forget(pod('bank'));
  expect(metrics.print()).toBe('');
});
