// Tells the API how a pod fares: what podStatus (pod-status.ts) says, one telling after the other, and only what is news.
import type { Pod, PodCondition, PodStatus } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { isConflict, isNotFound } from '../../apimachinery/status.ts';
import { pods } from '../../client/resources.ts';
import type { Timer } from '../../system/clock.ts';
import { Turns } from '../../system/turns.ts';
import type { KubeletOptions } from '../options.ts';
import { kubeletConditions, podStatus, type StatusInput } from './pod-status.ts';

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
  /** The version that the pod got by it; a later one that shows something else is somebody else's word. */
  #toldAt = '';
  /** On its way to the API. */
  #sent: PodStatus | undefined;
  readonly #turns = new Turns();
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
    return this.#turns.take(() => this.#tell());
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
    const target = this.#options.target();
    const { metadata: own, status: seen } = this.#options.look().pod;
    if (!target) {
      this.#published = this.#status(seen);
      return;
    }
    try {
      await this.#tellTo(target, seen);
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      // Somebody wrote since the informer saw the pod: what others say of it must not be lost.
      const { name, namespace = 'default', uid } = target.metadata;
      const current = await this.#options.options.client.resource<Pod>(pods).get(name, namespace);
      if (current.metadata.uid === uid) await this.#tellTo(current, uid === own.uid ? current.status : seen);
    }
  }

  /** `seen` is what the API shows, as far as it counts: of a static pod's mirror it does not. */
  async #tellTo(target: Pod, seen: PodStatus | undefined): Promise<void> {
    const { name, namespace = 'default', uid = '', resourceVersion = '' } = target.metadata;
    const status = this.#status(seen);
    const isTold = this.#toldTo === uid;
    const isKnown = isTold && says(this.#published, status) && says(status, this.#published);
    const isContradicted = isNewer(resourceVersion, this.#toldAt) && !says(target.status, status);
    if (isKnown && !isContradicted) {
      this.#published = status;
      return;
    }
    this.#sent = status;
    const seenAt = isTold && isNewer(this.#toldAt, resourceVersion) ? this.#toldAt : resourceVersion;
    // Reasons of somebody else do not stay.
    const { reason = null, message = null } = status;
    const body = { metadata: { uid, resourceVersion: seenAt }, status: { ...status, reason, message } };
    const api = this.#options.options.client.resource<Pod>(pods);
    const { metadata } = await api.patch({ name, namespace, type: 'merge', body }, { subresource: 'status' });
    this.#published = status;
    this.#toldTo = uid;
    this.#toldAt = metadata.resourceVersion ?? '';
  }

  /** The status that is true. */
  #status(seen: PodStatus | undefined): PodStatus {
    const { clock, nodeIPs } = this.#options.options;
    const { pod, ...look } = this.#options.look();
    return podStatus({ pod: { ...pod, status: this.#merged(seen) }, ...look, hostIPs: nodeIPs, now: clock.now() });
  }

  /** What was told last, which the informer may not have yet, with the conditions of others as they are now. */
  #merged(seen: PodStatus | undefined): PodStatus {
    const mine = this.#published;
    if (!mine) return seen ?? {};
    const own = mine.conditions?.filter(isOwn) ?? [];
    return { ...seen, ...mine, conditions: [...(seen?.conditions ?? []).filter((one) => !isOwn(one)), ...own] };
  }
}

const isOwn = ({ type }: PodCondition): boolean => kubeletConditions.has(type);

/** What a kubelet says in a status: conditions of others are left out, the order of its own does not count. */
function ownWord({ conditions = [], ...rest }: PodStatus): object {
  return { ...rest, conditions: Object.fromEntries(conditions.filter(isOwn).map((one) => [one.type, one])) };
}

/** Whether a status says all that was told, and gives no other reason. Fields that only others set do not count. */
function says(status: PodStatus = {}, told: PodStatus = {}): boolean {
  const { reason, message } = told;
  return jsonEqual(ownWord({ ...status, ...told, reason, message }), ownWord(status));
}

/** Of two resource versions, numbers that may be long. */
const isNewer = (one: string, other: string): boolean =>
  one.length === other.length ? one > other : one.length > other.length;
