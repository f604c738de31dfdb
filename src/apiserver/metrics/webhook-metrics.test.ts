import { expect, test } from 'vitest';
import type { WebhookOutcome } from '../admission/admission.ts';
import { ApiMetrics } from './api-metrics.ts';
import { countWebhook } from './webhook-metrics.ts';

const rejection = 'apiserver_admission_webhook_rejection_count{error_type=';
const of = 'name="w",operation="CREATE",rejection_code=';

test.each<[Pick<WebhookOutcome, 'result' | 'code'>, string, string]>([
  [{ result: 'allowed' }, 'false', ''],
  [{ result: 'rejected', code: 403 }, 'true', `${rejection}"no_error",${of}"403",type="admit"} 1`],
  [{ result: 'rejected', code: 999 }, 'true', `${rejection}"no_error",${of}"600",type="admit"} 1`],
  [{ result: 'error' }, 'true', `${rejection}"calling_webhook_error",${of}"0",type="admit"} 1`],
  [{ result: 'failed-open' }, 'false', 'apiserver_admission_webhook_fail_open_count{name="w",type="admit"} 1'],
])('%j', (outcome, rejected, counted) => {
  const metrics = new ApiMetrics();
  countWebhook(metrics, { name: 'w', type: 'admit', operation: 'CREATE', duration: 20, ...outcome });
  const { webhooks, webhookRejections, webhookFailOpen } = metrics;
  expect(webhooks.print()).toContain(
    `apiserver_admission_webhook_admission_duration_seconds_sum{name="w",operation="CREATE",rejected="${rejected}",type="admit"} 0.02`,
  );
  const lines = `${webhookRejections.print()}${webhookFailOpen.print()}`.split('\n');
  expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual(counted === '' ? [] : [counted]);
});
