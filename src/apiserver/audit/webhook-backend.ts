// Sends events to the server of `--audit-webhook-config-file`, as an EventList, and again while that may help
// (upstream plugin/pkg/audit/webhook).
import type { Transport } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { statusMessage } from '../go-errors.ts';
import { isSuccess, postToWebhook, retried } from '../webhook-post.ts';

export interface WebhookBackendOptions {
  readonly transport: Transport;
  /** The URL of the kubeconfig, for messages; its path is the transport's to add. */
  readonly server: string;
  /** Milliseconds before the second try. */
  readonly initialBackoff: number;
  readonly clock: Clock;
  readonly random: Random;
  /** So many events could not be sent. */
  readonly onError: (error: unknown, events: number) => void;
}

const timeoutSeconds = 30;
const largestAnswer = 1024 * 1024;
/** What every line of an Event begins with (`auditor.ts`): those of a list say neither. */
const typeMeta = '{"kind":"Event","apiVersion":"audit.k8s.io/v1",';

/** The body for these lines of JSON. */
export function eventList(lines: readonly string[]): string {
  const items = lines.map((line) => (line.startsWith(typeMeta) ? `{${line.slice(typeMeta.length)}` : line));
  return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items.join()}]}\n`;
}

export class WebhookBackend {
  readonly #options: WebhookBackendOptions;
  readonly #url: URL;
  readonly #closing = new AbortController();

  constructor(options: WebhookBackendOptions) {
    this.#options = options;
    this.#url = new URL(options.server);
    this.#url.search = `?timeout=${timeoutSeconds}s`;
  }

  /** Whether the events were taken. Never rejects: what could not be sent is told to `onError`. */
  async send(lines: readonly string[]): Promise<boolean> {
    const { clock, random, initialBackoff: firstDelay, onError } = this.#options;
    const { signal } = this.#closing;
    const body = eventList(lines);
    try {
      await retried(() => this.#post(body), { firstDelay, mayHelp: () => !signal.aborted, clock, random, signal });
      return true;
    } catch (error) {
      onError(error, lines.length);
      return false;
    }
  }

  /** What fails from now on is not tried again. */
  close(): void {
    this.#closing.abort();
  }

  async #post(body: string): Promise<void> {
    const { transport, clock } = this.#options;
    const timeout = timeoutSeconds * 1000;
    const { status, text } = await postToWebhook({ transport, url: this.#url, body, timeout, largestAnswer, clock });
    if (!isSuccess(status)) throw new Error(statusMessage(status, text));
  }
}
