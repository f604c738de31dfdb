// What came of asking webhooks, under upstream's names.
import type { WebhookOutcome } from '../admission/admission.ts';
import type { ApiMetrics } from './api-metrics.ts';

/** Codes above count as this one. */
const highestCode = 600;

export function countWebhook(
  metrics: Pick<ApiMetrics, 'webhooks' | 'webhookRejections' | 'webhookFailOpen'>,
  { name, type, operation, duration, result, code = 0 }: WebhookOutcome,
): void {
  const isRejected = result === 'rejected' || result === 'error';
  metrics.webhooks.with(name, operation, String(isRejected), type).observe(duration / 1000);
  if (result === 'failed-open') metrics.webhookFailOpen.with(name, type).add();
  if (!isRejected) return;
  const errorType = result === 'error' ? 'calling_webhook_error' : 'no_error';
  const rejectionCode = String(Math.min(code, highestCode));
  metrics.webhookRejections.with(errorType, name, operation, rejectionCode, type).add();
}
