// Carries out what preemption decides: ends victims, and takes back the promise of a node.
import type { Pod } from '../api/core/v1/types.generated.ts';
import { objectKey } from '../apimachinery/object.ts';
import { isConflict, isNotFound } from '../apimachinery/status.ts';
import type { EventRecorder } from '../client/events.ts';
import { pods } from '../client/resources.ts';
import type { Client, ResourceClient } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import { writeCondition } from './pod-condition.ts';
import type { Preemption } from './preempt.ts';

export interface EvictorOptions {
  readonly client: Client;
  readonly clock: Pick<Clock, 'now'>;
  readonly recorder: EventRecorder;
  /** Of the scheduler, who is said to have ended them. */
  readonly name: string;
  readonly signal: AbortSignal;
  readonly onError?: (error: unknown, what: string) => void;
}

export class Evictor {
  readonly #options: EvictorOptions;
  readonly #pods: ResourceClient<Pod>;

  constructor(options: EvictorOptions) {
    this.#options = options;
    this.#pods = options.client.resource<Pod>(pods);
  }

  /** Ends victims that do not end yet. Answers whether all of them do now, or are gone. */
  async evict(pod: Readonly<Pod>, { nodeName, victims }: Preemption): Promise<boolean> {
    const { clock, name: scheduler } = this.#options;
    const message = `${scheduler}: preempting to accommodate a higher priority pod`;
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message };
    let isDone = true;
    for (const victim of victims.filter(({ metadata }) => metadata.deletionTimestamp === undefined)) {
      const { name, namespace = '', uid } = victim.metadata;
      try {
        await writeCondition(victim, { client: this.#pods, clock, condition });
        await this.#pods.delete(name, namespace, uid === undefined ? {} : { preconditions: { uid } });
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) continue;
        this.#failed(error, `preemption of ${objectKey(victim)}`);
        isDone = false;
        continue;
      }
      const text = `Preempted by pod ${pod.metadata.uid} on node ${nodeName}`;
      const event = { type: 'Normal', reason: 'Preempted', message: text } as const;
      this.#options.recorder.event(victim, event);
    }
    return isDone;
  }

  /** Takes the nominated node out of the pod's status. Resolves with the pod as it is then, undefined where that failed. */
  async withdraw({ metadata: { name, namespace = '', uid } }: Readonly<Pod>): Promise<Pod | undefined> {
    const body = { metadata: { uid }, status: { nominatedNodeName: null } };
    try {
      return await this.#pods.patch({ name, namespace, type: 'merge', body }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) this.#failed(error, `nomination of ${namespace}/${name}`);
      return undefined;
    }
  }

  #failed(error: unknown, what: string): void {
    if (!this.#options.signal.aborted) this.#options.onError?.(error, `scheduler: ${what}`);
  }
}
