// Says what happened to an object (core/v1 Event), as client-go's recorder does: a repeat raises `count` of the Event
// that is there, many that differ only in their message are combined into one, and of what is said too often only the
// count goes on.
import type { Event, ObjectReference } from '../api/core/v1/types.generated.ts';
import { dropOldest } from '../apimachinery/drop-oldest.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { isNotFound, StatusError } from '../apimachinery/status.ts';
import { formatTime } from '../apimachinery/time.ts';
import { dns1123Subdomain } from '../apimachinery/validation/names.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { EventSpamFilter } from './event-spam.ts';
import { events } from './resources.ts';
import type { Client, ResourceClient } from './types.ts';

export interface EventRecorder {
  /** Returns at once; the Event is written in the background: dropped when the server refuses it, held while there is none. */
  event(object: KubeObject | ObjectReference, event: EventText): void;
}

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, one word: `ScalingReplicaSet`. */
  readonly reason: string;
  readonly message: string;
  /** Of the Event. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  /** `deployment-controller`, `kubelet`, … */
  readonly component: string;
  /** The node that speaks, for components that are many. */
  readonly host?: string;
}

/** client-go: from the 10th different message within 10 minutes on they are combined. */
const aggregationInterval = 600_000;
const mostSimilar = 10;
const cacheSize = 4096;
/** Events that wait for a slow server; more are dropped. */
const mostPending = 1000;
/** Of a server that is away. */
const retry = { times: 12, delay: 10_000 } as const;

/** What was said last of one thing. */
interface Known {
  readonly name: string;
  readonly firstTimestamp: string;
  readonly count: number;
}

interface Similar {
  readonly messages: Set<string>;
  last: number;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

/** The reference by which an Event (or anything else) names an object. */
export function referenceTo(object: KubeObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    ...(object.kind && { kind: object.kind }),
    ...(object.apiVersion && { apiVersion: object.apiVersion }),
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
  };
}

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #events: ResourceClient<Event>;
  readonly #known = new Map<string, Known>();
  readonly #similar = new Map<string, Similar>();
  readonly #spam = new EventSpamFilter();
  #chain: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#events = options.client.resource<Event>(events);
  }

  event(object: KubeObject | ObjectReference, event: EventText): void {
    if (this.#pending >= mostPending) return;
    const involved = 'metadata' in object ? referenceTo(object) : object;
    const now = this.#options.clock.now();
    this.#pending += 1;
    this.#chain = this.#chain.then(async () => {
      try {
        await this.#write(involved, event, now);
      } catch {
        // Events are best effort: a namespace that ends refuses them.
      } finally {
        this.#pending -= 1;
      }
    });
  }

  async #write(involved: ObjectReference, text: EventText, now: number): Promise<void> {
    const source = [involved.kind, involved.namespace, involved.name, involved.uid, text.type].join('\n');
    const group = `${source}\n${text.reason}`;
    const at = this.#options.clock.monotonic();
    const message = this.#combined(group, text.message, at);
    const combined = message !== text.message;
    const key = combined ? `${group}\n(combined)` : `${group}\n${involved.fieldPath ?? ''}\n${message}`;
    const known = this.#known.get(key);
    const told = known ? { ...known, count: known.count + 1 } : this.#first(involved, now);
    this.#known.delete(key);
    this.#known.set(key, told);
    dropOldest(this.#known, cacheSize);
    if (!this.#spam.accepts(source, at)) return;
    const event = this.#make(involved, { ...text, message }, { ...told, now });
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#send(event, known !== undefined);
      } catch (error) {
        if (error instanceof StatusError || tries >= retry.times) throw error;
        const { clock, random } = this.#options;
        await clock.sleep(tries === 1 ? random.int(retry.delay) : retry.delay);
      }
    }
  }

  async #send(event: Event, isKnown: boolean): Promise<void> {
    const { metadata, count, lastTimestamp, message } = event;
    const { name, namespace = 'default' } = metadata;
    if (isKnown) {
      try {
        await this.#events.patch({ name, namespace, type: 'merge', body: { count, lastTimestamp, message } });
        return;
      } catch (error) {
        // It has expired, or somebody deleted it.
        if (!isNotFound(error)) throw error;
      }
    }
    await this.#events.create(event);
  }

  /** The message, or for the eleventh of its like the combined one. */
  #combined(group: string, message: string, now: number): string {
    let similar = this.#similar.get(group);
    if (!similar || now - similar.last > aggregationInterval) similar = { messages: new Set(), last: now };
    similar.last = now;
    similar.messages.add(message);
    this.#similar.delete(group);
    this.#similar.set(group, similar);
    dropOldest(this.#similar, cacheSize);
    if (similar.messages.size < mostSimilar) return message;
    // The newest stays in, so that the set does not grow.
    similar.messages.delete(message);
    return `(combined from similar events): ${message}`;
  }

  #first({ name = '' }: ObjectReference, now: number): Known {
    const { random } = this.#options;
    const suffix = BigInt(Math.floor(now)) * 1_000_000n + BigInt(random.int(1_000_000));
    const ofObject = `${name}.${suffix.toString(16)}`;
    // Not all names of objects leave room for more, or are ones that an Event may have.
    const isAllowed = dns1123Subdomain(ofObject).length === 0;
    return { name: isAllowed ? ofObject : random.uuid(), firstTimestamp: formatTime(now), count: 1 };
  }

  #make(
    involved: ObjectReference,
    { type, reason, message, annotations }: EventText,
    { name, firstTimestamp, count, now }: Known & { readonly now: number },
  ): Event {
    const { component, host } = this.#options;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name,
        namespace: involved.namespace || 'default',
        ...(annotations && { annotations }),
      },
      involvedObject: involved,
      type,
      reason,
      message,
      source: { component, ...(host && { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp,
      lastTimestamp: formatTime(now),
      count,
    };
  }
}
