// Opens the webhook of a kubeconfig: of `--authorization-webhook-config-file`, `--authentication-token-webhook-config-file` and
// `--authorization-config`.
import { ReviewWebhook } from '../apiserver/review-webhook/review-webhook.ts';
import { readKubeconfig, transportOf } from '../client/kubeconfig.ts';
import { realClock } from '../system/real/clock.ts';
import { realExec } from '../system/real/exec.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';

/** `timeout` in milliseconds, for one try. Rejects with an Error for a kubeconfig that cannot be used. */
export async function openReviewWebhook(kubeconfig: string, timeout: number): Promise<ReviewWebhook> {
  const access = await readKubeconfig(kubeconfig, { files: realFiles });
  const transport = transportOf(access, { clock: realClock, files: realFiles, exec: realExec, userAgent: 'portico' });
  return new ReviewWebhook({ transport, server: access.server, timeout, clock: realClock, random: realRandom });
}
