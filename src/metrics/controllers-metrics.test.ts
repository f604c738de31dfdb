import { expect, test } from 'vitest';
import { ControllersMetrics } from './controllers-metrics.ts';
import { Counter } from './metric.ts';

test('queues and what controllers count themselves, of their last term', () => {
  const metrics = new ControllersMetrics(() => 0);
  const { families } = metrics;
  metrics.queue('service').added('a/b');
  const terms = [new Counter({ name: 'syncs', help: 'h' }), new Counter({ name: 'syncs', help: 'h' })] as const;
  for (const [i, term] of terms.entries()) {
    metrics.own('endpointslice-controller', [term]);
    term.with().add(i + 1);
  }
  const text = families.map((family) => family.print()).join('');
  expect(text).toContain('workqueue_adds_total{name="service"} 1');
  expect(text.match(/^syncs .*$/gm)).toEqual(['syncs 2']);
});
