// ValidatingAdmissionWebhook: all webhooks that a request is for are asked at once; the first in order that refuses is told.
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from '../admission.ts';
import { ask, asStatusError, type ConfiguredWebhook, configuredWebhooks, questionFor } from './webhook.ts';

export const validatingWebhooks: AdmissionPlugin = {
  name: 'ValidatingAdmissionWebhook',
  validate(request, view) {
    const hooks = configuredWebhooks('validatingwebhookconfigurations', request, view);
    return hooks.length === 0 ? undefined : validate(hooks, request, view);
  },
};

async function validate(
  hooks: readonly ConfiguredWebhook[],
  request: AdmissionRequest,
  view: AdmissionView,
): Promise<void> {
  const questions: { webhook: ConfiguredWebhook; seen: AdmissionRequest }[] = [];
  for (const webhook of hooks) {
    const seen = await questionFor(webhook, request, view);
    if (seen) questions.push({ webhook, seen });
  }
  const asked = await Promise.allSettled(
    questions.map(({ webhook, seen }, i) =>
      ask(webhook, seen, { view, isMutating: false, place: `round_0_index_${i}` }),
    ),
  );
  const failed = asked.find((one) => one.status === 'rejected');
  if (failed) throw asStatusError(failed.reason);
}
