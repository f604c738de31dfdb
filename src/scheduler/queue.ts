// Pods that wait for a node: by priority, then by how long they wait since they were last tried; after a failure until
// something changes, and not before their back-off has passed.
import type { Pod } from '../api/core/v1/types.generated.ts';
import { Heap } from '../apimachinery/heap.ts';
import { objectKey } from '../apimachinery/object.ts';
import type { Clock, Timer } from '../system/clock.ts';
import { byKind, type Change, type Changes } from './wake.ts';

/** Milliseconds: as kube-scheduler's podInitialBackoffSeconds and podMaxBackoffSeconds. */
const firstBackoff = 1000;
const maxBackoff = 10_000;
/** Without any change in the cluster a pod is tried again after so long. */
const longest = 300_000;

interface Waiting {
  pod: Readonly<Pod>;
  /** Changes only while it is not in the heap. */
  order: number;
  attempts: number;
  /** Not before this time (as the clock's `monotonic`). */
  notBefore: number;
  state: 'active' | 'waiting';
  timer?: Timer | undefined;
  /** When the timer goes off. */
  due?: number | undefined;
  mayHelp: (changes: Changes) => boolean;
}

const always = () => true;

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Waiting>();
  readonly #active = new Heap<Waiting>(before);
  #order = 0;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A pod to schedule, or a changed one that waits: it is tried at once. */
  add(pod: Readonly<Pod>): void {
    const key = objectKey(pod);
    let entry = this.#entries.get(key);
    if (!entry || entry.pod.metadata.uid !== pod.metadata.uid) {
      this.remove(key);
      this.#order += 1;
      entry = { pod, order: this.#order, attempts: 0, notBefore: 0, state: 'waiting', mayHelp: always };
      this.#entries.set(key, entry);
    }
    entry.pod = pod;
    this.#activate(entry);
  }

  /** Room was made for the pod: it is tried without the rest of its back-off (upstream SchedulerPopFromBackoffQ). */
  hurry(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) this.#activate(entry);
  }

  /** The pod changed in a way that does not make it schedulable (its status). */
  refresh(pod: Readonly<Pod>): void {
    const entry = this.#entries.get(objectKey(pod));
    if (entry) entry.pod = pod;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.timer?.cancel();
    this.#entries.delete(key);
  }

  /** Resolves once there may be something to {@link pop}. */
  ready(signal: AbortSignal): Promise<void> {
    if (this.#active.size > 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** The next pod; it stays known until {@link remove}. */
  pop(): Readonly<Pod> | undefined {
    for (;;) {
      const entry = this.#active.shift();
      if (!entry) return undefined;
      if (this.#entries.get(objectKey(entry.pod)) !== entry || entry.state !== 'active') continue;
      entry.state = 'waiting';
      entry.attempts += 1;
      return entry.pod;
    }
  }

  /** There was no place: the pod waits for a {@link clusterChanged} that may help it. */
  failed(pod: Readonly<Pod>, mayHelp: Waiting['mayHelp'] = always): void {
    const entry = this.#entryOf(pod);
    if (!entry || entry.state === 'active') return;
    // Those that came meanwhile are tried first: one that fits nowhere must not always be ahead of them.
    this.#order += 1;
    entry.order = this.#order;
    entry.mayHelp = mayHelp;
    entry.notBefore = this.#clock.monotonic() + Math.min(firstBackoff * 2 ** (entry.attempts - 1), maxBackoff);
    this.#after(entry, longest);
  }

  /** Something failed that is no answer (the binding): tried again after the back-off. */
  retry(pod: Readonly<Pod>): void {
    this.failed(pod);
    const entry = this.#entryOf(pod);
    if (entry && entry.state === 'waiting') this.#after(entry, entry.notBefore - this.#clock.monotonic());
  }

  /** Undefined also where the name is another pod's by now. */
  #entryOf(pod: Readonly<Pod>): Waiting | undefined {
    const entry = this.#entries.get(objectKey(pod));
    return entry?.pod.metadata.uid === pod.metadata.uid ? entry : undefined;
  }

  /** Whoever waits for such changes may fit now. */
  clusterChanged(list: readonly Change[]): void {
    const now = this.#clock.monotonic();
    const changes = byKind(list);
    for (const entry of this.#entries.values()) {
      if (entry.state === 'active' || entry.notBefore === 0 || entry.due === entry.notBefore) continue;
      if (!entry.mayHelp(changes)) continue;
      if (entry.notBefore <= now) this.#activate(entry);
      else this.#after(entry, entry.notBefore - now);
    }
  }

  #after(entry: Waiting, ms: number): void {
    const due = this.#clock.monotonic() + Math.max(0, ms);
    if (entry.timer && entry.due === due) return;
    entry.timer?.cancel();
    entry.due = due;
    entry.timer = this.#clock.after(Math.max(0, ms), () => this.#activate(entry));
  }

  #activate(entry: Waiting): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    if (entry.state === 'active') return;
    entry.state = 'active';
    entry.notBefore = 0;
    this.#active.push(entry);
    this.#wake?.();
  }
}

function before(a: Waiting, b: Waiting): boolean {
  const [left, right] = [a.pod.spec.priority ?? 0, b.pod.spec.priority ?? 0];
  return left === right ? a.order < b.order : left > right;
}
