// Tells the API how a pod fares: what podStatus (pod-status.ts) says, one telling after the other, and only what is news.
import type { Pod, PodStatus } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { isConflict, isNotFound } from '../../apimachinery/status.ts';
import { pods } from '../../client/resources.ts';
import type { Timer } from '../../system/clock.ts';
import type { KubeletOptions } from '../options.ts';
import { podStatus, type StatusInput } from './pod-status.ts';

export interface StatusTellerOptions {
  readonly options: Pick<KubeletOptions, 'client' | 'clock' | 'nodeIPs'>;
  /** The pod as the API has it, which is told of; undefined when the API has none. */
  readonly target: () => Pod | undefined;
  /** What is true now, asked when the turn of a telling comes. */
  readonly look: () => Omit<StatusInput, 'hostIPs' | 'now'>;
}

/** What is only on the way is told this late, in milliseconds: most pods have arrived by then, and it need not be told at all. */
const patience = 100;

export class StatusTeller {
  readonly #options: StatusTellerOptions;
  #published: PodStatus | undefined;
  #toldTo = '';
  /** The version of the pod to which it was told; one that shows something else later is somebody else's word. */
  #toldAt = '';
  /** On its way to the API. */
  #sent: PodStatus | undefined;
  #telling: Promise<void> = Promise.resolve();
  #later: Timer | undefined;

  constructor(options: StatusTellerOptions) {
    this.#options = options;
  }

  /** The status as it was last told, or is about to be. */
  get status(): PodStatus | undefined {
    return this.#published;
  }

  /** Resolves when the API knows what was true at this telling's turn. Rejects when it could not be told. */
  tell(): Promise<void> {
    this.cancel();
    const turn = this.#telling.catch(() => {}).then(() => this.#tell());
    this.#telling = turn;
    return turn;
  }

  /** For what will soon be told anyway; what could not be told is told with the next. */
  tellLater(): void {
    this.#later ??= this.#options.options.clock.after(patience, () => {
      this.tell().catch(() => {});
    });
  }

  /** Nothing is told later. */
  cancel(): void {
    this.#later?.cancel();
    this.#later = undefined;
  }

  /** Whether a status that the API shows is what it was told. */
  isOwnWord(status: PodStatus | undefined): boolean {
    return jsonEqual(status, this.#published) || jsonEqual(status, this.#sent);
  }

  async #tell(): Promise<void> {
    const { clock, client, nodeIPs } = this.#options.options;
    const { pod, ...look } = this.#options.look();
    const status = podStatus({ pod: this.#merged(pod), ...look, hostIPs: nodeIPs, now: clock.now() });
    const target = this.#options.target();
    const uid = target?.metadata.uid ?? '';
    const isKnown = jsonEqual(status, this.#published) && this.#toldTo === uid;
    if (isKnown && !(target && this.#isContradicted(target))) return;
    if (!target) {
      this.#published = status;
      return;
    }
    const { name, namespace = 'default' } = target.metadata;
    const body = { metadata: { uid }, status };
    this.#sent = status;
    try {
      await client.resource<Pod>(pods).patch({ name, namespace, type: 'merge', body }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    this.#published = status;
    this.#toldTo = uid;
    this.#toldAt = target.metadata.resourceVersion ?? '';
  }

  /** The node lifecycle controller calls pods of a silent node not ready: back again, their kubelet knows better. */
  #isContradicted({ metadata, status }: Pod): boolean {
    const ready = (one: PodStatus | undefined) => one?.conditions?.find(({ type }) => type === 'Ready')?.status;
    return metadata.resourceVersion !== this.#toldAt && ready(status) !== ready(this.#published);
  }

  /** The pod with the status as it was last told: the informer may not have it yet. */
  #merged(pod: Pod): Pod {
    const mine = this.#published;
    if (!mine) return pod;
    const types = new Set(mine.conditions?.map((c) => c.type));
    const others = (pod.status?.conditions ?? []).filter((c) => !types.has(c.type));
    return {
      ...pod,
      status: { ...pod.status, ...mine, conditions: [...(mine.conditions ?? []), ...others] },
    };
  }
}
