// Says what happened to an object (core/v1 Event), as client-go's recorder does: a repeat raises `count` of the Event
// that is there, and many that differ only in their message are combined into one.
import type { Event, ObjectReference } from '../api/core/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { isNotFound } from '../apimachinery/status.ts';
import { formatTime } from '../apimachinery/time.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { events } from './resources.ts';
import type { Client, ResourceClient } from './types.ts';

export interface EventRecorder {
  /** Returns at once; the Event is written in the background, and dropped when the server refuses it. */
  event(object: KubeObject | ObjectReference, event: EventText): void;
  /** Resolves when all events so far were written or dropped. */
  flush(): Promise<void>;
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

/** client-go: repeats are joined for 10 minutes; from the 10th different message on they are combined. */
const aggregationInterval = 600_000;
const mostSimilar = 10;
const cacheSize = 4096;
/** Events that wait for a slow server; more are dropped. */
const mostPending = 1000;

interface Known {
  readonly name: string;
  readonly namespace: string;
  readonly message: string;
  count: number;
  last: number;
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
        // Events are best effort: a namespace that ends refuses them, a server that is away misses them.
      } finally {
        this.#pending -= 1;
      }
    });
  }

  flush(): Promise<void> {
    return this.#chain;
  }

  async #write(involved: ObjectReference, text: EventText, now: number): Promise<void> {
    const group = [involved.kind, involved.namespace, involved.name, involved.uid, text.type, text.reason].join('\n');
    const message = this.#combined(group, text.message, now);
    const combined = message !== text.message;
    const key = combined ? `${group}\n(combined)` : `${group}\n${involved.fieldPath ?? ''}\n${message}`;
    const known = this.#known.get(key);
    if (known && now - known.last <= aggregationInterval) {
      try {
        await this.#repeat(known, message, now);
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    const created = await this.#events.create(this.#make(involved, { ...text, message }, now));
    const { name, namespace = 'default' } = created.metadata;
    this.#known.delete(key);
    this.#known.set(key, { name, namespace, message, count: 1, last: now });
    trim(this.#known);
  }

  async #repeat(known: Known, message: string, now: number): Promise<void> {
    const body = { count: known.count + 1, lastTimestamp: formatTime(now), message };
    await this.#events.patch({ name: known.name, namespace: known.namespace, type: 'merge', body });
    known.count += 1;
    known.last = now;
  }

  /** The message, or for the eleventh of its like the combined one. */
  #combined(group: string, message: string, now: number): string {
    let similar = this.#similar.get(group);
    if (!similar || now - similar.last > aggregationInterval) similar = { messages: new Set(), last: now };
    similar.last = now;
    similar.messages.add(message);
    this.#similar.delete(group);
    this.#similar.set(group, similar);
    trim(this.#similar);
    if (similar.messages.size < mostSimilar) return message;
    // The newest stays in, so that the set does not grow.
    similar.messages.delete(message);
    return `(combined from similar events): ${message}`;
  }

  #make(involved: ObjectReference, { type, reason, message, annotations }: EventText, now: number): Event {
    const { component, host, random } = this.#options;
    const time = formatTime(now);
    const suffix = BigInt(Math.floor(now)) * 1_000_000n + BigInt(random.int(1_000_000));
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${involved.name}.${suffix.toString(16)}`,
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
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
  }
}

/** Drops the oldest of a map that has grown past the limit. */
function trim<V>(map: Map<string, V>): void {
  for (const key of map.keys()) {
    if (map.size <= cacheSize) return;
    map.delete(key);
  }
}
